"""What an NVR really sends: read from its SDP, and from the packets that pass."""

from __future__ import annotations

import base64
from dataclasses import replace
from struct import pack

from proxyd.rtsp.messages import Response, format_interleaved
from proxyd.rtsp.sdp import Media, parse_sdp
from proxyd.rtsp.sent import SentVideo, by_description, by_parameter_set
from proxyd.sources.shape import VideoShape
from tests.proxyd.rtsp.cameras import AT_ONCE, camera, camera_spec, recorder, simulated_nvr
from tests.proxyd.rtsp.odd_nvr import SDP, OddNvr, odd_nvr
from tests.proxyd.sources.test_shape import h264_sps, h265_sps

LARGE, SMALL = h264_sps(profile=100), h264_sps(units=(40, 23))  # 1920×1080, 640×360


def media(sdp: bytes) -> list[Media]:
    return list(parse_sdp(sdp.decode()).media)


def with_sps(sps: bytes) -> bytes:
    told = base64.b64encode(sps) + b",aM4="
    return SDP.replace(b"a=control", b"a=fmtp:96 packetization-mode=1;sprop-parameter-sets=" + told + b"\r\na=control")


def send_key_frame(nvr: OddNvr, sps: bytes) -> None:
    """With its parameter set in a packet before it."""
    for nal, mark in ((sps, 0), (b"\x65" + bytes(400), 0x80)):
        nvr.sent += 1
        stamp = nvr.sent // 2 * 3600
        head = pack(">BBHII", 0x80, 96 | mark, nvr.sent & 0xFFFF, stamp, 7)
        nvr.writers[-1].write(format_interleaved(0, head + nal))


def test_the_description_tells_codec_and_size() -> None:
    assert by_description(media(SDP)) == SentVideo(0, "H264")
    assert by_description(media(with_sps(LARGE))) == SentVideo(0, "H264", VideoShape(1920, 1080, 25.0, "High"))
    assert by_description(media(SDP.replace(b"H264", b"H265"))) == SentVideo(0, "H265")
    sound = b"v=0\r\nm=audio 0 RTP/AVP 0\r\n"
    assert by_description(media(sound)) is None
    behind_sound = by_description(media(sound + SDP.partition(b"\r\n")[2]))
    assert behind_sound is not None and behind_sound.track == 1


def test_packets_are_right_and_what_is_none_changes_nothing() -> None:
    told = by_description(media(with_sps(LARGE)))
    small = SentVideo(0, "H264", VideoShape(640, 360, 25.0, "Main"), in_band=True)
    assert by_parameter_set(told, 0, SMALL) == small
    for track, nal in ((1, SMALL), (0, b""), (0, b"\x67\xff"), (0, h265_sps()), (0, SMALL[:6])):
        assert by_parameter_set(told, track, nal) is told
    assert by_parameter_set(None, 0, SMALL) is None
    large = by_parameter_set(SentVideo(0, "H265"), 0, h265_sps())
    assert large is not None and large.shape is not None
    assert (large.shape.width, large.shape.height, large.shape.profile) == (2560, 1440, "Main10")
    jpeg = SentVideo(0, "JPEG")
    assert by_parameter_set(jpeg, 0, SMALL) is jpeg


async def test_a_stream_tells_what_it_is_and_goes_on_telling_when_nobody_plays() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, _, url):
        assert server.stats()["main"].sent is None
        async with recorder(server) as client:
            await client.start(f"{url}/main")
            while not ((sent := server.stats()["main"].sent) and sent.in_band):
                assert await client.receive()
            assert sent.codec == "H264" and sent.shape is not None
            assert (sent.shape.width, sent.shape.height) == (1280, 720)
            assert server.stats()["sub"].sent is None
        assert server.stats()["main"].sent == sent


async def test_another_size_in_mid_stream_is_seen_at_once() -> None:
    async with (
        odd_nvr(DESCRIBE=lambda nvr, request: Response(200, body=with_sps(LARGE))) as nvr,
        camera(nvr.port) as (server, _, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        for sps, size in ((LARGE, (1920, 1080)), (SMALL, (640, 360)), (LARGE, (1920, 1080))):
            send_key_frame(nvr, sps)
            while (seen := server.stats()["main"].sent) is None or not seen.in_band or _size(seen) != size:
                assert await client.receive()
                send_key_frame(nvr, sps)


async def test_settings_of_the_nvr_that_were_read_anew_make_old_figures_void() -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, AT_ONCE) as (server, _, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        spec = camera_spec(nvr.port)
        main, sub = spec.streams
        other = replace(spec, streams=(replace(main, width=640, height=360), sub))
        server.update(other)
        assert server.stats()["main"].sent is not None  # it is seen to be so at this moment
        assert (await client.ask("TEARDOWN", f"{url}/main")).status == 200
        server.update(spec)
        assert server.stats()["main"].sent is None


def _size(sent: SentVideo) -> tuple[int, int] | None:
    return (sent.shape.width, sent.shape.height) if sent.shape else None
