"""Where an NVR without pull points sends its events (WS-BaseNotification): a small HTTP server of our own.

It stands on the host's address towards the NVR, under a path that nobody can guess, and takes from the NVR only: nobody
else gets a connection.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable

from aiohttp import web

from proxyd.camera.urls import bracketed
from proxyd.listening import listen
from proxyd.nvr.envelope import read_body
from proxyd.nvr.events.parse import NvrEvent, parse_messages
from proxyd.nvr.foreign_names import names_of_nvrs
from proxyd.nvr.refusals import judge_body

log = logging.getLogger(__name__)

MAX_BYTES = 512 * 1024
MAX_CONNECTIONS = 32  # some NVRs open one for each message and leave it
IDLE_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 10.0
_BACKLOG = 16
_RESOLVE_S = 5.0
_SHUTDOWN_S = 0.5


class Consumer:
    """`heard` is called with the events of each notification. start() and stop() are idempotent."""

    def __init__(self, nvr_host: str, heard: Callable[[list[NvrEvent]], None]) -> None:
        self._nvr_host = nvr_host
        self._heard = heard
        self._path = f"/{secrets.token_urlsafe(24)}"
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._senders: frozenset[str] = frozenset()
        self.url = ""

    async def start(self) -> str:
        """Listens; returns the URL for the NVR. Raises OSError."""
        if self._runner is not None:
            return self.url
        async with asyncio.timeout(_RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(self._nvr_host, None, type=socket.SOCK_DGRAM)
        family, _, _, _, address = found[0]
        self._senders = frozenset(str(entry[4][0]) for entry in found)
        own = _own_address(family, str(address[0]))
        app = web.Application(client_max_size=MAX_BYTES)
        app.router.add_post(self._path, self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S, keepalive_timeout=IDLE_TIMEOUT_S)
        await runner.setup()
        server = runner.server
        assert server is not None  # after setup
        try:
            self._listener = await listen(lambda: _Door(server, self._senders), own, 0, backlog=_BACKLOG)
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.url = f"http://{bracketed(own)}:{self._listener.sockets[0].getsockname()[1]}{self._path}"
        return self.url

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        if runner is not None:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                data = await request.read()
        except TimeoutError:
            response = web.Response(status=408)
            response.force_close()
            return response
        if not names_of_nvrs.admit(self._nvr_host, data):
            return web.Response(status=400)
        if judge_body(200, request.content_type, data) is not None or (body := read_body(data)) is None:
            return web.Response(status=400)
        self._heard(parse_messages(body))
        return web.Response(status=200)


class _Door(asyncio.Protocol):
    """A connection of which nothing is known yet."""

    def __init__(self, server: web.Server, senders: frozenset[str]) -> None:
        self._server = server
        self._senders = senders

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        if not peer or peer[0] not in self._senders or len(self._server.connections) >= MAX_CONNECTIONS:
            log.debug("a connection that is not the NVR's, or one too many, was refused")
            transport.abort()
            return
        handler = self._server()
        transport.set_protocol(handler)
        handler.connection_made(transport)


def _own_address(family: int, nvr: str) -> str:
    """The host's address towards the NVR: connecting a UDP socket asks the routing table and sends nothing."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((nvr, 9))
        return str(probe.getsockname()[0])
