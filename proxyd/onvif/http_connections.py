"""The connections of one camera's HTTP server: how many there may be, and what is known of each."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from proxyd.camera.urls import bracketed

from .services.operation import Reached

MAX_CONNECTIONS = 64
IDLE_TIMEOUT_S = 30.0


class ClientLog(logging.LoggerAdapter[logging.Logger]):
    """For aiohttp, whose errors are all mistakes of clients here (port scans, broken HTTP): counted as traffic."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **_: Any) -> None:
        self.debug(msg, *args, exc_info=exc_info)

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """The parser's errors quote what came, which may be a password: only their kind is said."""
        if isinstance(error := kwargs.get("exc_info"), HttpProcessingError):
            kwargs["exc_info"] = None
            msg = f"{msg}: {type(error).__name__}"
        super().log(level, msg, *args, **kwargs)


class Handler(web.RequestHandler):
    """Of one connection. What is no HTTP gets the answer that the camera's server gives, instead of aiohttp's text."""

    def __init__(self, manager: Connections, **settings: Any) -> None:
        super().__init__(manager, **settings)
        self._broken = manager.broken

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response = super().handle_error(request, status, exc, message)  # logs; raises when an answer has begun
        if not isinstance(exc, ConnectionError):  # else nobody reads it
            response = self._broken(request, status, message or "")
        response.force_close()
        return response


class Connections(web.Server):
    """aiohttp's low-level server with an upper bound of connections. When all places are taken, whoever holds the most
    gives up one whose request is not there yet: so nobody keeps recorders out by connecting often."""

    def __init__(
        self,
        *args: Any,
        gone: Callable[[str], None],
        broken: Callable[[web.BaseRequest, int, str], web.StreamResponse],
        **settings: Any,
    ) -> None:
        """`gone` is told of each client whose connection was to be kept and is lost; `broken(request, status, why)`
        answers what is no HTTP."""
        super().__init__(*args, **settings)
        self.broken = broken
        self._loop_here = asyncio.get_running_loop()
        self.answering: set[web.RequestHandler] = set()
        self.kept: dict[web.RequestHandler, tuple[str, float]] = {}  # by whom, and when it last asked
        self._gone = gone
        self._stopping = False

    def __call__(self) -> web.RequestHandler:
        return Handler(self, loop=self._loop_here, **self._kwargs)

    def keep(self, handler: web.RequestHandler, client: str) -> None:
        self.kept[handler] = (client, asyncio.get_running_loop().time())

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        client, asked_at = self.kept.pop(handler, ("", 0.0))
        idle_s = asyncio.get_running_loop().time() - asked_at
        if client and (handler in self.answering or idle_s < IDLE_TIMEOUT_S):  # else it was us who closed it
            self._gone(client)

    def pre_shutdown(self) -> None:
        self._stopping = True
        super().pre_shutdown()

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        if self._stopping:  # accepted just before the listener was closed: nobody would ever end it
            transport.abort()
            return
        super().connection_made(handler, transport)
        held = [
            (one, one.transport, host_of(one.transport))
            for one in self.connections
            if one.transport is not None and not one.transport.is_closing()
        ]
        if len(held) <= MAX_CONNECTIONS:
            return
        count = Counter(host for _, _, host in held)
        host, most = host_of(transport), max(count.values())
        theirs = [one for one, _, its in held if count[its] == most and its != host]
        spare = next((one for one in theirs if one not in self.answering), None)
        if spare is None and most > MAX_CONNECTIONS // 2:
            spare = next(iter(theirs), None)  # nobody needs so many answers at once
        ((spare.transport if spare else None) or transport).abort()


def host_of(transport: asyncio.BaseTransport | None) -> str:
    """The client's address; "" when it is gone."""
    peer = transport.get_extra_info("peername") if transport else None
    return str(peer[0]) if peer else ""


def peer_of(request: web.BaseRequest) -> str:
    """The client as "host:port"."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer:
        return "unknown"
    return f"{bracketed(peer[0])}:{peer[1]}"


def reached_by(request: web.BaseRequest) -> Reached:
    """Raises ConnectionResetError when the client is gone."""
    # A TLS transport forgets its addresses one turn of the loop before anybody is told that it is lost.
    name = request.transport.get_extra_info("sockname") if request.transport else None
    if request.transport is None or name is None:
        raise ConnectionResetError("the client is gone")
    host, port = name[:2]
    return Reached(host, port, tls=request.transport.get_extra_info("sslcontext") is not None)
