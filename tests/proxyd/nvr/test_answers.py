"""Recorded and odd answers: profiles, repairs, faults, clocks. The recordings are read where they exist."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.camera.spec import AudioSpec
from proxyd.nvr.device_answers import capability_addresses, parse_device_time, service_addresses, shown_offset
from proxyd.nvr.grouping import group_profiles
from proxyd.nvr.profiles import Profile, parse_codec, parse_media2_profile, parse_media_profile
from proxyd.nvr.refusals import LoginDemanded, NotSoap, SoapFault, judge_body, login_error, parse_fault, refusal_error
from proxyd.nvr.repair import repair_answer
from proxyd.nvr.transport import seconds_of_http_date
from tests.proxyd.nvr.odd_device import ENVELOPE, OddDevice, soap


async def recorded_profiles(folder: Path) -> list[Profile]:
    """A recorded GetProfiles answer, read through the client from a device that replays it."""
    from proxyd.nvr.client import NvrClient
    from proxyd.nvr.media import MediaReader

    async def replay(request: Any, text: str) -> Any:
        name = "media2" if "ver20/media" in text else "media1"
        return soap_bytes((folder / name / "GetProfilesResponse.xml").read_bytes())

    async with OddDevice(GetProfiles=replay) as device:
        device.services["http://www.onvif.org/ver20/media/wsdl"] = "/media2"
        async with NvrClient(device.access) as client:
            await client.connect()
            return await MediaReader(client).read_profiles()


def soap_bytes(body: bytes) -> Any:
    answer = soap("")
    answer.body = body
    return answer


@pytest.mark.parametrize(
    ("folder", "codec", "width"), [("easy_ENP1A14-IR_25X", "H265", 2560), ("easy_SUNBA", "H264", 2592)]
)
async def test_recorded_cameras_are_one_channel(shared_data: Path, folder: str, codec: str, width: int) -> None:
    profiles = await recorded_profiles(shared_data / "captures" / folder)
    assert len(profiles) == 3
    [channel] = group_profiles(profiles).channels
    assert channel.main is not None
    assert (channel.main.codec, channel.main.width) == (codec, width)
    assert channel.main.audio == AudioSpec("G711", 64, 8)
    assert channel.main.bitrate_kbps > 1000
    assert channel.main.fps > 5
    assert channel.sub is not None
    assert channel.sub.width < channel.main.width
    assert channel.name == "Channel 1"


@pytest.mark.parametrize("name", ["07_Dahua-default", "08_Dahua-formatted"])
def test_recorded_faults_and_capabilities_are_xml_we_accept(shared_data: Path, name: str) -> None:
    body = (shared_data / "captures" / "go2rtc_tests" / f"{name}_GetCapabilitiesResponse.xml").read_bytes()
    assert judge_body(200, "application/soap+xml", body) is None


@pytest.mark.parametrize("folder", ["easy_ENP1A14-IR_25X", "easy_SUNBA"])
def test_recorded_faults_are_read(shared_data: Path, folder: str) -> None:
    body = (shared_data / "captures" / folder / "device_management" / "Fault.xml").read_bytes()
    fault = parse_fault(400, body)
    assert fault is not None
    assert fault.codes


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("H264", "H264"),
        ("h.265", "H265"),
        ("HEVC", "H265"),
        ("MPV4-ES", "MPEG4"),
        ("JPEG", "JPEG"),
        ("", None),
        ("VP9", None),
    ],
)
def test_codecs(text: str, codec: str | None) -> None:
    assert parse_codec(text) == codec


def test_media2_names_of_things() -> None:
    raw = {
        "token": "T",
        "Name": "n",
        "Configurations": {
            "VideoSource": {"token": "c", "SourceToken": "S"},
            "VideoEncoder": {
                "token": "e",
                "GovLength": 30,
                "Profile": "High",
                "Encoding": "H265",
                "Resolution": {"Width": 3840, "Height": 2160},
                "RateControl": {"FrameRateLimit": 29.97, "BitrateLimit": 6144},
                "Quality": 3.0,
            },
            "AudioEncoder": {"Encoding": "mpeg4-generic", "Bitrate": 64000, "SampleRate": 16000},
        },
    }
    profile = parse_media2_profile(raw)
    assert profile is not None
    assert (profile.fps, profile.gov_length, profile.codec_profile) == (30, 30, "High")
    assert profile.audio == AudioSpec("AAC", 64, 16)


_JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["token", "Name", "Configurations", "VideoSource", "VideoEncoder", "VideoSourceConfiguration"]
                + ["VideoEncoderConfiguration", "SourceToken", "Encoding", "Resolution", "Width", "RateControl", "H264"]
                + ["AudioEncoder", "Bitrate", "UTCDateTime", "Date", "Time", "Year", "Media", "XAddr", "Namespace"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["token", "Name", "Configurations", "VideoEncoderConfiguration"]), _JUNK))
def test_any_mapping_gives_a_profile_or_none(raw: dict[str, Any]) -> None:
    for parse in (parse_media_profile, parse_media2_profile):
        profile = parse(raw)
        assert profile is None or profile.token


@given(_JUNK)
def test_any_answer_of_the_device_is_taken(raw: Any) -> None:
    parse_device_time(raw)
    service_addresses(raw)
    capability_addresses(raw)


@given(st.binary(max_size=300), st.sampled_from([200, 301, 400, 404, 500]))
def test_any_bytes_are_judged(body: bytes, status: int) -> None:
    refusal = judge_body(status, "text/xml", body)
    if refusal is not None:
        assert refusal_error(refusal, where="nvr:80", step="tell its time").hint


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-le", "utf-7", "cp037"])
def test_nothing_hides_in_an_odd_encoding(encoding: str) -> None:
    secret = '<!DOCTYPE a [<!ENTITY b "c">]>' + ENVELOPE.format("<a>&b;</a>")
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    ascii_first = declared.encode() + secret.encode(encoding)
    for body in ((declared + secret).encode(encoding), ascii_first):
        assert isinstance(judge_body(200, "text/xml", body), NotSoap)


@pytest.mark.parametrize(
    "encoding", ["UTF-8", "utf8", "GB2312", "GBK", "gb18030", "Big5", "ISO-8859-1", "windows-1251"]
)
def test_encodings_of_real_devices_are_taken(encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}" ?>\n{ENVELOPE.format("<a>b</a>")}'
    assert judge_body(200, "text/xml", body.encode(encoding)) is None


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ({"Date": {"Year": 2017, "Month": 1, "Day": 2}, "Time": {"Hour": 3, "Minute": 4, "Second": 5}}, (2017, 1, 2)),
        (
            {"Date": {"Year": 2024, "Month": 2, "Day": 28}, "Time": {"Hour": 24, "Minute": 0, "Second": 0}},
            (2024, 2, 29),
        ),
        ({"Date": {"Year": 0, "Month": 0, "Day": 0}, "Time": {"Hour": 0, "Minute": 0, "Second": 0}}, None),
        ({"Date": None, "Time": None}, None),
    ],
)
def test_device_clocks(clock: dict[str, Any], expected: tuple[int, int, int] | None) -> None:
    parsed = parse_device_time({"UTCDateTime": clock})
    assert (parsed and (parsed.year, parsed.month, parsed.day)) == expected


def test_the_time_of_a_date_header() -> None:
    assert (
        seconds_of_http_date("Sun, 06 Nov 1994 08:49:37 GMT")
        == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC).timestamp()
    )
    assert seconds_of_http_date("yesterday") is None
    assert seconds_of_http_date("") is None


def test_small_clock_differences_are_none() -> None:
    assert [shown_offset(x) for x in (None, -0.9, 1.2, 63.4)] == [None, 0.0, 0.0, 63]


@pytest.mark.parametrize(
    ("codes", "reason", "login"),
    [
        (("Sender", "NotAuthorized"), "", True),
        (("FailedAuthentication",), "", True),
        (("Receiver", "Action"), "Authority failure", True),
        (("Receiver",), "the account is locked", True),
        (("Sender", "InvalidArgVal"), "no such profile", False),
        ((), "", False),
    ],
)
def test_which_faults_are_about_the_login(codes: tuple[str, ...], reason: str, login: bool) -> None:
    assert SoapFault(400, codes, reason).is_login is login


def test_a_lock_out_has_its_own_words() -> None:
    assert "locked" in login_error(SoapFault(400, ("Sender",), "user locked"), where="n:80").message
    assert "lock" not in login_error(SoapFault(400, ("Sender",), "wrong password or clock"), where="n:80").message
    assert "clock" in login_error(LoginDemanded(401), where="n:80", clock_told=False).hint


def test_device_texts_cannot_bring_control_characters_into_errors() -> None:
    body = ENVELOPE.format(
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>a\n\tb&#x85;&#x202e;c"
        + "x" * 500
        + "</s:Text></s:Reason></s:Fault>"
    )
    refusal = judge_body(500, "application/soap+xml", body.encode())
    assert isinstance(refusal, SoapFault)
    assert refusal.reason.isprintable()
    assert len(refusal.reason) <= 200


def test_soap_1_1_faults_are_understood() -> None:
    body = (
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
        b"<faultcode>ter:NotAuthorized</faultcode><faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>"
    )
    refusal = judge_body(400, "text/xml", body)
    assert isinstance(refusal, SoapFault)
    assert refusal.is_login


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_missing_service_says_how_to_switch_onvif_on(status: int) -> None:
    error = refusal_error(NotSoap(status, "x"), where="nvr:80", step="tell its time")
    assert "no ONVIF service" in error.message
    assert "off by default" in error.hint


def test_repair_drops_what_a_scan_does_not_read() -> None:
    text = ENVELOPE.format(
        '<trt:GetProfilesResponse><trt:Profiles token="a">'
        '<tt:VideoAnalyticsConfiguration token="v"><tt:Name>n</tt:Name><tt:RuleEngineConfiguration/>'
        "</tt:VideoAnalyticsConfiguration><tt:Name> x </tt:Name><tt:MetadataConfiguration><tt:Events/><tt:Analytics/>"
        "</tt:MetadataConfiguration>"
        "<tt:Extension><tt:Extension/></tt:Extension></trt:Profiles></trt:GetProfilesResponse>"
    )
    root = etree.fromstring(text)
    repair_answer(root)
    [profiles] = root.iter("{http://www.onvif.org/ver10/media/wsdl}Profiles")
    kept = [(etree.QName(c).localname, [etree.QName(part).localname for part in c]) for c in profiles]
    assert kept == [
        ("Name", []),
        ("VideoAnalyticsConfiguration", ["Name"]),
        ("MetadataConfiguration", ["Analytics"]),
        ("Extension", []),
    ]


def test_repair_leaves_topics_and_capabilities_alone() -> None:
    """Their elements share names with configurations."""
    text = (
        '<a xmlns:t="http://www.onvif.org/ver10/topics" xmlns:tt="http://www.onvif.org/ver10/schema">'
        "<t:VideoSource><t:MotionAlarm/></t:VideoSource><tt:PTZ><tt:XAddr/></tt:PTZ>"
        "<tt:Analytics><tt:XAddr/></tt:Analytics><tt:H264><tt:GovLengthRange/></tt:H264></a>"
    )
    root = etree.fromstring(text)
    repair_answer(root)
    assert all(len(part) == 1 for part in root)


@given(st.binary(max_size=200))
def test_repair_takes_any_tree(junk: bytes) -> None:
    with contextlib.suppress(etree.XMLSyntaxError):
        root = etree.fromstring(b"<Profiles><!-- c --><?pi x?>" + junk + b"</Profiles>")
        repair_answer(root)
