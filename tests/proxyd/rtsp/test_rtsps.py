"""Streams to recorders through TLS: the same as without, on a port of its own, and nobody's trouble but their own."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from proxyd.rtsp.server import RtspServer
from proxyd.tls.certificate import self_signed

from .cameras import CAMERA_HOST, camera, camera_spec, recorder, simulated_nvr
from .tls_cameras import ON, tls_recorder, with_tls


def _url(server: RtspServer, stream: str = "main") -> str:
    return f"rtsps://{CAMERA_HOST}:{server.rtsps_port}/{stream}"


async def settle(server: RtspServer) -> None:
    """Until nothing is left to do for TLS."""
    server.tend()
    while task := server._tls._task:
        await asyncio.wait_for(asyncio.shield(task), 10)
        server.tend()


async def test_a_whole_session_and_another_one_in_the_same_connection() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port, **with_tls()) as (server, seen, _), tls_recorder(server) as one:
        url = _url(server)
        session = await one.start(url)
        await one.until_packets(100)
        (who,) = server.stats()["main"].clients
        assert who.transport == "TLS"
        assert (await one.ask("PAUSE", url, Session=session)).status == 200
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        await one.until_packets(200)
        # The parser takes neither an answer inside a packet nor half a packet before one.
        assert (await one.ask("TEARDOWN", url, Session=session)).status == 200
        await one.start(_url(server, "sub"))
        await one.until_packets(len(one.packets) + 50)
        assert seen.refusals() == []
        assert all(entry["tls"] for entry in seen.trace)


async def test_answers_name_the_address_with_tls() -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, **with_tls()) as (server, *_),
        tls_recorder(server) as one,
    ):
        description = await one.ask("DESCRIBE", _url(server))
        assert description.headers.get("Content-Base") == f"{_url(server)}/"
        setup = await one.ask("SETUP", f"{_url(server)}/trackID=0", Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
        session = (setup.headers.get("Session") or "").split(";")[0]
        play = await one.ask("PLAY", _url(server), Session=session)
        assert (play.headers.get("RTP-Info") or "").startswith(f"url={_url(server)}/trackID=0;")


async def test_udp_is_refused_because_it_would_be_in_clear() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port, **with_tls()) as (server, seen, _), tls_recorder(server) as one:
        await one.ask("DESCRIBE", _url(server))
        setup = await one.ask("SETUP", f"{_url(server)}/trackID=0", Transport="RTP/AVP;unicast;client_port=40000-40001")
        assert setup.status == 461
        assert await seen.until_refusal("UDP would be in clear")
        both = "RTP/AVP;unicast;client_port=40000-40001,RTP/AVP/TCP;unicast;interleaved=0-1"
        assert (await one.ask("SETUP", f"{_url(server)}/trackID=0", Transport=both)).status == 200


async def test_it_is_switched_while_streams_go_on() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, _, url), recorder(server) as plain:
        await plain.start(f"{url}/main")
        assert server.rtsps_port == 0
        on = with_tls()
        for _ in range(2):
            server.update(camera_spec(nvr.port, settings=ON, rtsps_port=0))
            await settle(server)
            assert server.rtsps_port == 0, "somebody else makes the certificate"
            server.update(camera_spec(nvr.port, **on))
            await settle(server)
            async with tls_recorder(server) as one:
                await one.start(_url(server))
                server.update(camera_spec(nvr.port))
                await settle(server)
                assert server.rtsps_port == 0
                await one.until_packets(50)
        await plain.until_packets(50)


async def test_who_comes_after_a_change_sees_the_new_certificate() -> None:
    other = self_signed(camera_spec(1), datetime.now(UTC))
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, **with_tls()) as (server, *_),
        tls_recorder(server) as one,
    ):
        await one.start(_url(server))
        port = server.rtsps_port
        server.update(camera_spec(nvr.port, **with_tls(certificate=other)))
        await settle(server)
        assert server.rtsps_port == port
        async with tls_recorder(server, other) as two:
            await two.start(_url(server))
            await two.until_packets(20)
        with pytest.raises(ssl.SSLError):
            async with tls_recorder(server):
                pass
        await one.until_packets(100)


async def test_a_taken_port_is_told_and_does_not_keep_the_camera_from_running() -> None:
    with socket.create_server((CAMERA_HOST, 0)) as taken:
        port = taken.getsockname()[1]
        async with simulated_nvr() as nvr, camera(nvr.port, **with_tls(rtsps_port=port)) as (server, _, url):
            assert server.note.startswith(f"RTSPS is switched on, but: Port {port} on {CAMERA_HOST} is used by ")
            async with recorder(server) as one:
                await one.start(f"{url}/main")
                taken.close()
                server.update(replace(camera_spec(nvr.port, **with_tls(rtsps_port=port)), name="Porch"))
                await settle(server)
                assert (server.rtsps_port, server.note) == (port, "")
                async with tls_recorder(server) as two:
                    await two.start(_url(server))
                    await two.until_packets(10)
                await one.until_packets(20)
