"""The camera as aiohttp's connections see it: pictures, chunks, broken HTTP: all that `http_quick` does not take."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from aiohttp import web

from proxyd.camera.guess_line import GuessLine
from proxyd.camera.spec import RecordExchange
from proxyd.camera.urls import SNAPSHOT_PATH
from proxyd.listening import host_of
from proxyd.snapshot.picture import SnapshotPicture

from . import exchange, http_connections
from .dispatch import SERVICE_PATHS, Dispatcher
from .exchange import Call, Later, Pending, Reply
from .http_body import TooLarge, read_body
from .http_bytes import Asked, response_of
from .http_connections import Connections, peer_of, proof_of, reached_by

PICTURE_TIMEOUT_S = 15.0
_UNSENT: web.RequestKey[Callable[[], None]] = web.RequestKey("unsent")  # of the reply to a request
_Outcome = TypeVar("_Outcome")


class AiohttpCamera:
    """`connections` are those that its requests come by, while the camera runs."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        line: GuessLine,
        finish: Callable[[Pending, str], Awaitable[Reply]],
        *,
        take_snapshot: Callable[[], Awaitable[SnapshotPicture]],
        record: RecordExchange,
        now: Callable[[], datetime],
        log: logging.LoggerAdapter[logging.Logger],
    ) -> None:
        """`finish(pending, client)` does the command of an answer."""
        self._dispatcher = dispatcher
        self._line = line
        self._finish = finish
        self._take_snapshot = take_snapshot
        self._record = record
        self._now = now
        self._log = log
        self.connections: Connections | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer, already sent: a client that does not read must not hold its place for ever."""
        connections, connection = self.connections, request.protocol
        if connections is None:
            return await self._answer(request)
        connections.answering.add(connection)
        if request.keep_alive:
            connections.keep(connection, peer_of(request))
        else:
            connections.kept.pop(connection, None)
        try:
            return await self._answer(request)
        finally:
            connections.answering.discard(connection)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        response = await self._respond(request)
        try:
            async with asyncio.timeout(http_connections.SEND_TIMEOUT_S):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            _take_back(request)
            if request.transport is not None:
                request.transport.abort()
        except (ConnectionError, asyncio.CancelledError):
            _take_back(request)
            raise
        return response

    async def _respond(self, request: web.BaseRequest) -> web.Response:
        asked = Asked(request)
        client = peer_of(request)
        path = request.path
        try:
            if path in SERVICE_PATHS:
                reply = await self._service(request, asked)
            elif path == SNAPSHOT_PATH:
                return await self._snapshot(request, client, asked)
            else:
                reply = exchange.not_found(path)
        except ConnectionError:
            raise  # the client is gone; aiohttp tidies up
        except Exception:
            self._log.exception("camera %d: no answer at %s", self._dispatcher.spec.id, path)
            reply = exchange.failure(path.rpartition("/")[2])
        return self._send(asked, reply, client)

    def broken(self, request: web.BaseRequest, status: int, why: str) -> web.StreamResponse:
        """What came is no HTTP: said in the trace, and with a fault to whoever may read it. A bug of ours outside of
        `_respond` comes here, too, with 500: then not even the trace can be trusted to work."""
        if status >= 500:
            self._log.error("camera %d: a bug ended an answer", self._dispatcher.spec.id, exc_info=True)
            return response_of(exchange.failure(request.path.rpartition("/")[2]))
        return self._send(Asked(request), exchange.broken(status, why), peer_of(request))

    async def _service(self, request: web.BaseRequest, asked: Asked) -> Reply:
        refusal = self._dispatcher.refuse_head(
            request.method, request.headers.get("Content-Type"), request.content_length
        )
        if refusal is not None:
            return refusal
        try:
            asked.body = body = await self._body_of(request)
        except TooLarge:
            return self._dispatcher.refuse_size(request.method)
        except TimeoutError:
            return self._dispatcher.refuse_body(request.path, timed_out=True)
        except web.RequestPayloadError:
            return self._dispatcher.refuse_body(request.path, timed_out=False)
        answer = self._dispatcher.handle(_call(request, body), self._now())
        if isinstance(answer, Later):
            answer = await self._in_turn(request, answer)
        return answer if isinstance(answer, Reply) else await self._finish(answer, peer_of(request))

    async def _in_turn(self, request: web.BaseRequest, later: Later[_Outcome]) -> _Outcome:
        """As with a slow body: whoever waits in a guesser's line holds no place that others need."""
        answering = self.connections.answering if self.connections else set()
        answering.discard(request.protocol)
        async with self._line.turn(later.address, later.username):
            answering.add(request.protocol)
            return later.resume(self._now())

    async def _body_of(self, request: web.BaseRequest) -> bytes:
        """Meanwhile the connection may be given up: whoever sends slowly holds no place that others need."""
        answering = self.connections.answering if self.connections else set()
        answering.discard(request.protocol)
        body = await read_body(request)
        answering.add(request.protocol)
        return body

    async def _snapshot(self, request: web.BaseRequest, client: str, asked: Asked) -> web.Response:
        answer = self._dispatcher.picture(_call(request), self._now())
        if isinstance(answer, Later):
            answer = await self._in_turn(request, answer)
        if isinstance(answer, Reply):
            return self._send(asked, answer, client)
        try:
            async with asyncio.timeout(PICTURE_TIMEOUT_S):
                picture = await self._take_snapshot()
        except Exception as error:
            # Only the kind of error: its text may name the NVR's URL.
            self._log.warning(
                "camera %d: no picture for the recorder (%s)", self._dispatcher.spec.id, type(error).__name__
            )
            return self._send(asked, exchange.no_picture(), client)
        reason = "the stand-in picture was sent, the NVR gave none" if picture.fallback else ""
        self._record(
            client=client,
            protocol="snapshot",
            operation=SNAPSHOT_PATH,
            ok=True,
            auth=answer.scheme,
            reason=reason,
            took_s=asked.took_s,
            tls=asked.tls,
        )
        return web.Response(
            body=picture.data,
            headers={"Content-Type": picture.content_type, "Cache-Control": "no-store", "Server": "onviftui"},
        )

    def _send(self, asked: Asked, reply: Reply, client: str) -> web.Response:
        snapshot = asked.path == SNAPSHOT_PATH
        if reply.unsent is not None:
            asked.request[_UNSENT] = reply.unsent
        response = response_of(reply)
        self._record(
            client=client,
            protocol="snapshot" if snapshot else "onvif",
            operation=reply.operation,
            ok=reply.ok,
            auth=reply.auth,
            reason=reply.reason,
            took_s=asked.took_s,
            raw=asked.raw(response),
            tls=asked.tls,
        )
        return response


def _take_back(request: web.BaseRequest) -> None:
    """What the answer that could not be sent had taken."""
    if _UNSENT in request:
        request.pop(_UNSENT)()


def _call(request: web.BaseRequest, body: bytes = b"") -> Call:
    """Raises ConnectionResetError when the client is gone."""
    return Call(
        method=request.method,
        path=request.path,
        target=request.raw_path,
        reached=reached_by(request),
        body=body,
        subscription_id=request.query.get("sub", ""),
        authorization=request.headers.get("Authorization"),
        client=host_of(request.transport),
        proof=proof_of(request),
    )
