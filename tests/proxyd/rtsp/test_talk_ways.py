"""Ways that sound takes through a camera, and NVRs that take it oddly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from proxyd.camera.spec import NvrAccess
from proxyd.rtsp.client import RtspClient, UpstreamTimeouts
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Request, Response
from proxyd.rtsp.server import RtspServer
from tests.player.talk import FEATURE, back_tracks, sound
from tests.proxyd.rtsp.cameras import AT_ONCE, NVR_HOST, Recorder, camera, recorder, simulated_nvr
from tests.proxyd.rtsp.odd_nvr import SDP, OddNvr, odd_nvr
from tests.proxyd.rtsp.test_talk import begin, heard, say, setting, speakers, until_over
from tests.proxyd.rtsp.test_tunnel import tunnel
from tests.proxyd.rtsp.tls_cameras import from_secure, secure_nvr, tls_recorder, with_tls

WITH_BACK = SDP + b"m=audio 0 RTP/AVP 8\r\na=sendonly\r\na=control:trackID=6\r\n"


@asynccontextmanager
async def coming(way: str, server: RtspServer) -> AsyncIterator[Recorder]:
    async with tunnel(server) if way == "http" else tls_recorder(server) as client:
        yield client


@pytest.mark.parametrize("way", ["http", "tls"])
async def test_sound_comes_by_other_ways(way: str) -> None:
    async with (
        simulated_nvr(speakers()) as nvr,
        camera(nvr.port, **with_tls()) as (server, seen, base),
        coming(way, server) as client,
    ):
        await begin(client, f"{base}/main")
        await client.until_packets(10)
        await say(client, 20)
        await heard(nvr, 20)
        assert nvr.loudspeakers.heard[3].sound == b"".join(map(sound, range(20)))
        await client.until_packets(len(client.packets) + 20)
        assert not seen.refusals()


async def test_an_nvr_is_spoken_to_by_tls() -> None:
    async with (
        secure_nvr(faults=speakers()) as nvr,
        camera(nvr.port, **from_secure(nvr)) as (server, _, base),
        recorder(server) as client,
    ):
        await begin(client, f"{base}/main", video=False)
        await say(client, 20)
        await heard(nvr, 20)
        assert nvr.loudspeakers.heard[3].sound == b"".join(map(sound, range(20)))


async def test_a_camera_that_stops_hangs_up() -> None:
    async with setting() as (nvr, server, seen, url), recorder(server) as client:
        await begin(client, url)
        await say(client, 3)
        await heard(nvr, 3)
        await server.stop()
        await until_over(seen)
        assert nvr.sessions == 0


async def test_sound_that_is_switched_off_ends_the_talk() -> None:
    async with setting() as (nvr, server, seen, url), recorder(server) as client:
        await begin(client, url)
        await say(client, 3)
        await heard(nvr, 3)
        spec = server._context.spec
        server.update(replace(spec, settings=replace(spec.settings, audio=False)))
        await client.until_closed()
        await until_over(seen)


@pytest.mark.parametrize("status", [400, 501, 551, 200])
async def test_nvrs_say_in_many_ways_that_they_take_no_sound(status: int) -> None:
    def describe(nvr: OddNvr, request: Request) -> Response:
        return nvr.usual(request) if status == 200 or "Require" not in request.headers else Response(status)

    async with odd_nvr(DESCRIBE=describe) as nvr, camera(nvr.port) as (server, _, base), recorder(server) as client:
        assert (await client.ask("DESCRIBE", f"{base}/main", Require=FEATURE)).status == 551
        assert (await client.ask("DESCRIBE", f"{base}/main")).status == 200


async def test_an_nvr_that_takes_something_else_by_now() -> None:
    """The recorder has to ask again, and is told the new."""
    answers = [WITH_BACK]

    def describe(nvr: OddNvr, request: Request) -> Response:
        return Response(200, body=answers[-1] if "Require" in request.headers else SDP)

    limits = replace(AT_ONCE, talk_again_s=0)
    async with odd_nvr(DESCRIBE=describe) as nvr, camera(nvr.port, limits) as (server, seen, base):
        url = f"{base}/main"
        async with recorder(server) as client:
            described = await client.ask("DESCRIBE", url, Require=FEATURE)
            ((formats, control),) = back_tracks(described.body.decode())
            assert formats == "8"
            assert described.body.count(b"a=recvonly\r\n") == 1, "the NVR does not say which way its video goes"
            setup = await client.ask("SETUP", f"{url}/{control}", Transport="RTP/AVP/TCP;interleaved=6-7")
            session = setup.headers.get("Session") or ""
            assert (await client.ask("PLAY", url, Session=session.split(";")[0])).status == 200
            answers.append(WITH_BACK.replace(b"AVP 8", b"AVP 0"))
            await say(client, 1)  # G.711 of the other kind is none of its formats
            assert (await client.ask("OPTIONS", url)).status == 200
            assert nvr.asked("SETUP") == 0
            for _ in range(2):
                await client.send(b"$\x06\x00\x10\x80\x08" + bytes(14))
                assert "other kinds of sound" in await seen.until_refusal("TALK main")
        async with recorder(server) as client:
            described = await client.ask("DESCRIBE", url, Require=FEATURE)
            assert [formats for formats, _ in back_tracks(described.body.decode())] == ["0"]


async def test_what_an_nvr_does_not_read_is_dropped_and_not_kept() -> None:
    connected = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        try:
            await over.wait()
        finally:
            writer.transport.abort()

    over = asyncio.Event()
    server = await asyncio.start_server(deaf, NVR_HOST, 0, limit=1024)
    port = server.sockets[0].getsockname()[1]
    client = RtspClient(
        NvrAccess(NVR_HOST, 80, "", ""), port, UpstreamTimeouts(), on_frames=lambda _: None, on_lost=lambda _: None
    )
    await client.connect()
    await asyncio.wait_for(connected.wait(), 10)
    try:
        assert client._transport is not None
        sent = 0
        while client.send_packet(6, bytes(1000)):
            sent += 1
            assert sent < 100_000
            await asyncio.sleep(0)
        assert 16_384 < client._transport.get_write_buffer_size() < 18_000
    finally:
        client.abort()
        over.set()
        server.close()
        await server.wait_closed()


async def test_video_may_be_taken_down_while_a_recorder_speaks() -> None:
    async with setting() as (nvr, server, seen, url), recorder(server) as client:
        session = await begin(client, url)
        await client.until_packets(10)
        assert (await client.ask("TEARDOWN", f"{url}/trackID=0", Session=session)).status == 200
        await say(client, 5)
        await heard(nvr, 5)
        assert (await client.ask("PAUSE", url, Session=session)).status == 200
        assert (await client.ask("PLAY", url, Session=session)).status == 200
        await say(client, 5, first=5)
        await heard(nvr, 10)
        assert (await client.ask("TEARDOWN", url, Session=session)).status == 200
        assert nvr.sessions == 0
        assert not seen.refusals()


async def test_an_nvr_may_choose_other_channels() -> None:
    def setup(nvr: OddNvr, request: Request) -> Response:
        transport = "RTP/AVP/TCP;unicast;interleaved=40-41"
        return Response(200, headers=Headers([("Transport", transport), ("Session", "odd")]))

    def describe(nvr: OddNvr, request: Request) -> Response:
        return Response(200, body=WITH_BACK if "Require" in request.headers else SDP)

    async with odd_nvr(DESCRIBE=describe, SETUP=setup) as nvr, camera(nvr.port) as (server, seen, base):
        url = f"{base}/main"
        async with recorder(server) as client:
            setup_answer = await client.ask("SETUP", f"{url}/trackID=16", Transport="RTP/AVP/TCP;interleaved=6-7")
            session = (setup_answer.headers.get("Session") or "").split(";")[0]
            assert (await client.ask("PLAY", url, Session=session)).status == 200
            await client.send(b"$\x06\x00\x10\x80\x08" + bytes(14))
            assert await seen.until_done("TALK main")
            await client.ask("TEARDOWN", url, Session=session)
        await until_over(seen)
        assert [(packet.channel, len(packet.payload)) for packet in nvr.packets] == [(40, 16)]
        requires = [request.method for request in nvr.requests if "Require" in request.headers]
        assert requires == ["DESCRIBE", "DESCRIBE", "SETUP", "PLAY"], "once to know, once to speak"
