"""Recorders that go on asking and read no answer: they cost a few KiB and are cut off, in whatever way they came."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proxyd.digest import authorization, choose, parse_challenges
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Request, format_request
from proxyd.rtsp.server import RtspServer

from .cameras import AT_ONCE, CAMERA_HOST, DEADLINE_S, PASSWORD, USER, Recorder, camera, recorder, simulated_nvr
from .tls_cameras import tls_recorder, with_tls

_LIMITS = replace(AT_ONCE, blocked_s=1, sweep_s=0.1)
_MOST_BYTES = 128 * 1024
# While there is room for answers its requests are read on, and what it has written meanwhile may come in one piece.
_WHY = ("read nothing for 1 s", "too many requests at once")


async def _asks_until_cut_off(server: RtspServer, one: Recorder, requests: bytes) -> int:
    """The most bytes of answers that have waited in the daemon."""
    (served,) = server._connections
    assert served._transport is not None
    transport, most = served._transport, 0
    one.writer.transport.pause_reading()  # type: ignore[attr-defined]  # only in the type of the base class
    async with asyncio.timeout(DEADLINE_S):
        while server._connections:
            if not one.writer.transport.is_closing() and one.writer.transport.get_write_buffer_size() < 64 * 1024:
                one.writer.write(requests)
            await asyncio.sleep(0)
            if not transport.is_closing():
                most = max(most, transport.get_write_buffer_size())
    return most


@pytest.mark.parametrize("secure", [False, True])
async def test_without_a_session(secure: bool) -> None:
    async with simulated_nvr() as nvr, camera(nvr.port, _LIMITS, **with_tls()) as (server, seen, url):
        async with tls_recorder(server) if secure else recorder(server) as one:
            assert (await one.ask("OPTIONS", url)).status == 200
            request = format_request(Request("DESCRIBE", f"{url}/main", Headers([("CSeq", "1")])))
            assert await _asks_until_cut_off(server, one, 8 * request) < _MOST_BYTES
        assert (await seen.until_refusal("cut off")).endswith(_WHY)


async def test_after_a_session_by_tls_that_ended_unread() -> None:
    """What the media process had written still waits: nobody but the daemon watches it from then on."""
    async with (
        simulated_nvr(bitrate_kbps=30_000) as nvr,
        camera(nvr.port, _LIMITS, **with_tls()) as (server, seen, _),
        tls_recorder(server) as one,
    ):
        url = f"rtsps://{CAMERA_HOST}:{server.rtsps_port}/main"
        challenge = choose(
            parse_challenges((await one.ask("DESCRIBE", url, log_in=False)).headers.get_all("WWW-Authenticate"))
        )
        assert challenge is not None
        session = await one.start(url)
        (served,) = server._connections
        one.writer.transport.pause_reading()  # type: ignore[attr-defined]  # only in the type of the base class
        async with asyncio.timeout(DEADLINE_S):
            while served._blocked_since is None:
                await asyncio.sleep(0)
        proof = authorization(challenge, method="TEARDOWN", uri=url, username=USER, password=PASSWORD, cnonce="c")
        headers = Headers([("CSeq", "90"), ("Session", session), ("Authorization", proof)])
        await one.send(format_request(Request("TEARDOWN", url, headers)))
        assert await seen.until_done("TEARDOWN main")
        request = format_request(Request("OPTIONS", url, Headers([("CSeq", "91")])))
        assert await _asks_until_cut_off(server, one, 8 * request) < _MOST_BYTES
        assert (await seen.until_refusal("cut off")).endswith(_WHY)
