"""Sources read from the simulated NVR's RTSP server, and from odd ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from proxyd.camera.spec import AudioSpec, NvrAccess
from proxyd.errors import NotFound, UpstreamAuthError, UpstreamError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.nvr.result import ScannedChannel, ScanProgress, ScanResult
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.simulator.faults import Faults
from proxyd.sources.probe import ProbeTimeouts, check_alive
from proxyd.sources.scan import MODEL, probe_source, read_sources
from proxyd.sources.source import KnownSource, Stated, new_source
from tests.proxyd.simulator.media_server import PASSWORD, USER, running

QUICK = ProbeTimeouts(UpstreamTimeouts(connect_s=2, answer_s=2, close_s=0.5), packets_s=5)


def source(port: int, main: str, sub: str | None = None, number: int = 1, stated: Stated = Stated()) -> KnownSource:  # noqa: B008 - frozen
    base = f"rtsp://127.0.0.1:{port}"
    new = new_source(main=f"{base}/{main}", sub=sub and f"{base}/{sub}", stated=(stated, Stated()))
    channel = new.channel(number, f"Camera {number}")
    return KnownSource(channel.key, number, channel.name, channel.streams)


def access(port: int, password: str = PASSWORD) -> NvrAccess:
    return NvrAccess("127.0.0.1", port, USER, password)


async def read(port: int, sources: Sequence[KnownSource], password: str = PASSWORD) -> ScanResult:
    progress: list[ScanProgress] = []
    channels: list[ScannedChannel] = []
    result = await read_sources(
        access(port, password), sources, on_progress=progress.append, on_channel=channels.append, timeouts=QUICK
    )
    assert progress[-1].done == progress[-1].total == len(sources)
    assert {channel.key for channel in channels} == {channel.key for channel in result.channels}
    return result


async def test_two_streams_are_read_as_they_are() -> None:
    async with running(audio=True) as server:
        result = await read(server.port, [source(server.port, "3/main/H265", "3/sub")])
    (channel,) = result.channels
    main, sub = (stream.spec for stream in channel.streams)
    assert channel.online
    assert (main.codec, main.width, main.height, main.fps) == ("H265", 1280, 720, 25)
    assert (sub.codec, sub.width, sub.height, sub.fps) == ("H264", 640, 360, 15)
    assert main.audio == AudioSpec("G711", 64, 8)
    assert main.upstream_url == f"rtsp://127.0.0.1:{server.port}/3/main/H265"
    assert (result.identity.model, result.identity.channels, result.complete) == (MODEL, 1, False)
    assert result.warnings == ()


async def test_a_source_with_a_loudspeaker_is_found() -> None:
    async with running(faults=Faults(speakers=frozenset({2}))) as server:
        result = await read(server.port, [source(server.port, f"{n}/main", number=n) for n in (1, 2)])
    assert [channel.features.speaker for channel in result.channels] == [False, True]


async def test_a_source_that_fails_leaves_the_others_and_is_named() -> None:
    async with running() as server:
        sources = [source(server.port, path, number=n) for n, path in enumerate(("gone", "1/main", "2/main"), 1)]
        result = await read(server.port, sources)
    assert [(channel.number, channel.online) for channel in result.channels] == [(1, False), (2, True), (3, True)]
    assert result.channels[0].streams == ()
    assert len(result.warnings) == 1
    assert result.warnings[0].startswith("Camera 1, main stream: ")


async def test_a_sub_stream_that_is_gone_does_not_take_the_camera() -> None:
    async with running() as server:
        result = await read(server.port, [source(server.port, "1/main", "gone")])
    assert result.channels[0].online
    assert [stream.spec.name for stream in result.channels[0].streams] == ["main"]
    assert "sub stream" in result.warnings[0]


async def test_a_wrong_password_is_sent_once_whatever_the_number_of_sources() -> None:
    async with running() as server:
        sources = [source(server.port, f"{n}/main", f"{n}/sub", number=n) for n in range(1, 9)]
        with pytest.raises(UpstreamAuthError):
            await read(server.port, sources, password="wrong")
        assert server.wrong_passwords == 1


async def test_nothing_that_can_be_read_is_an_error() -> None:
    async with running() as server:
        with pytest.raises(UpstreamError, match="does not know"):
            await read(server.port, [source(server.port, "gone")])
        port = server.port
    with pytest.raises(UpstreamUnreachable, match="cannot be reached"):
        await read(port, [source(port, "1/main")])
    with pytest.raises(NotFound):
        await read(port, [])


async def test_alive_needs_no_account_and_costs_none() -> None:
    async with running() as server:
        await check_alive(access(server.port, "wrong"))
        assert server.wrong_passwords == 0
        port = server.port
    with pytest.raises(UpstreamUnreachable):
        await check_alive(access(port))


async def test_testing_tells_what_the_streams_are() -> None:
    async with running() as server:
        words = await probe_source(access(server.port), source(server.port, "1/main", "1/sub"), QUICK)
    assert words == "main H.264 1280×720, 25 fps; sub H.264 640×360, 15 fps"


_RTP = bytes.fromhex("80600001000000010000beef")


@asynccontextmanager
async def bare_camera(sdp: str, packets: Sequence[bytes] = ()) -> AsyncIterator[int]:
    """An RTSP server that describes little and, once it plays, sends these packets on channel 0."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method = head.split(" ", 1)[0]
                cseq = next(line for line in head.split("\r\n") if line.lower().startswith("cseq"))
                extra, body = "", b""
                if method == "DESCRIBE":
                    body = sdp.encode()
                    extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
                elif method == "SETUP":
                    extra = "Session: 7\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
                writer.write(f"RTSP/1.0 200 OK\r\n{cseq}\r\n{extra}\r\n".encode() + body)
                if method == "PLAY":
                    for packet in packets:
                        writer.write(b"$\0" + len(packet).to_bytes(2, "big") + packet)
                if method == "TEARDOWN":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


H264_SDP = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"


async def test_a_size_that_only_the_packets_tell_is_found_there() -> None:
    from proxyd.simulator.loops import load_loop
    from proxyd.simulator.streams import stream_for

    sps, pps = load_loop(stream_for(1, "main")).parameter_sets[:2]
    packets = [_RTP + b"\x41noise", _RTP + pps, _RTP + sps]
    async with bare_camera(H264_SDP, packets) as port:
        result = await read(port, [source(port, "live")])
    spec = result.channels[0].streams[0].spec
    assert (spec.width, spec.height, spec.fps) == (1280, 720, 25)
    assert result.warnings == ()


async def test_a_stream_that_never_tells_its_size_keeps_what_was_written_of_it() -> None:
    patient = ProbeTimeouts(QUICK.rtsp, packets_s=0.2)
    for stated, size in ((Stated(704, 576, 12, 700), (704, 576, 12)), (Stated(), (1280, 720, 25))):
        async with bare_camera(H264_SDP) as port:
            sources = [source(port, "live", stated=stated)]
            result = await read_sources(
                access(port), sources, on_progress=lambda _: None, on_channel=lambda _: None, timeouts=patient
            )
        spec = result.channels[0].streams[0].spec
        assert (spec.width, spec.height, spec.fps) == size
        assert "does not tell its size" in result.warnings[0]


async def test_video_that_no_recorder_takes_says_so() -> None:
    async with bare_camera("v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n") as port:
        with pytest.raises(UpstreamProtocolError, match="VP8"):
            await read(port, [source(port, "live")])
