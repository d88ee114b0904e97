"""What comes to the port for streams by TLS and is no good recorder: nothing of it stays, and others play on."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.server import RtspServer
from proxyd.tls import handshakes

from .cameras import CAMERA_HOST, Recorder, camera, recorder, running_plane, simulated_nvr
from .tls_cameras import tls_recorder, trusting, with_tls

_MANY = 1000
_AT_ONCE = 10


def _url(server: RtspServer) -> str:
    return f"rtsps://{CAMERA_HOST}:{server.rtsps_port}/main"


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _until_ended(reader: asyncio.StreamReader) -> None:
    """Reads to the end, whatever comes before (a TLS alert)."""
    try:
        async with asyncio.timeout(20):
            while await reader.read(4096):
                pass
    except ConnectionError:
        pass


@asynccontextmanager
async def _stranger(
    server: RtspServer, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Who speaks no TLS."""
    reader, writer = await asyncio.open_connection(CAMERA_HOST, server.rtsps_port, local_addr=(host, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _visit(server: RtspServer, number: int) -> None:
    """In one of the ways in which a connection can go."""
    if number % 4 == 0:
        async with _stranger(server) as (reader, writer):
            writer.write(os.urandom(64))
            await _until_ended(reader)
    elif number % 4 == 1:
        async with _stranger(server) as (_, writer):
            writer.write(b"\x16\x03\x01")  # the beginning of a handshake
    else:
        reader, writer = await asyncio.open_connection(CAMERA_HOST, server.rtsps_port, ssl=trusting())
        one = Recorder(reader, writer)
        assert (await one.ask("OPTIONS", _url(server))).status == 200
        if number % 4 == 2:
            writer.close()  # with TLS's own good-bye, and without
            await writer.wait_closed()
        else:
            writer.transport.abort()


@pytest.mark.timeout(200)
async def test_nothing_stays_of_a_thousand_connections() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port, **with_tls()) as (server, _, url), recorder(server) as plays:
        await plays.start(f"{url}/main")
        await _visit(server, 3)
        before = _descriptors()
        for first in range(0, _MANY, _AT_ONCE):
            await asyncio.gather(*(_visit(server, number) for number in range(first, first + _AT_ONCE)))
            await plays.until_packets(len(plays.packets) + 1)
        async with tls_recorder(server) as one:  # its turn comes after what the ones before left behind
            await one.start(_url(server))
            await plays.until_packets(len(plays.packets) + 50)
            assert len(server._connections) == 2
        await server.stop()
        assert _descriptors() < before


async def test_silent_and_slow_handshakes_do_not_keep_recorders_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "HANDSHAKE_TIMEOUT_S", 2.0)
    async with simulated_nvr() as nvr, camera(nvr.port, **with_tls()) as (server, *_), AsyncExitStack() as stack:
        many = range(handshakes.MAX_HANDSHAKES + 5)
        silent = [await stack.enter_async_context(_stranger(server, "127.0.0.66")) for _ in many]
        async with tls_recorder(server) as one:
            await one.start(_url(server))
            await one.until_packets(20)
        for reader, _ in silent:  # at the latest when their time is over
            await _until_ended(reader)


async def test_places_are_counted_with_and_without_tls() -> None:
    limits = RtspLimits(linger_s=0, connections=3)
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, limits, **with_tls()) as (server, seen, url),
        recorder(server) as one,
        tls_recorder(server) as two,
        tls_recorder(server) as three,
    ):
        await one.start(f"{url}/main")
        for secure in (two, three):
            await secure.start(_url(server))
        async with tls_recorder(server) as four:
            assert (await four.response()).status == 503
            await four.until_closed()
        assert await seen.until_refusal("too many connections")
        await three.until_packets(50)


async def test_who_does_not_read_is_cut_off_and_nobody_else_waits() -> None:
    async with (
        simulated_nvr(bitrate_kbps=30_000) as nvr,
        running_plane(blocked_s=2) as plane,
        camera(nvr.port, plane=plane, **with_tls()) as (server, seen, url),
        recorder(server) as reads,
        tls_recorder(server) as stuck,
    ):
        await reads.start(f"{url}/main")
        await stuck.start(_url(server))
        stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of asyncio's transports for TLS
        reading = asyncio.create_task(reads.until_packets(10**9), name="who reads")
        words = await seen.until_refusal("the recorder read nothing for")
        assert words.startswith("connection: cut off")
        count = len(reads.packets)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await reads.until_packets(count + 100)
        assert [client.transport for client in server.stats()["main"].clients] == ["TCP"]


async def test_a_camera_that_stops_does_not_wait_for_who_does_not_read() -> None:
    async with (
        simulated_nvr(bitrate_kbps=30_000) as nvr,
        camera(nvr.port, **with_tls()) as (server, _, url),
        recorder(server) as reads,
        tls_recorder(server) as stuck,
    ):
        await reads.start(f"{url}/main")
        await stuck.start(_url(server))
        stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of asyncio's transports for TLS
        while not any(client.skips for client in server.stats()["main"].clients if client.transport == "TLS"):
            await reads.until_packets(len(reads.packets) + 100)
        reading = asyncio.create_task(reads.until_closed(), name="who reads")
        async with asyncio.timeout(10):
            await server.stop()
            await reading
    assert nvr.requests["TEARDOWN"] == 1


async def test_bytes_that_are_no_tls_in_the_middle_end_only_that_connection() -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, **with_tls()) as (server, seen, _),
        tls_recorder(server) as good,
        tls_recorder(server) as bad,
    ):
        for one in (good, bad):
            await one.start(_url(server))
        sock = bad.writer.get_extra_info("socket")
        os.write(sock.fileno(), b"\x00garbage where a record should begin")
        with pytest.raises((ssl.SSLError, AssertionError)):  # an alert, or the end
            await bad.until_packets(10**9)
        assert await seen.until_done("TEARDOWN main")
        await good.until_packets(len(good.packets) + 50)
