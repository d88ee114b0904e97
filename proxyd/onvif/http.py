"""The ONVIF side of one camera on a real socket: HTTP in, `Dispatcher` for every decision, HTTP out.

128 of these run in one process, so each is one listening socket without framework on top. `http_quick` answers most
requests; all others come here by aiohttp: pictures, chunks, broken HTTP. Bounded: connections, time to send a request,
size of body and headers. A fault in one camera is logged with its id and answered; it never spreads.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from proxyd.camera.commands import Perform
from proxyd.camera.events import CameraEvent
from proxyd.camera.guess_line import GuessLine
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import CameraSpec, RecordExchange
from proxyd.camera.urls import SNAPSHOT_PATH
from proxyd.errors import UpstreamError
from proxyd.listening import listen
from proxyd.snapshot.picture import SnapshotPicture

from . import exchange, http_connections
from .dispatch import SERVICE_PATHS, Dispatcher
from .event_rim import EventRim
from .exchange import Call, Later, Pending, Reply
from .faults import SoapFault
from .http_body import TooLarge, read_body
from .http_bytes import Asked, response_of
from .http_connections import ClientLog, Connections, host_of, peer_of, proof_of, reached_by
from .http_quick import QuickConnection
from .https import Https
from .quick_camera import QuickCamera
from .services.event_subscriptions import Notify
from .services.events import Pull
from .soap import MAX_REQUEST_BYTES

PICTURE_TIMEOUT_S = 15.0
COMMAND_TIMEOUT_S = 10.0
LINGER_S = 2.0  # how long the rest of a refused body is read and thrown away
_BACKLOG = 32
_UNSENT: web.RequestKey[Callable[[], None]] = web.RequestKey("unsent")  # of the reply to a request
_log = logging.getLogger(__name__)
_Outcome = TypeVar("_Outcome")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class OnvifServer:
    """Serves one camera. `port` is the real one after start (the spec may say 0)."""

    def __init__(
        self,
        spec: CameraSpec,
        *,
        take_snapshot: Callable[[], Awaitable[SnapshotPicture]],
        record: RecordExchange,
        now: Callable[[], datetime] = _utc_now,
        perform: Perform | None = None,
        gone: Callable[[str], None] = lambda client: None,
        guesses: Guesses | None = None,
    ) -> None:
        """`perform` does what an operation needs of the world; what it raises becomes a fault. `gone` is told of each
        client whose connection was to be kept and is lost. `guesses` is shared with the camera's streams."""
        self._gone = gone
        self._take_snapshot = take_snapshot
        self._perform = perform
        self._record = record
        self._now = now
        self._log = logging.LoggerAdapter(_log, {"camera": spec.id})
        self._events = EventRim(
            lambda: self._dispatcher.spec, record=record, now=now, new_id=lambda: secrets.token_hex(8)
        )
        guesses = guesses or Guesses(time.monotonic)
        self._line = GuessLine(guesses)
        self._dispatcher = Dispatcher(
            spec, secret=secrets.token_bytes(32), subscriptions=self._events.subscriptions, guesses=guesses
        )
        self._quick = QuickCamera(
            self._dispatcher, self._events, self._line, self._finish, record=record, now=now, log=self._log
        )
        self._connections: Connections | None = None
        self._listener: asyncio.Server | None = None
        self._https: Https | None = None
        self.port = spec.http_port

    async def start(self) -> None:
        """Bind the camera's address and port. OSError (address missing, port taken) is for the caller to name."""
        if self._listener is not None:
            return
        connections = Connections(
            self._handle,
            quick=lambda connections: QuickConnection(connections, self._quick, f"camera {self._dispatcher.spec.id}"),
            gone=self._gone,
            broken=self._broken,
            handler_cancellation=True,  # a recorder that hangs up frees its long poll
            access_log=None,
            keepalive_timeout=http_connections.IDLE_TIMEOUT_S,
            lingering_time=LINGER_S,
            auto_decompress=False,
            max_headers=64,
            read_bufsize=MAX_REQUEST_BYTES,
            logger=ClientLog(_log, {"camera": self._dispatcher.spec.id}),
        )
        spec = self._dispatcher.spec
        self._listener = await listen(connections, spec.address, spec.http_port, backlog=_BACKLOG)
        self._connections = connections
        self.port = self._listener.sockets[0].getsockname()[1]
        self._https = Https(spec, connections, now=self._now, perform=self._perform)
        await self._https.start()

    def tend(self) -> None:
        """To be called about once a second."""
        if self._https is not None:
            self._https.tend()

    @property
    def https_port(self) -> int:
        """The real one; 0 while there is no HTTPS."""
        return self._https.port if self._https else 0

    @property
    def note(self) -> str:
        """What keeps the camera from HTTPS that is switched on; "" when nothing does."""
        return self._https.note if self._https else ""

    async def stop(self) -> None:
        """Close everything: waiting pulls end, running answers get two seconds."""
        listener, connections, https = self._listener, self._connections, self._https
        self._listener = self._connections = self._https = None
        if listener is None or connections is None:
            return
        listener.close()
        if https is not None:
            await https.stop()
        await self._events.stop()
        connections.pre_shutdown()
        await connections.shutdown(2.0)
        await listener.wait_closed()

    def update(self, spec: CameraSpec) -> None:
        """Answer by the new spec from now on; connections, subscriptions and used nonces stay."""
        self._dispatcher.update(spec)
        if self._https is not None:
            self._https.update(spec)

    def deliver(self, event: CameraEvent) -> None:
        """Something happened at this camera: keep its state, and tell everybody who wants to know."""
        self._events.deliver(event)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connections, connection = self._connections, request.protocol
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
        # Sent here and not by aiohttp, because a client that does not read must not hold its place for ever.
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

    def _broken(self, request: web.BaseRequest, status: int, why: str) -> web.StreamResponse:
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
        answering = self._connections.answering if self._connections else set()
        answering.discard(request.protocol)
        async with self._line.turn(later.address, later.username):
            answering.add(request.protocol)
            return later.resume(self._now())

    async def _body_of(self, request: web.BaseRequest) -> bytes:
        """Meanwhile the connection may be given up: whoever sends slowly holds no place that others need."""
        answering = self._connections.answering if self._connections else set()
        answering.discard(request.protocol)
        body = await read_body(request)
        answering.add(request.protocol)
        return body

    async def _finish(self, pending: Pending, client: str) -> Reply:
        command = pending.command
        if isinstance(command, Pull | Notify):
            return pending.finish(await self._events.perform(command))
        try:
            if self._perform is None:
                raise LookupError("nobody is there to do it")
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                result = await self._perform(command, client)
        except (SoapFault, UpstreamError) as error:  # the trace says so; a log would be filled by whoever asks often
            return pending.failed(error)
        except Exception as error:
            name = type(command).__name__
            self._log.warning("camera %d: %s failed: %s", self._dispatcher.spec.id, name, error)
            return pending.failed(error)
        return pending.finish(result)

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
