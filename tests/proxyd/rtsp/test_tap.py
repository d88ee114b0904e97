"""Streams for the daemon itself: whole packets of the tracks it wants, and nothing left behind."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from proxyd.errors import UpstreamError
from proxyd.media.keyframes import KeyFinder
from proxyd.rtsp.media_process import MediaUnavailable
from proxyd.rtsp.plane import Plane
from proxyd.rtsp.server import RtspServer
from proxyd.rtsp.shared import SharedStream
from proxyd.rtsp.tap import Tap
from proxyd.simulator.faults import Faults
from proxyd.simulator.rtp import parse_rtp
from proxyd.simulator.rtsp_server import RtspSimulator
from tests.proxyd.rtsp.cameras import AT_ONCE, DEADLINE_S, camera, recorder, running_plane, simulated_nvr
from tests.proxyd.rtsp.odd_nvr import odd_nvr

SOON = replace(AT_ONCE, reconnect_s=(0.05, 0.1))


def shared_of(server: RtspServer, name: str = "main") -> SharedStream:
    stream = server._context.spec.stream(name)
    assert stream is not None
    return server._context.streams.get(stream)


async def taken(tap: Tap, count: int) -> list[tuple[int, bytes]]:
    """So many packets."""
    async with asyncio.timeout(DEADLINE_S):
        return [await anext(tap) for _ in range(count)]


async def until_closed(nvr: RtspSimulator) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while nvr.sessions or nvr.connections:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def set_up(plane: Plane | None = None, **options: Any) -> AsyncIterator[tuple[RtspSimulator, RtspServer, str]]:
    async with simulated_nvr(audio=True, **options) as nvr, camera(nvr.port, SOON, plane=plane) as (server, _, url):
        yield nvr, server, url


def begins_with_a_key_frame(packet: bytes) -> bool:
    finder = KeyFinder("h264")
    framed = bytearray(b"$\0" + len(packet).to_bytes(2, "big") + packet)
    return finder.look(framed, 0, len(framed), len(framed), True) == 0


async def test_a_stream_that_nobody_plays_is_opened_and_ended() -> None:
    async with set_up() as (nvr, server, _):
        async with Tap(shared_of(server)) as tap:
            assert [media.kind for media in await tap.describe()] == ["video", "audio"]
            await tap.play([0], at_key=True)
            packets = await taken(tap, 60)
            assert {track for track, _ in packets} == {0}
            assert begins_with_a_key_frame(packets[0][1])
            numbers = [parse_rtp(packet).sequence for _, packet in packets]
            assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(numbers))
        assert (nvr.sessions, nvr.requests["TEARDOWN"], nvr.requests["PLAY"]) == (0, 1, 1)


async def test_a_stream_that_is_played_is_joined_at_a_key_frame_or_anywhere() -> None:
    async with set_up() as (nvr, server, url), recorder(server) as client:
        await client.start(f"{url}/main")
        await client.until_packets(5)
        asked = dict(nvr.requests)
        async with Tap(shared_of(server)) as video, Tap(shared_of(server)) as sound:
            await video.play([0], at_key=True)
            await sound.play([1], at_key=False)
            assert {track for track, _ in await taken(sound, 10)} == {1}
            assert begins_with_a_key_frame((await taken(video, 1))[0][1])
        assert nvr.requests == asked and nvr.sessions == 1
        await client.until_packets(60)
        assert len(server.stats()["main"].clients) == 1


async def test_a_tap_that_nobody_reads_grows_by_nothing_and_disturbs_nobody() -> None:
    async with odd_nvr() as nvr, camera(nvr.port) as (server, _, url), recorder(server) as client:
        await client.start(f"{url}/main")
        async with Tap(shared_of(server)) as tap:
            await tap.play([0], at_key=False)
            sent = 0
            assert tap._outlet is not None
            while not (measured := tap._outlet.stats).dropped:
                nvr.send_packets(0, 100, size=1400)
                sent += 100
                await client.until_packets(sent)
            assert measured.backlog <= 512 * 1024 and measured.bytes < 2 * 1024 * 1024
            assert len(await taken(tap, 100)) == 100
        nvr.send_packets(0, 10)
        await client.until_packets(sent + 10)


async def test_a_lost_stream_is_not_waited_for() -> None:
    async with set_up() as (nvr, server, url), recorder(server) as client:
        await client.start(f"{url}/main")
        async with Tap(shared_of(server)) as other:
            await other.play([0], at_key=True)
            await taken(other, 1)
            await nvr.stop()
            with pytest.raises(UpstreamError):
                await taken(other, 10_000)
            with pytest.raises(MediaUnavailable, match="fetched again"):
                await other.play([0], at_key=True)
        await nvr.start()
        await client.until_packets(len(client.packets) + 100)
        assert nvr.sessions == 1


async def test_the_end_of_the_media_process_ends_it() -> None:
    async with running_plane() as plane, set_up(plane) as (_, server, _):
        async with Tap(shared_of(server)) as tap:
            await tap.play([0], at_key=True)
            await taken(tap, 1)
            plane.kill_all()
            with pytest.raises(MediaUnavailable):
                await taken(tap, 10_000)
        async with Tap(shared_of(server)) as tap:
            await tap.play([0], at_key=True)
            await taken(tap, 10)


async def test_what_the_nvr_refuses_is_raised() -> None:
    async with set_up(faults=Faults(rtsp_busy=True)) as (nvr, server, _):
        async with Tap(shared_of(server)) as tap:
            assert len(await tap.describe()) == 2
            with pytest.raises(UpstreamError, match="no more streams at the moment"):
                await tap.play([0], at_key=True)
        await until_closed(nvr)


async def test_who_goes_away_in_between_leaves_nothing() -> None:
    async with set_up() as (nvr, server, _):

        async def look() -> None:
            async with Tap(shared_of(server)) as tap:
                await tap.play([0, 1], at_key=True)
                await taken(tap, 10_000)

        for turns in (1, 5, 20, 60, 200):
            looking = asyncio.create_task(look(), name="look")
            for _ in range(turns):
                await asyncio.sleep(0)
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        await until_closed(nvr)
        assert nvr.connections == 0 and nvr.requests["DESCRIBE"] >= 3
