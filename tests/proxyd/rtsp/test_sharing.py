"""One session with the NVR for all recorders of a stream: who opens it, who ends it, and what each of them gets."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import replace
from typing import Any

from proxyd.camera.settings import CameraSettings
from proxyd.rtsp.messages import Request, Response
from proxyd.rtsp.plane import Plane, PlaneSettings
from tests.proxyd.rtsp.cameras import AT_ONCE, DEADLINE_S, Recorder, camera, recorder, running_plane, simulated_nvr
from tests.proxyd.rtsp.odd_nvr import OddNvr, odd_nvr

_BEGIN_A_PICTURE = {5, 6, 7, 8, 9}  # NAL unit types of H.264: a key frame and what comes before it


def numbers(client: Recorder) -> list[int]:
    return [struct.unpack_from(">H", packet.payload, 2)[0] for packet in client.packets if packet.channel == 0]


async def test_recorders_of_a_stream_share_one_session() -> None:
    async with simulated_nvr(audio=True) as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as first:
        await first.start(f"{url}/main")
        await first.until_packets(5)
        asked = dict(nvr.requests)
        async with recorder(server) as second, recorder(server) as third:
            for late in (second, third):
                await late.start(f"{url}/main")
                assert b"RTP-Info" not in late.wire
            await asyncio.gather(*(one.until_packets(60) for one in (first, second, third)))
            assert nvr.sessions == 1 and nvr.requests == asked  # DESCRIBE was answered from memory
            for late in (second, third):
                assert late.packets[0].payload[12] & 0x1F in _BEGIN_A_PICTURE
                begin, *_, end = numbers(late)
                assert numbers(late) == [number & 0xFFFF for number in range(begin, begin + len(numbers(late)))]
                assert begin in numbers(first) or end > numbers(first)[-1]
            assert len(server.stats()["main"].clients) == 3
        while len(server.stats()["main"].clients) > 1:
            assert await first.receive()
        assert nvr.sessions == 1
        await first.until_packets(80)
        session = (await first.ask("TEARDOWN", f"{url}/main")).status
        assert session == 200 and nvr.sessions == 0
        assert seen.refusals() == []


async def test_a_late_recorder_asks_and_misses_nothing() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as first:
        await first.start(f"{url}/main")
        async with recorder(server) as late:
            await late.start(f"{url}/main")
            for number in range(1, 6):
                await late.until_packets(10 * number)
                assert (await late.ask("GET_PARAMETER", f"{url}/main")).status == 200
            await late.until_packets(60)
            begin = numbers(late)[0]
            assert numbers(late) == [number & 0xFFFF for number in range(begin, begin + len(numbers(late)))]
        assert seen.refusals() == []


async def test_a_stream_goes_on_for_a_while_after_its_last_recorder() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port, replace(AT_ONCE, linger_s=600)) as (server, _, url):
        for _ in range(3):
            async with recorder(server) as client:
                await client.start(f"{url}/main")
                await client.until_packets(5)
                assert (await client.ask("TEARDOWN", f"{url}/main")).status == 200
        assert nvr.requests["PLAY"] == 1 and nvr.sessions == 1
        await server.stop()
        assert nvr.requests["TEARDOWN"] == 1 and nvr.sessions == 0
    async with simulated_nvr() as nvr, camera(nvr.port, replace(AT_ONCE, linger_s=0.1)) as (server, _, url):
        async with recorder(server) as client:
            await client.start(f"{url}/main")
        async with asyncio.timeout(DEADLINE_S):
            while nvr.requests["TEARDOWN"] == 0 or nvr.sessions:
                await asyncio.sleep(0.01)


async def test_a_session_for_each_recorder_where_the_operator_wants_that() -> None:
    alone = CameraSettings(share=False)
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, settings=alone) as (server, _, url),
        recorder(server) as first,
        recorder(server) as second,
    ):
        for client in (first, second):
            await client.start(f"{url}/main")
            assert b"RTP-Info" in client.wire
            await client.until_packets(5)
        assert nvr.sessions == 2 and len(server.stats()["main"].clients) == 2
        assert (await first.ask("TEARDOWN", f"{url}/main")).status == 200
        assert nvr.sessions == 1
        await second.until_packets(20)


async def test_recorders_that_come_at_the_same_time_open_it_once() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, seen, url):
        clients = [recorder(server) for _ in range(8)]
        opened = [await client.__aenter__() for client in clients]
        await asyncio.gather(*(client.start(f"{url}/main") for client in opened))
        await asyncio.gather(*(client.until_packets(30) for client in opened))
        assert nvr.sessions == 1 and nvr.requests["PLAY"] == 1
        for client in clients:
            await client.__aexit__(None, None, None)
        async with asyncio.timeout(DEADLINE_S):
            while nvr.sessions:
                await asyncio.sleep(0.01)
        assert nvr.requests["TEARDOWN"] == 1 and seen.refusals() == []


async def test_a_media_process_serves_so_many_recorders_and_no_more() -> None:
    plane = Plane(PlaneSettings(processes=1, outlets_each=1))
    await plane.start()
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, plane=plane) as (server, seen, url),
        recorder(server) as first,
        recorder(server) as second,
    ):
        await first.start(f"{url}/main")
        assert (await second.ask("SETUP", f"{url}/main", Transport="RTP/AVP/TCP")).status == 200
        assert (await second.ask("PLAY", f"{url}/main")).status == 503
        assert "serves 1 recorders already. Close some" in seen.refusals()[0]
        assert (await first.ask("TEARDOWN", f"{url}/main")).status == 200
        assert (await second.ask("PLAY", f"{url}/main")).status == 200
        await second.until_packets(5)
    await plane.stop()


async def test_a_pause_of_one_recorder_is_not_one_of_the_others() -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port) as (server, _, url),
        recorder(server) as first,
        recorder(server) as second,
    ):
        for client in (first, second):
            await client.start(f"{url}/main")
        assert (await first.ask("PAUSE", f"{url}/main")).status == 200
        first.packets.clear()
        await second.until_packets(30)
        assert (await first.ask("OPTIONS", "*")).status == 200
        assert first.packets == [] and len(nvr.playing) == 1
        assert (await second.ask("PAUSE", f"{url}/main")).status == 200
        assert nvr.playing == []
        for client in (second, first):
            client.packets.clear()
            assert (await client.ask("PLAY", f"{url}/main")).status == 200
        await asyncio.gather(first.until_packets(30), second.until_packets(30))


async def test_sound_that_the_nvr_refuses_costs_nothing_but_the_sound() -> None:
    sdp = (
        b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:v\r\n"
        b"m=audio 0 RTP/AVP 8\r\na=control:a\r\n"
    )

    def without_sound(nvr: OddNvr, request: Request) -> Response:
        return Response(500) if request.uri.endswith("/a") else nvr.usual(request)

    async with (
        odd_nvr(DESCRIBE=lambda nvr, request: Response(200, body=sdp), SETUP=without_sound) as nvr,
        camera(nvr.port) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        nvr.send_packets(0, 5)
        await client.until_packets(5)
        async with recorder(server) as other:
            assert (await other.ask("SETUP", f"{url}/main/trackID=1", Transport="RTP/AVP/TCP")).status == 503
        assert "status 500" in seen.refusals()[0]


async def test_a_recorder_that_leaves_while_it_is_opened_leaves_nothing() -> None:
    async with simulated_nvr() as nvr, running_plane() as plane, camera(nvr.port, plane=plane) as (server, _, url):
        for size in (0, 200, 400):
            async with recorder(server) as client:
                tasks: list[asyncio.Task[Any]] = [asyncio.create_task(client.start(f"{url}/main"), name="start")]
                while len(client.wire) < size and not tasks[0].done():
                    await asyncio.sleep(0)
                tasks[0].cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(DEADLINE_S):
            while server._connections or nvr.connections:
                await asyncio.sleep(0.01)
