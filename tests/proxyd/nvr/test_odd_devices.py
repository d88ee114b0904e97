"""Devices that answer oddly, on real sockets: the right words, bounded cost, and no password more than needed."""

from __future__ import annotations

import asyncio
import gzip
import io
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from proxyd.camera.spec import NvrAccess
from proxyd.digest import DigestVerifier
from proxyd.errors import UpstreamAuthError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.nvr.client import NvrClient
from proxyd.nvr.refusals import ENABLE_ONVIF
from proxyd.nvr.result import ScanResult
from proxyd.nvr.scan import ScanSettings, check_alive, scan
from proxyd.nvr.transport import MAX_ANSWER_BYTES
from tests.proxyd.nvr.odd_device import OddDevice, fault, profile, soap

MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"


async def scanned(access: NvrAccess, *, call_timeout_s: float = 15, parallel: int = 3) -> ScanResult:
    settings = ScanSettings(call_timeout_s=call_timeout_s, parallel=parallel)
    return await scan(access, on_progress=lambda _: None, on_channel=lambda _: None, settings=settings)


async def test_the_plain_device_scans() -> None:
    async with OddDevice() as device:
        result = await scanned(device.access)
    assert [c.number for c in result.channels] == [1, 2]
    assert [s.spec.upstream_url for s in result.channels[1].streams] == ["rtsp://127.0.0.1/P21", "rtsp://127.0.0.1/P22"]
    assert result.channels[0].snapshot_uri == "http://127.0.0.1/P11"
    assert [c.name for c in result.channels] == ["Yard 1", "Yard 2"]
    # No rate control told: recorders need numbers all the same.
    assert result.channels[0].streams[0].spec.fps > 0
    assert result.channels[0].streams[0].spec.bitrate_kbps > 0


async def test_an_answer_without_end_is_cut_off() -> None:
    sent = 0

    async def flood(request: web.Request, text: str) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "application/soap+xml"})
        await response.prepare(request)
        for _ in range(200):
            await response.write(b" " * 2**20)
            sent += 1
        return response

    async with OddDevice(GetProfiles=flood) as device:
        with pytest.raises(UpstreamProtocolError, match="more than 8 MB"):
            await scanned(device.access)
    assert sent < 3 * MAX_ANSWER_BYTES // 2**20


async def test_a_compressed_bomb_is_cut_off() -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(64):
            file.write(bytes(2**20))

    async def bomb(request: web.Request, text: str) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/soap+xml"}
        return web.Response(body=packed.getvalue(), headers=headers)

    async with OddDevice(GetProfiles=bomb) as device:
        with pytest.raises(UpstreamProtocolError, match="more than 8 MB"):
            await scanned(device.access)


@pytest.mark.parametrize(("body", "words"), [("<a/>" * 400_000, "XML tags"), ("<a>" * 20_000, "GetProfiles|streams")])
async def test_xml_made_to_stall_the_parser_is_refused(body: str, words: str) -> None:
    async def stall(request: web.Request, text: str) -> web.StreamResponse:
        return soap(body)

    async with OddDevice(GetProfiles=stall) as device:
        with pytest.raises(UpstreamProtocolError, match=words):
            await scanned(device.access)


async def test_an_identity_that_cannot_be_read_does_not_matter() -> None:
    async def odd(request: web.Request, text: str) -> web.StreamResponse | str:
        return "<tds:SomethingElse/>"

    async with OddDevice(GetDeviceInformation=odd) as device:
        assert len((await scanned(device.access)).channels) == 2


async def test_a_silent_device_meets_the_deadline() -> None:
    asked = asyncio.Event()
    release = asyncio.Event()

    async def silence(request: web.Request, text: str) -> web.StreamResponse:
        asked.set()
        await release.wait()
        return web.Response()

    async with OddDevice(GetSystemDateAndTime=silence) as device:
        with pytest.raises(UpstreamUnreachable, match=r"took longer than 0\.2 s when asked to tell its time"):
            await scanned(device.access, call_timeout_s=0.2)
        with pytest.raises(UpstreamUnreachable):
            await check_alive(device.access, timeout_s=0.2)
        release.set()
    assert asked.is_set()


async def test_a_port_that_speaks_something_else() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises((UpstreamProtocolError, UpstreamUnreachable)) as caught:
            await scanned(NvrAccess("127.0.0.1", port, "u", "p"))
    assert caught.value.hint


async def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(UpstreamUnreachable, match="cannot be found"):
        await scanned(NvrAccess("no-such-nvr.invalid", 80, "u", "p"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: web.Response(status=404, text="<html>gone</html>", content_type="text/html"), "HTTP 404"),
        (lambda: web.Response(status=404), "HTTP 404"),
        (lambda: web.Response(text="<html><body>Login</body></html>", content_type="text/html"), "a web page"),
        (lambda: web.Response(text="  <!DOCTYPE html><p>x", content_type="text/plain"), "a web page"),
        (lambda: web.Response(status=302, headers={"Location": "https://10.0.0.1/"}), "a redirect"),
        (lambda: web.Response(text="hello", content_type="text/plain"), "not XML"),
        (lambda: web.Response(text="<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "document type"),
        (lambda: web.Response(text="<a>", content_type="text/xml"), "cannot be understood"),
        (lambda: soap("<tds:Nonsense/>"), "cannot be understood|no media service"),
    ],
)
async def test_answers_that_are_not_onvif_have_their_words(answer: object, words: str) -> None:
    async def odd(request: web.Request, text: str) -> web.StreamResponse:
        made = answer() if callable(answer) else None
        assert isinstance(made, web.Response)
        return made

    async with OddDevice(any_operation=odd) as device:
        with pytest.raises(UpstreamProtocolError, match=words) as caught:
            await scanned(device.access)
        assert sum(device.signed.values()) <= 1
    assert caught.value.hint


async def test_an_empty_400_to_the_time_does_not_stop_the_scan() -> None:
    async def empty(request: web.Request, text: str) -> web.StreamResponse:
        return web.Response(status=400)

    async with OddDevice(GetSystemDateAndTime=empty) as device:
        assert len((await scanned(device.access)).channels) == 2
        device.handlers["GetProfiles"] = empty
        with pytest.raises(UpstreamProtocolError, match=r"nothing \(HTTP 400\)"):
            await scanned(device.access)


async def test_a_fault_without_a_reason_still_says_what_failed() -> None:
    async def refuse(request: web.Request, text: str) -> web.StreamResponse:
        return fault("BlockedThreadUpperLimit", status=500)

    async with OddDevice(GetProfiles=refuse) as device:
        with pytest.raises(UpstreamProtocolError, match="BlockedThreadUpperLimit") as caught:
            await scanned(device.access)
    assert "list its streams" in caught.value.message


async def test_a_fault_that_says_nothing_at_all_is_named_by_step_and_status() -> None:
    async def refuse(request: web.Request, text: str) -> web.StreamResponse:
        return soap("<s:Fault><s:Code><s:Value></s:Value></s:Code><s:Reason/></s:Fault>", status=400)

    async with OddDevice(GetProfiles=refuse) as device:
        with pytest.raises(
            UpstreamProtocolError, match=r"refused to list its streams: an empty fault \(HTTP 400\)"
        ) as caught:
            await scanned(device.access)
    assert "firmware" in caught.value.hint


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("GetServices", "list its services"),
        ("GetDeviceInformation", "describe itself"),
        ("GetProfiles", "list its streams"),
    ],
)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: web.Response(text="<html>x", content_type="text/html"), "a web page (HTTP 200)"),
        (lambda: web.Response(status=404, text="<html>x", content_type="text/html"), "HTTP 404"),
        (lambda: web.Response(status=500), "nothing (HTTP 500)"),
        (lambda: web.Response(status=400), "nothing (HTTP 400)"),
        (lambda: web.Response(status=503, text="<busy/>", content_type="text/xml"), "HTTP 503"),
        (lambda: web.Response(status=302, headers={"Location": "https://10.0.0.1/"}), "a redirect"),
    ],
)
async def test_whatever_fails_is_named_with_its_step_the_answer_and_what_to_try(
    operation: str, step: str, answer: Callable[[], web.Response], said: str
) -> None:
    async def odd(request: web.Request, text: str) -> web.StreamResponse:
        return answer()

    handlers = {operation: odd} | ({"GetCapabilities": odd} if operation == "GetServices" else {})
    async with OddDevice(**handlers) as device:
        with pytest.raises(UpstreamProtocolError) as caught:
            await scanned(device.access)
    assert caught.value.message.startswith(f"127.0.0.1:{device.port}")
    assert step in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint == ENABLE_ONVIF


async def test_the_password_itself_is_never_sent_nor_repeated() -> None:
    """Devices that take PasswordText exist, and others refuse it; only digests go out, each with a nonce of its own."""
    texts: list[str] = []

    async def hear(request: web.Request, text: str) -> web.StreamResponse | str:
        texts.append(text)
        return (
            fault("NotAuthorized", "use PasswordText, not right")
            if "GetProfiles" in text
            else device.plain(
                next(name for name in ("GetSystemDateAndTime", "GetServices", "GetDeviceInformation") if name in text),
                text,
            )
        )

    async with OddDevice(any_operation=hear) as device:
        with pytest.raises(UpstreamAuthError, match="refuses this user the list of streams"):
            await scanned(device.access)
    signed = [text for text in texts if "UsernameToken" in text]
    assert len(signed) >= 2
    assert all("#PasswordDigest" in text and "PasswordText" not in text for text in signed)
    assert all(">right<" not in text for text in texts)
    assert len({text.partition("Nonce")[2].partition("Nonce")[0] for text in signed}) == len(signed)


async def test_one_channel_that_fails_leaves_the_others() -> None:
    async def not_for_p21(request: web.Request, text: str) -> web.StreamResponse | str:
        return fault("NoProfile", "no such\x07 one") if ">P21<" in text else device.plain("GetStreamUri", text)

    async with OddDevice(GetStreamUri=not_for_p21) as device:
        result = await scanned(device.access)
    assert [c.online for c in result.channels] == [True, False]
    assert not result.complete
    assert result.warnings == (
        f"Channel 2: the NVR gives no address for its main stream. 127.0.0.1:{device.port} refused to give the stream "
        "address of P21: “no such one” (NoProfile).",
    )


async def test_a_channel_whose_address_never_comes_is_left_as_it_was() -> None:
    release = asyncio.Event()

    async def hangs_for_p21(request: web.Request, text: str) -> web.StreamResponse | str:
        if ">P21<" in text:
            await release.wait()
        return device.plain("GetStreamUri", text)

    async with OddDevice(GetStreamUri=hangs_for_p21) as device:
        result = await scanned(device.access, call_timeout_s=1)
        release.set()
    assert [c.number for c in result.channels] == [1]
    assert not result.complete
    assert any("Channel 2 was not read" in w for w in result.warnings)


async def test_the_deadline_of_a_scan_keeps_what_was_read() -> None:
    release = asyncio.Event()

    async def hangs_for_p22(request: web.Request, text: str) -> web.StreamResponse | str:
        if ">P22<" in text:
            await release.wait()
        return device.plain("GetStreamUri", text)

    async with OddDevice(GetStreamUri=hangs_for_p22) as device:
        result = await scan(
            device.access,
            on_progress=lambda _: None,
            on_channel=lambda _: None,
            settings=ScanSettings(overall_timeout_s=2.5),
        )
        release.set()
    assert [c.number for c in result.channels] == [1]
    assert not result.complete
    assert any("2.5 s" in w for w in result.warnings)


async def test_media2_alone_is_enough() -> None:
    """H.265 NVRs without Media; this one knows only the older name of the transport."""

    async def profiles(request: web.Request, text: str) -> web.StreamResponse | str:
        assert "All</" in text
        return (
            '<tr2:GetProfilesResponse><tr2:Profiles token="M" fixed="true"><tr2:Name>Gate</tr2:Name>'
            "<tr2:Configurations>"
            '<tr2:VideoSource token="c"><tt:Name>c</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>S'
            '</tt:SourceToken><tt:Bounds x="0" y="0" width="1" height="1"/></tr2:VideoSource>'
            '<tr2:VideoEncoder token="e" GovLength="40" Profile="Main"><tt:Name>e</tt:Name><tt:UseCount>1</tt:UseCount>'
            "<tt:Encoding>H265</tt:Encoding><tt:Resolution><tt:Width>3840</tt:Width><tt:Height>2160</tt:Height>"
            '</tt:Resolution><tt:RateControl ConstantBitRate="true"><tt:FrameRateLimit>20</tt:FrameRateLimit>'
            "<tt:BitrateLimit>8192</tt:BitrateLimit></tt:RateControl><tt:Multicast><tt:Port>1</tt:Port></tt:Multicast>"
            "<tt:Quality>5</tt:Quality></tr2:VideoEncoder><tr2:Analytics token='a'/></tr2:Configurations>"
            "</tr2:Profiles></tr2:GetProfilesResponse>"
        )

    async def stream_uri(request: web.Request, text: str) -> web.StreamResponse | str:
        if "RtspUnicast" not in text:
            return fault("InvalidArgVal")
        uri = " rtsp://0.0.0.0:5554/s?a=1&amp;amp;b=2 "
        return f"<tr2:GetStreamUriResponse><tr2:Uri>{uri}</tr2:Uri></tr2:GetStreamUriResponse>"

    async def snapshot_uri(request: web.Request, text: str) -> web.StreamResponse | str:
        return "<tr2:GetSnapshotUriResponse><tr2:Uri>/snap.jpg</tr2:Uri></tr2:GetSnapshotUriResponse>"

    async with OddDevice(GetProfiles=profiles, GetStreamUri=stream_uri, GetSnapshotUri=snapshot_uri) as device:
        device.services = {MEDIA2: "/media2"}
        [channel] = (await scanned(device.access)).channels
    stream = channel.streams[0].spec
    assert (stream.codec, stream.width, stream.fps, stream.gov_length) == ("H265", 3840, 20, 40)
    assert stream.upstream_url == "rtsp://127.0.0.1:5554/s?a=1&b=2"
    assert channel.snapshot_uri == f"http://127.0.0.1:{device.port}/snap.jpg"
    assert channel.name == "Gate"


async def test_services_that_need_a_login_are_asked_again_with_it() -> None:
    async def only_signed(request: web.Request, text: str) -> web.StreamResponse | str:
        if "UsernameToken" not in text:
            return fault("NotAuthorized", "Sender not Authorized")
        return device.plain("GetServices", text)

    async with OddDevice(GetServices=only_signed) as device:
        assert len((await scanned(device.access)).channels) == 2
        assert device.requests["GetServices"] == 2


async def test_capabilities_stand_in_for_services() -> None:
    async def fails(request: web.Request, text: str) -> web.StreamResponse | str:
        return fault("ActionNotSupported", status=500)

    async def capabilities(request: web.Request, text: str) -> web.StreamResponse | str:
        return (
            "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media>"
            f"<tt:XAddr>http://10.9.8.7:{device.port}/media</tt:XAddr><tt:StreamingCapabilities/></tt:Media>"
            "</tds:Capabilities></tds:GetCapabilitiesResponse>"
        )

    async with OddDevice(GetServices=fails, GetCapabilities=capabilities) as device:
        assert len((await scanned(device.access)).channels) == 2
        device.handlers["GetCapabilities"] = fails
        with pytest.raises(UpstreamProtocolError, match="list its services"):
            await scanned(device.access)


async def test_channels_without_a_camera_that_hang_do_not_end_the_scan() -> None:
    release = asyncio.Event()

    async def empty_ones_hang(request: web.Request, text: str) -> web.StreamResponse | str:
        if ">E" in text:
            await release.wait()
        return device.plain("GetStreamUri", text)

    async def profiles(request: web.Request, text: str) -> web.StreamResponse | str:
        told = [profile(f"E{n}", f"S{n}", width=0) for n in range(3)] + [
            profile("P", "S9"),
            profile("Q", "S9", width=640),
        ]
        return f"<trt:GetProfilesResponse>{''.join(told)}</trt:GetProfilesResponse>"

    async with OddDevice(GetStreamUri=empty_ones_hang, GetProfiles=profiles) as device:
        result = await scanned(device.access, call_timeout_s=1, parallel=1)
        release.set()
    assert [c.online for c in result.channels] == [False] * 3 + [True]


@asynccontextmanager
async def digest_only(*, with_fault: bool, basic: bool = False) -> AsyncIterator[tuple[OddDevice, list[bool]]]:
    """A device that ignores UsernameTokens and wants HTTP Digest; the list tells which passwords were right."""
    verifier = DigestVerifier("odd", b"secret")
    verdicts: list[bool] = []

    async def guarded(request: web.Request, text: str) -> web.StreamResponse | str:
        operation = request.path
        name = next(n for n in ("GetDeviceInformation", "GetProfiles", "GetStreamUri", "GetSnapshotUri") if n in text)
        header = request.headers.get("Authorization", "")
        if header:
            verdict = verifier.verify(header, method="POST", uri=operation, username="admin", password="right", now=1.0)
            verdicts.append(verdict.ok)
            if verdict.ok:
                return device.plain(name, text)
        response = (
            fault("NotAuthorized", "Sender not Authorized", status=401) if with_fault else web.Response(status=401)
        )
        for challenge in verifier.challenges(1.0, basic=basic):
            response.headers.add("WWW-Authenticate", challenge)
        return response

    device = OddDevice(GetDeviceInformation=guarded, GetProfiles=guarded, GetStreamUri=guarded, GetSnapshotUri=guarded)
    async with device:
        yield device, verdicts


@pytest.mark.parametrize("with_fault", [False, True])
async def test_http_digest_is_used_when_asked_for(with_fault: bool) -> None:
    async with digest_only(with_fault=with_fault, basic=True) as (device, verdicts):
        result = await scanned(device.access)
    assert len(result.channels) == 2
    assert all(verdicts)
    assert verdicts


async def test_a_wrong_password_by_digest_is_sent_once() -> None:
    async with digest_only(with_fault=False) as (device, verdicts):
        with pytest.raises(UpstreamAuthError):
            await scanned(NvrAccess("127.0.0.1", device.port, "admin", "wrong"))
        assert sum(device.signed.values()) == 2  # one UsernameToken, one Digest
    assert verdicts == [False]


async def test_media2_that_does_not_work_falls_back_to_media() -> None:
    async def media2_breaks(request: web.Request, text: str) -> web.StreamResponse | str:
        if "ver20/media" in text:
            return fault("ActionNotSupported", "Optional Action Not Implemented", status=500)
        return device.plain("GetProfiles", text)

    async with OddDevice(GetProfiles=media2_breaks) as device:
        device.services[MEDIA2] = "/media2"
        result = await scanned(device.access)
    assert len(result.channels) == 2
    assert result.complete
    assert any("Media2" in w for w in result.warnings)


async def test_media2_that_lists_nothing_falls_back_to_media() -> None:
    async def media2_empty(request: web.Request, text: str) -> web.StreamResponse | str:
        if "ver20/media" in text:
            return "<tr2:GetProfilesResponse/>"
        return device.plain("GetProfiles", text)

    async with OddDevice(GetProfiles=media2_empty) as device:
        device.services[MEDIA2] = "/media2"
        assert len((await scanned(device.access)).channels) == 2


async def test_a_service_port_behind_a_forward_is_replaced_by_the_typed_one() -> None:
    closed = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()
    async with OddDevice() as device:
        device.service_port = port
        result = await scanned(device.access)
    assert len(result.channels) == 2
    assert any(f"port {port}" in w for w in result.warnings)


async def test_a_user_without_the_right_for_snapshots_still_gets_streams() -> None:
    async def refuse(request: web.Request, text: str) -> web.StreamResponse:
        return fault("NotAuthorized", "Sender not Authorized")

    async with OddDevice(GetSnapshotUri=refuse) as device:
        result = await scanned(device.access)
        assert device.requests["GetSnapshotUri"] <= 3
    assert [c.online for c in result.channels] == [True, True]
    assert any("snapshot" in w for w in result.warnings)


async def test_a_password_changed_during_the_scan_stops_it() -> None:
    changed = False

    async def refuse_from_now(request: web.Request, text: str) -> web.StreamResponse | str:
        nonlocal changed
        changed = True
        return fault("NotAuthorized", "Sender not Authorized")

    async def information(request: web.Request, text: str) -> web.StreamResponse | str:
        return fault("NotAuthorized") if changed else device.plain("GetDeviceInformation", text)

    async with OddDevice(GetStreamUri=refuse_from_now, GetDeviceInformation=information) as device:
        device.handlers["GetProfiles"] = many_profiles
        with pytest.raises(UpstreamAuthError):
            await scanned(device.access)
        # three in flight, each perhaps once more by the other protocol, and one check of the login
        assert device.requests["GetStreamUri"] <= 3
        assert device.requests["GetDeviceInformation"] == 2


async def many_profiles(request: web.Request, text: str) -> web.StreamResponse | str:
    profiles = "".join(profile(f"P{c}", f"S{c}") for c in range(1, 25))
    return f"<trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"


async def test_disordered_and_decimal_answers_are_read() -> None:
    async def disordered(request: web.Request, text: str) -> web.StreamResponse | str:
        return (
            '<trt:GetProfilesResponse><trt:Profiles token="A">'
            '<tt:VideoEncoderConfiguration token="e"><tt:RateControl><tt:BitrateLimit>4096.0</tt:BitrateLimit>'
            "<tt:FrameRateLimit>25.0</tt:FrameRateLimit></tt:RateControl><tt:Encoding> H265 </tt:Encoding>"
            "<tt:Resolution><tt:Height>1440</tt:Height><tt:Width>2560</tt:Width></tt:Resolution>"
            "<tt:SessionTimeout>never</tt:SessionTimeout></tt:VideoEncoderConfiguration>"
            '<tt:VideoSourceConfiguration token="c"><tt:SourceToken>S</tt:SourceToken></tt:VideoSourceConfiguration>'
            "<tt:Name>Front door</tt:Name></trt:Profiles></trt:GetProfilesResponse>"
        )

    async with OddDevice(GetProfiles=disordered) as device:
        [channel] = (await scanned(device.access)).channels
    stream = channel.streams[0].spec
    assert (stream.codec, stream.width, stream.height) == ("H265", 2560, 1440)
    assert (stream.fps, stream.bitrate_kbps) == (25, 4096)
    assert channel.name == "Front door"


async def test_bytes_before_the_envelope_do_no_harm() -> None:
    async def padded(request: web.Request, text: str) -> web.StreamResponse | str:
        answer = soap(device.plain("GetDeviceInformation", text)).text or ""
        return web.Response(body=b"\xef\xbb\xbf\r\n <?xml version='1.0'?>" + answer.encode())

    async with OddDevice(GetDeviceInformation=padded) as device:
        assert (await scanned(device.access)).identity.manufacturer == "Odd"


async def test_a_connection_closed_while_idle_is_opened_again() -> None:
    async def close_after(request: web.Request, text: str) -> web.StreamResponse | str:
        response = soap(device.plain("GetServices", text))
        await response.prepare(request)
        await response.write_eof()
        assert request.transport is not None
        request.transport.close()
        return response

    async with OddDevice(GetServices=close_after) as device:
        assert len((await scanned(device.access)).channels) == 2


async def test_two_channels_with_one_camera_are_kept_and_named() -> None:
    async def same(request: web.Request, text: str) -> web.StreamResponse | str:
        return device.plain("GetStreamUri", text.replace("P21", "P11").replace("P22", "P12"))

    async with OddDevice(GetStreamUri=same) as device:
        result = await scanned(device.access)
    assert [c.number for c in result.channels] == [1, 2]
    assert any("Channels 1 and 2" in w for w in result.warnings)


async def test_no_secret_and_no_envelope_in_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("onvif.zeep_aiohttp").setLevel(logging.DEBUG)
    async with OddDevice() as device:
        await scanned(device.access)
        with pytest.raises(UpstreamUnreachable):
            await scanned(NvrAccess("127.0.0.1", 1, "admin", "right"))
    assert "right" not in caplog.text.replace("bright", "")
    assert "UsernameToken" not in caplog.text


async def test_the_library_leaves_root_logging_alone() -> None:
    program = (
        "import logging, proxyd.nvr.scan; root = logging.getLogger(); "
        "raise SystemExit(bool(root.handlers) or root.level != logging.WARNING)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    async with asyncio.timeout(30):
        assert await process.wait() == 0


async def test_a_session_is_closed_when_the_scan_is_cancelled() -> None:
    asked = asyncio.Event()
    release = asyncio.Event()

    async def hang(request: web.Request, text: str) -> web.StreamResponse:
        asked.set()
        await release.wait()
        return web.Response()

    async with OddDevice(GetProfiles=hang) as device:
        async with NvrClient(device.access) as client:
            running = asyncio.create_task(scanned(device.access), name="scan under test")
            await asked.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            release.set()
        assert client._transport.session.closed
