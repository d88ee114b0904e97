"""Addresses, SDP, RTCP, the session table and the meter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.rtsp.addresses import Target, parse_target, resolve_control, url_port, with_host
from proxyd.rtsp.headers import Transport, parse_transport
from proxyd.rtsp.rtcp import clean_rtcp
from proxyd.rtsp.sdp import format_sdp, offered, parse_sdp
from proxyd.rtsp.session import SessionTable, State, choose_transport, unsupported_features
from proxyd.rtsp.stats import Meter

# Addresses


@pytest.mark.parametrize(
    ("control", "base", "expected"),
    [
        ("*", "rtsp://h/a", "rtsp://h/a"),
        ("", "rtsp://h/a/", "rtsp://h/a/"),
        ("trackID=0", "rtsp://h/a", "rtsp://h/a/trackID=0"),
        ("trackID=0", "rtsp://h/a/", "rtsp://h/a/trackID=0"),
        (
            "trackID=0",
            "rtsp://h/cam/realmonitor?channel=1&subtype=0",
            "rtsp://h/cam/realmonitor?channel=1&subtype=0/trackID=0",
        ),
        (
            "rtsp://10.0.0.9:554/Streaming/Channels/101/trackID=1?transportmode=unicast",
            "rtsp://h:5554/x",
            "rtsp://h:554/Streaming/Channels/101/trackID=1?transportmode=unicast",
        ),
        (
            "rtsp://u:p@[fe80::1]/onvif-media/media.amp/stream=0?profile=a",
            "rtsp://h/",
            "rtsp://h/onvif-media/media.amp/stream=0?profile=a",
        ),
        ("/track1", "rtsp://h:8554/x/y?z", "rtsp://h:8554/track1"),
        ("?ctype=video", "rtsp://h/x", "rtsp://h/x?ctype=video"),
        (" track1 ", "rtsp://h/Preview_01_main/", "rtsp://h/Preview_01_main/track1"),
    ],
)
def test_control_urls(control: str, base: str, expected: str) -> None:
    assert resolve_control(control, base, "h") == expected


def test_hosts_and_ports() -> None:
    assert with_host("RTSP://admin:p@ss@10.0.0.1:8554/a b".replace(" ", "%20"), "nvr") == "RTSP://nvr:8554/a%20b"
    assert with_host("rtsp://nvr.local", "fe80::1") == "rtsp://[fe80::1]"
    assert url_port("rtsp://[fe80::1]/x") == 554 and url_port("rtsp://[fe80::1]:99/x") == 99
    assert url_port("rtsps://h/x") == 322 and url_port("rtsps://h:7441/x") == 7441
    for bad in ("http://h/", "", "rtsp:/x", "rtsp://h/ x y", "/path"):
        with pytest.raises(ValueError, match="RTSP"):
            with_host(bad, "nvr")
    for bad in ("rtspt://h/", "rtsp://h:0/", "rtsp://h:99999/"):
        with pytest.raises(ValueError, match=r"rtsp|port"):
            url_port(bad)


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("rtsp://h/main", Target("main")),
        ("rtsp://u:p@h:8554/main/?x=1#y", Target("main")),
        ("rtsp://h/main/trackID=1", Target("main", 1)),
        ("rtsp://h/main/TRACKid=12/", Target("main", 12)),
        ("/sub/trackID=0", Target("sub", 0)),
        ("rtsp://h", Target("")),
        ("*", Target("")),
        ("http://h/main", Target("")),
        ("rtsp://h/main/trackID=9999", Target("main/trackID=9999")),
    ],
)
def test_targets(uri: str, target: Target) -> None:
    assert parse_target(uri) == target


@given(st.text(max_size=80))
def test_any_uri_is_read(uri: str) -> None:
    parse_target(uri)
    parse_target("rtsp://h/" + uri)
    resolve_control(uri, "rtsp://h/x", "h")


# SDP

DEVICE_SDP = """v=0
o=- 1700000000 1 IN IP4 192.168.1.64
s=Media Presentation of 192.168.1.64
i=secret
e=admin@nvr.example
u=http://192.168.1.64/
c=IN IP4 192.168.1.64
b=AS:5050
t=0 0
a=control:rtsp://192.168.1.64:554/Streaming/Channels/101/?transportmode=unicast
a=range:npt=0-
m=video 0 RTP/AVP 96
c=IN IP4 192.168.1.64
b=AS:5000
a=recvonly
a=x-dimensions:1920,1080
a=control:rtsp://192.168.1.64/trackID=1
a=rtpmap:96 H264/90000
a=fmtp:96 profile-level-id=4D4028; packetization-mode=1; sprop-parameter-sets=Z01AKJ1kAoAtAQ==,aO4CAQ==; sprop=192.168.1.64; mode=192.168.1.64; x-token=Profile_1
a=rtpmap:97 H265/90000
a=vendor-header:192.168.1.64
a=appversion:1.0
m=audio 0 RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=control:rtsp://192.168.1.64/trackID=2
m=audio 0 RTP/AVP 0
a=sendonly
a=rtpmap:0 PCMU/8000
m=application 0 RTP/AVP 107
a=rtpmap:107 vnd.onvif.metadata/90000
m=application 0 RTP/AVP 108
a=rtpmap:108 vnd.vendor.private/90000
m=video 0 UDP/TLS 96
"""  # noqa: E501 - a line of a format is long on devices, too


def test_only_what_is_ours_and_what_describes_the_media_passes() -> None:
    for line_break in ("\n", "\r\n", "\r"):
        description = parse_sdp(DEVICE_SDP.replace("\n", line_break))
        assert description.control.endswith("/101/?transportmode=unicast")
        assert len(description.media) == 6
        media = offered(description)
        assert [one.kind for one in media] == ["video", "audio"]
        text = format_sdp(media, address="127.0.2.1", session_id=5, title="main")
        assert text.split("\r\n") == [
            "v=0",
            "o=- 5 1 IN IP4 127.0.2.1",
            "s=main",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "a=control:*",
            "a=range:npt=now-",
            "m=video 0 RTP/AVP 96",
            "b=AS:5000",
            "a=recvonly",
            "a=x-dimensions:1920,1080",
            "a=rtpmap:96 H264/90000",
            "a=fmtp:96 profile-level-id=4D4028; packetization-mode=1; sprop-parameter-sets=Z01AKJ1kAoAtAQ==,aO4CAQ==",
            "a=control:trackID=0",
            "m=audio 0 RTP/AVP 8",
            "a=rtpmap:8 PCMA/8000",
            "a=control:trackID=1",
            "",
        ]
    assert "IN IP6 fd00::1" in format_sdp(media, address="fd00::1", session_id=5, title="x")


def test_video_that_calls_itself_sendonly_passes() -> None:
    assert len(offered(parse_sdp("m=video 0 RTP/AVP 96\na=sendonly\n"))) == 1


@given(st.text(max_size=300), st.integers(0, 1000))
def test_any_sdp_is_read_and_ours_stays_one_line_each(noise: str, at: int) -> None:
    text = DEVICE_SDP[: at % len(DEVICE_SDP)] + noise + DEVICE_SDP[at % len(DEVICE_SDP) :]
    written = format_sdp(offered(parse_sdp(text)), address="127.0.2.1", session_id=1, title="t")
    assert all(line[1] == "=" for line in written.split("\r\n")[:-1])
    assert written.isascii()


@given(st.text(max_size=300))
def test_garbage_is_no_sdp(text: str) -> None:
    offered(parse_sdp("m=" + text))


# RTCP

SSRC = b"\x12\x34\x56\x78"
REPORT = b"\x80\xc8\x00\x06" + SSRC + bytes(20)
SDES = b"\x81\xca\x00\x05" + SSRC + b"\x01\x0c192.168.1.64\x00\x00"


def test_names_are_replaced_and_private_parts_dropped() -> None:
    app = b"\x80\xcc\x00\x02" + SSRC + b"leak"
    bye = b"\x81\xcb\x00\x03" + SSRC + b"\x07goodbye"
    cleaned = clean_rtcp(REPORT + SDES + app + bye, b"127.0.2.1")
    ours = b"\x81\xca\x00\x04" + SSRC + b"\x01\x09127.0.2.1\x00"
    assert cleaned == REPORT + ours + b"\x81\xcb\x00\x01" + SSRC
    assert clean_rtcp(app, b"x") == b""


def test_several_chunks_with_several_items() -> None:
    chunk = b"\x01\x02ab\x02\x01n\x00"  # CNAME, NAME, end; 8 bytes
    body = (SSRC + chunk) * 2
    packet = b"\x82\xca" + (len(body) // 4).to_bytes(2, "big") + body
    cleaned = clean_rtcp(packet, b"me")
    assert cleaned == b"\x82\xca\x00\x06" + (SSRC + b"\x01\x02me\x00\x00\x00\x00") * 2


def test_extensions_and_padding_are_cut_off() -> None:
    long_report = b"\xa0\xc8\x00\x08" + REPORT[4:] + b"leak\x00\x00\x00\x04"
    assert clean_rtcp(long_report, b"x") == REPORT


def test_malformed_parts_end_the_packet() -> None:
    assert clean_rtcp(REPORT + SDES[:-4], b"x") == REPORT
    assert clean_rtcp(b"\x81\xc8\x00\x06" + REPORT[4:], b"x") == b""  # a report block is missing
    assert clean_rtcp(b"\x00\xc8\x00\x06" + REPORT[4:], b"x") == b""  # version 0
    assert clean_rtcp(b"\x9f\xcb\x00\x00", b"x") == b""
    assert clean_rtcp(b"", b"x") == b""


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=255).filter(lambda b: b"\x00" not in b))
def test_any_packet_gives_whole_words(noise: bytes, cname: bytes) -> None:
    for packet in (noise, REPORT + noise, b"\x83\xca\x00\x10" + noise):
        cleaned = clean_rtcp(packet, cname)
        assert len(cleaned) % 4 == 0
        assert clean_rtcp(cleaned, cname) == cleaned


# Session table


def test_states() -> None:
    table = SessionTable("id", "main")
    assert table.refusal("PLAY") == 455 and table.refusal("PAUSE") == 455
    table.done("SETUP")
    table.tracks[0] = Transport(tcp=True, interleaved=(0, 1))
    assert table.setup_refusal("main", 1, 2) == 0
    assert table.setup_refusal("main", 0, 2) == 455
    assert table.setup_refusal("main", 2, 2) == 404
    assert table.setup_refusal("main", None, 2) == 459
    assert table.setup_refusal("sub", 1, 2) == 459
    assert table.refusal("PAUSE") == 0
    table.done("PLAY")
    assert table.state is State.PLAYING and table.setup_refusal("main", 1, 2) == 455
    table.done("PLAY")
    table.done("PAUSE")
    assert table.refusal("PLAY") == 0 and str(table.state) == str(State.READY)
    assert SessionTable("id", "main").setup_refusal("main", None, 1) == 0


@pytest.mark.parametrize(
    ("wishes", "granted"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=4-5", Transport(tcp=True, interleaved=(4, 5))),
        ("RTP/AVP/TCP;unicast", Transport(tcp=True, interleaved=(2, 3))),
        ("RTP/AVP/TCP;interleaved=0-1", Transport(tcp=True, interleaved=(2, 3))),
        ("RTP/AVP/TCP;interleaved=7-7", Transport(tcp=True, interleaved=(2, 3))),
        ("RTP/AVP;multicast,RTP/AVP/TCP;interleaved=8-9", Transport(tcp=True, interleaved=(8, 9))),
        ("RTP/AVP;unicast;client_port=6000-6001", None),  # the session goes by TCP
        ("RTP/SAVP/TCP;interleaved=4-5", None),
        ('RTP/AVP/TCP;interleaved=4-5;mode="RECORD"', None),
        ("", None),
    ],
)
def test_transport_of_a_second_track(wishes: str, granted: Transport | None) -> None:
    taken = {0: Transport(tcp=True, interleaved=(0, 1))}
    assert choose_transport(parse_transport(wishes), taken) == granted


def test_udp_needs_ports() -> None:
    assert choose_transport(parse_transport("RTP/AVP;unicast"), {}) is None
    assert choose_transport(parse_transport("RTP/AVP;unicast;client_port=0-1"), {}) is None
    wish = "RTP/AVP;unicast;destination=10.0.0.1;client_port=5000-5001"  # never to somebody else
    assert choose_transport(parse_transport(wish), {}) == Transport(client_port=(5000, 5001))


def test_all_channels_taken() -> None:
    taken = {n: Transport(tcp=True, interleaved=(2 * n, 2 * n + 1)) for n in range(128)}
    assert choose_transport(parse_transport("RTP/AVP/TCP"), taken) is None


def test_features() -> None:
    assert unsupported_features(["a, b", "", "c"], {"b"}) == ["a", "c"]


# Figures


def test_the_meter_knows_the_last_seconds() -> None:
    meter = Meter()
    assert meter.rate(10.0) == 0
    for tenth in range(100):
        meter.add(tenth / 10, 125)
    assert meter.total == 12_500
    assert meter.rate(10.0) == 1250
    assert meter.rate(12.0) == 750
    assert meter.rate(60.0) == 0
    young = Meter()
    young.add(5.0, 1000)
    assert young.rate(5.5) == 0 and young.rate(6.0) == 1000
