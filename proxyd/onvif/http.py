"""The ONVIF side of one camera on a real socket: HTTP in, `Dispatcher` for every decision, HTTP out.

128 of these run in one process, so each is one listening socket without framework on top. `http_quick` answers most
requests, `aiohttp_camera` all others: pictures, chunks, broken HTTP. Bounded: connections, time to send a request,
size of body and headers. A fault in one camera is logged with its id and answered; it never spreads.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from proxyd.camera.commands import Perform
from proxyd.camera.events import CameraEvent
from proxyd.camera.guess_line import GuessLine
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import CameraSpec, RecordExchange
from proxyd.errors import UpstreamError
from proxyd.listening import listen
from proxyd.snapshot.picture import SnapshotPicture
from proxyd.tls.listener import TlsListener

from . import http_connections
from .aiohttp_camera import AiohttpCamera
from .dispatch import Dispatcher
from .event_messages import Message
from .event_rim import EventRim
from .exchange import Pending, Reply
from .faults import SoapFault
from .http_connections import ClientLog, Connections
from .http_quick import QuickConnection
from .quick_camera import QuickCamera
from .services.event_subscriptions import Notify
from .services.events import Pull
from .soap import MAX_REQUEST_BYTES
from .subscriptions import Watcher

COMMAND_TIMEOUT_S = 10.0
LINGER_S = 2.0  # how long the rest of a refused body is read and thrown away
_BACKLOG = 32
_log = logging.getLogger(__name__)


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
        self._perform = perform
        self._now = now
        self._log = logging.LoggerAdapter(_log, {"camera": spec.id})
        self._events = EventRim(
            lambda: self._dispatcher.spec, record=record, now=now, new_id=lambda: secrets.token_hex(8)
        )
        guesses = guesses or Guesses(time.monotonic)
        self._line = line = GuessLine(guesses)
        self._dispatcher = Dispatcher(
            spec, secret=secrets.token_bytes(32), subscriptions=self._events.subscriptions, guesses=guesses
        )
        self._quick = QuickCamera(
            self._dispatcher, self._events, line, self._finish, record=record, now=now, log=self._log
        )
        self._others = AiohttpCamera(
            self._dispatcher, line, self._finish, take_snapshot=take_snapshot, record=record, now=now, log=self._log
        )
        self._connections: Connections | None = None
        self._listener: asyncio.Server | None = None
        self._https: TlsListener | None = None
        self.port = spec.http_port

    async def start(self) -> None:
        """Bind the camera's address and port. OSError (address missing, port taken) is for the caller to name."""
        if self._listener is not None:
            return
        connections = Connections(
            self._others.handle,
            quick=lambda connections: QuickConnection(connections, self._quick, f"camera {self._dispatcher.spec.id}"),
            gone=self._gone,
            broken=self._others.broken,
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
        self._connections = self._others.connections = connections
        self.port = self._listener.sockets[0].getsockname()[1]
        self._https = TlsListener(
            "HTTPS", spec, lambda spec: spec.https_port, connections, now=self._now, perform=self._perform
        )
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
        self._listener = self._connections = self._others.connections = self._https = None
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

    def watch(self, watcher: Watcher) -> None:
        """It gets every event from now on, as the messages of subscribers."""
        self._events.subscriptions.watch(watcher)

    def present(self) -> list[Message]:
        """How things stand at this camera."""
        return self._events.subscriptions.present(self._now())

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
