"""The connections of one camera's HTTP server: how many there may be, and what is known of each."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from proxyd.camera.urls import bracketed
from proxyd.listening import host_of

from .exchange import Proof
from .services.operation import Reached

MAX_CONNECTIONS = 64
IDLE_TIMEOUT_S = 30.0
SEND_TIMEOUT_S = 20.0


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
        self.proof = Proof()

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


class Quick(Protocol):
    """A connection that aiohttp does not have yet (`http_quick`)."""

    def close(self) -> None:
        """After the answer that is under way, if there is one."""

    def abort(self) -> None: ...


class Connections(web.Server):
    """aiohttp's low-level server, for the connections that are handed over to it, with an upper bound of all there are.
    When all places are taken, whoever holds the most gives up one that is not being answered (its request is not there
    yet, or its password not looked at): so nobody keeps recorders out by connecting often."""

    def __init__(
        self,
        *args: Any,
        quick: Callable[[Connections], asyncio.Protocol],
        gone: Callable[[str], None],
        broken: Callable[[web.BaseRequest, int, str], web.StreamResponse],
        **settings: Any,
    ) -> None:
        """`quick` makes the protocol that each connection has first. `gone` is told of each client whose connection was
        to be kept and is lost; `broken(request, status, why)` answers what is no HTTP."""
        super().__init__(*args, **settings)
        self.broken = broken
        self._quick = quick
        self._loop_here = asyncio.get_running_loop()
        self.held: dict[asyncio.BaseProtocol, asyncio.Transport] = {}
        self.answering: set[asyncio.BaseProtocol] = set()
        self.kept: dict[asyncio.BaseProtocol, tuple[str, float]] = {}  # by whom, and when it last asked
        self._gone = gone
        self._stopping = False
        self._lost = asyncio.Event()

    def __call__(self) -> asyncio.Protocol:  # type: ignore[override] # aiohttp's own comes later, if at all
        return self._quick(self)

    def hand_over(self, quick: asyncio.Protocol, transport: asyncio.Transport, data: bytes, proof: Proof) -> None:
        """From now on the connection is aiohttp's, which begins with `data`."""
        handler = Handler(self, loop=self._loop_here, **self._kwargs)
        handler.proof = proof
        self.held[handler] = self.held.pop(quick)
        if quick in self.kept:
            self.kept[handler] = self.kept.pop(quick)
        self.answering.discard(quick)
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(data)

    def keep(self, connection: asyncio.BaseProtocol, client: str) -> None:
        self.kept[connection] = (client, self._loop_here.time())

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self.lost(handler)

    def lost(self, connection: asyncio.BaseProtocol) -> None:
        self.held.pop(connection, None)
        client, asked_at = self.kept.pop(connection, ("", 0.0))
        idle_s = self._loop_here.time() - asked_at
        if client and (connection in self.answering or idle_s < IDLE_TIMEOUT_S):  # else it was us who closed it
            self._gone(client)
        self.answering.discard(connection)
        self._lost.set()

    def pre_shutdown(self) -> None:
        self._stopping = True
        for quick in self._all_quick():
            quick.close()
        super().pre_shutdown()

    async def shutdown(self, timeout: float | None = None) -> None:
        await asyncio.gather(super().shutdown(timeout), self._end_quick(timeout))

    async def _end_quick(self, timeout_s: float | None) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while self._all_quick():
                    self._lost.clear()
                    await self._lost.wait()
        except TimeoutError:
            for quick in self._all_quick():
                quick.abort()

    def _all_quick(self) -> list[Quick]:
        return [cast(Quick, one) for one in self.held if not isinstance(one, Handler)]

    def arrived(self, connection: asyncio.BaseProtocol, transport: asyncio.Transport) -> bool:
        """A new one; False when it got no place."""
        if self._stopping:  # accepted just before the listener was closed: nobody would ever end it
            transport.abort()
            return False
        self.held[connection] = transport
        held = [(one, its, host_of(its)) for one, its in self.held.items() if not its.is_closing()]
        if len(held) <= MAX_CONNECTIONS:
            return True
        count = Counter(host for _, _, host in held)
        host, most = host_of(transport), max(count.values())
        theirs = [(one, its) for one, _, its in held if count[its] == most and one is not connection]
        # A guesser may sit at a recorder's own address: so a newcomer of that gets its place, too.
        others = [one for one, its in theirs if its != host]
        able = others or [one for one, _ in theirs]
        spare = min((one for one in able if one not in self.answering), key=self._asked_at, default=None)
        if spare is None and able and most > MAX_CONNECTIONS // 2:
            spare = others[0] if others else able[-1]  # nobody needs so many answers at once
        (self.held[spare] if spare is not None else transport).abort()
        return spare is not None

    def _asked_at(self, connection: asyncio.BaseProtocol) -> float:
        """When it last asked; whoever never did comes first."""
        return self.kept[connection][1] if connection in self.kept else float("-inf")


def proof_of(request: web.BaseRequest) -> Proof:
    return request.protocol.proof if isinstance(request.protocol, Handler) else Proof()


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
