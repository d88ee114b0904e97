"""Streams that are lost: what brings them back, what ends them, and what recorders see of it."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import struct
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from proxyd.camera.settings import CameraSettings
from proxyd.errors import UpstreamAuthError
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Request, Response
from proxyd.rtsp.plane import Plane
from tests.proxyd.rtsp.cameras import (
    AT_ONCE,
    DEADLINE_S,
    Recorder,
    camera,
    recorder,
    running_plane,
    simulated_nvr,
)
from tests.proxyd.rtsp.odd_nvr import SDP, OddNvr, odd_nvr

SOON = replace(AT_ONCE, reconnect_s=(0.05, 0.2))


def headers(client: Recorder) -> list[tuple[int, int, int]]:
    """Sequence number, time stamp, SSRC of the video."""
    return [struct.unpack_from(">HII", packet.payload, 2) for packet in client.packets if packet.channel == 0]


async def test_an_nvr_that_restarts_is_not_noticed_by_its_recorders() -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, SOON) as (server, seen, url),
        recorder(server) as over_tcp,
        recorder(server) as other,
    ):
        for client in (over_tcp, other):
            await client.start(f"{url}/main")
        await over_tcp.until_packets(30)
        await nvr.stop()
        assert "session is kept" in await seen.until_refusal("PLAY main")
        before = len(over_tcp.packets)
        await nvr.start()
        await asyncio.gather(over_tcp.until_packets(before + 60), other.until_packets(60))
        seq, stamps, sources = zip(*headers(over_tcp), strict=True)
        assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(seq))
        assert all((b - a) & 0xFFFFFFFF < 90_000 * DEADLINE_S for a, b in itertools.pairwise(stamps))
        assert len(set(sources)) == 1
        while server.stats()["main"].reconnects != 1:
            assert await over_tcp.receive()
        assert nvr.sessions == 1 and seen.reports[-1] is None
        assert [entry["operation"] for entry in seen.trace if not entry["ok"]] == ["PLAY main"] * 2


async def test_another_password_ends_the_tries_and_the_session() -> None:
    challenge = Headers([("WWW-Authenticate", 'Digest realm="r", nonce="n"')])

    def changed(nvr: OddNvr, request: Request) -> Response:
        return Response(401, headers=challenge.copy()) if nvr.connections > 1 else nvr.usual(request)

    async with (
        odd_nvr(OPTIONS=changed) as nvr,
        camera(nvr.port, SOON) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        nvr.writers[-1].transport.abort()
        await client.until_closed()
        assert isinstance(seen.reports[-1], UpstreamAuthError) and "refuses user" in seen.refusals()[-1]
        assert nvr.connections == 2 and len(nvr.requests) == 6  # it was tried once
        async with recorder(server) as again:
            assert (await again.ask("DESCRIBE", f"{url}/main")).status == 503
        assert nvr.connections == 2


async def test_another_kind_of_video_ends_the_session() -> None:
    def described(nvr: OddNvr, request: Request) -> Response:
        return Response(200, body=SDP if nvr.connections == 1 else SDP.replace(b"H264", b"H265"))

    async with (
        odd_nvr(DESCRIBE=described) as nvr,
        camera(nvr.port, SOON) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        nvr.writers[-1].transport.abort()
        await client.until_closed()
        assert "another kind of video" in seen.refusals()[-1]
        async with recorder(server) as again:
            assert b"H265" in (await again.ask("DESCRIBE", f"{url}/main")).body


async def test_many_streams_come_back_by_few_logins_at_a_time() -> None:
    logging_in = most = 0

    def begin(nvr: OddNvr, request: Request) -> Response:
        nonlocal logging_in, most
        logging_in += 1
        most = max(most, logging_in)
        return nvr.usual(request)

    def played(nvr: OddNvr, request: Request) -> Response:
        nonlocal logging_in
        logging_in -= 1
        return nvr.usual(request)

    alone = CameraSettings(share=False)
    limits = replace(SOON, connections=64, connections_each=64)
    async with (
        odd_nvr(OPTIONS=begin, PLAY=played) as nvr,
        camera(nvr.port, limits, settings=alone) as (server, seen, url),
        AsyncExitStack() as stack,
    ):
        clients = [await stack.enter_async_context(recorder(server)) for _ in range(64)]
        for client in clients:
            await client.start(f"{url}/main")
        assert nvr.connections == 64 and logging_in == 0
        most, lost = 0, list(nvr.writers)
        for writer in lost:
            writer.transport.abort()
        sent = asyncio.create_task(_feed_all(nvr, 64), name="media")
        await asyncio.gather(*(client.until_packets(1) for client in clients))
        sent.cancel()
        assert nvr.connections == 128 and 1 < most <= 4
        assert len(seen.refusals()) == 64  # one line each, and all are there


async def _feed_all(nvr: OddNvr, first: int) -> None:
    """Key frames on all connections from the first one on."""
    while True:
        for writer in nvr.writers[first:]:
            nvr.send_key_frame(0, 60, writer)
        await asyncio.sleep(0.05)


async def test_a_media_process_that_dies_costs_a_reconnect() -> None:
    async with (
        simulated_nvr() as nvr,
        running_plane() as plane,
        camera(nvr.port, SOON, plane=plane) as (server, seen, url),
        recorder(server) as client,
        recorder(server) as waiting,
    ):
        await client.start(f"{url}/main")
        await client.until_packets(5)
        assert (await waiting.ask("DESCRIBE", f"{url}/main")).status == 200
        (pid,) = plane.pids
        loop = asyncio.get_running_loop()
        died = loop.time()
        plane.kill_all()
        await client.until_closed()
        assert "carries video has ended" in await seen.until_refusal("PLAY main")
        assert seen.reports[-1] is None  # it was not the NVR
        async with asyncio.timeout(DEADLINE_S):
            while nvr.requests["TEARDOWN"] < 1 or nvr.sessions:
                await asyncio.sleep(0.01)
        async with asyncio.timeout(DEADLINE_S):
            while not plane.pids or plane.pids == [pid]:
                await asyncio.sleep(0.01)
        assert loop.time() - died < DEADLINE_S
        await waiting.start(f"{url}/main")
        await waiting.until_packets(5)


async def test_a_media_process_that_hangs_is_taken_for_dead() -> None:
    async with (
        odd_nvr() as nvr,
        running_plane(silent_s=2) as plane,
        camera(nvr.port, SOON, plane=plane) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        (pid,) = plane.pids
        os.kill(pid, signal.SIGSTOP)
        await client.until_closed()
        async with asyncio.timeout(DEADLINE_S):
            while not plane.pids:
                await asyncio.sleep(0.01)
        async with recorder(server) as again:
            await again.start(f"{url}/main")
        assert not Path(f"/proc/{pid}").exists() and seen.refusals() and plane.pids != [pid]


async def test_a_nonce_that_gets_old_in_the_middle_is_replaced_and_a_circle_ends() -> None:
    def aged(nvr: OddNvr, request: Request) -> Response:
        nonce = "one" if nvr.asked("GET_PARAMETER") < 4 else "two"
        if f'nonce="{nonce}"' in (request.headers.get("Authorization") or ""):
            return Response(200)
        return Response(401, headers=Headers([("WWW-Authenticate", f'Digest realm="r", nonce="{nonce}", stale=true')]))

    def brief(nvr: OddNvr, request: Request) -> Response:
        return Response(200, headers=Headers([("Session", "s;timeout=1")]))

    async with (
        odd_nvr(SETUP=brief, GET_PARAMETER=aged) as nvr,
        camera(nvr.port, SOON) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        async with asyncio.timeout(DEADLINE_S):
            while nvr.asked("GET_PARAMETER") < 5:
                await asyncio.sleep(0.01)
        assert seen.refusals() == [] and nvr.connections == 1
        nvr.habits["GET_PARAMETER"] = lambda nvr, request: Response(
            401, headers=Headers([("WWW-Authenticate", 'Digest realm="r", nonce="x", stale=true')])
        )
        asked = nvr.asked("GET_PARAMETER")
        assert "authentication" in await seen.until_refusal("PLAY main")
        assert nvr.asked("GET_PARAMETER") == asked + 2  # with the new nonce once more, and no more
        async with asyncio.timeout(DEADLINE_S):
            while nvr.connections < 2:
                await asyncio.sleep(0.01)


async def test_receiver_reports_keep_a_session_where_nothing_else_does() -> None:
    def brief(nvr: OddNvr, request: Request) -> Response:
        return Response(200, headers=Headers([("Session", "s;timeout=1")]))

    def once(nvr: OddNvr, request: Request) -> Response:
        return nvr.usual(request) if nvr.asked("OPTIONS") == 1 else Response(501)

    async with (
        odd_nvr(SETUP=brief, GET_PARAMETER=lambda nvr, request: Response(405), OPTIONS=once) as nvr,
        camera(nvr.port) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        nvr.send_packets(0, 3)
        await client.until_packets(3)
        async with asyncio.timeout(DEADLINE_S):
            while not nvr.packets:
                await asyncio.sleep(0.01)
        report = nvr.packets[0]
        assert report.channel == 1 and report.payload[1] == 201
        assert struct.unpack_from(">I", report.payload, 8) == (7,)  # the stream's SSRC
        assert struct.unpack_from(">I", report.payload, 16) == (3,)  # its highest sequence number
        assert b"recorder" in report.payload and seen.refusals() == []


async def test_a_stream_that_never_begins_is_a_stall() -> None:
    limits = replace(SOON, stall_timeout_s=0.3, keep_s=2)
    async with odd_nvr() as nvr, camera(nvr.port, limits) as (server, seen, url), recorder(server) as client:
        await client.start(f"{url}/main")
        await client.until_closed()
        assert "stalled" in seen.refusals()[-1] and nvr.connections >= 2


def descriptors(plane: Plane) -> int:
    """Open ones, of the media process and of this."""
    (pid,) = plane.pids
    return sum(len(list(Path(f"/proc/{one}/fd").iterdir())) for one in (pid, os.getpid()))


async def test_a_thousand_sessions_leave_no_descriptor() -> None:
    async with (
        simulated_nvr() as nvr,
        running_plane() as plane,
        camera(nvr.port, plane=plane) as (server, seen, url),
    ):

        async def session(way: str) -> None:
            async with recorder(server) as client:
                await client.start(f"{url}/main", transport=way)
                await client.ask("TEARDOWN", f"{url}/main")

        async def many(count: int) -> None:
            ways = itertools.cycle(("RTP/AVP/TCP;interleaved=0-1", "RTP/AVP;unicast;client_port=40000-40001"))
            for _ in range(count // 10):
                await asyncio.gather(*(session(next(ways)) for _ in range(10)))
            async with asyncio.timeout(DEADLINE_S):
                while server._connections or nvr.connections:
                    await asyncio.sleep(0.01)

        await many(20)
        before = descriptors(plane)
        await many(1000)
        async with asyncio.timeout(DEADLINE_S):
            while descriptors(plane) > before:
                await asyncio.sleep(0.01)
        assert seen.refusals() == []
