"""One connection of a recorder, as long as it asks as nearly all do: whole requests, one after the other.

Such a request is answered in the callback that brings it, without tasks, streams and timers of its own: a third of what
it costs over an HTTP library. With the first request that is not of that kind the connection goes over to aiohttp, and
stays there.
"""

from __future__ import annotations

import asyncio
import fcntl
import termios
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from proxyd.camera.raw_exchange import RawExchange
from proxyd.camera.urls import bracketed

from . import http_connections
from .exchange import Call, Later, Pending, Proof, Reply
from .http_bytes import bytes_of
from .quick_request import QuickHead, parse_quick_head
from .services.operation import Reached
from .soap import MAX_REQUEST_BYTES

PATIENCE_S = 1.0  # for the rest of a body; then aiohttp takes over, with its own time limit

Answer = Reply | Pending | Later[Reply | Pending]


class Camera(Protocol):
    """What answers."""

    def takes(self, media: str | None, length: int) -> bool:
        """False: such a request is refused by its head already."""

    def answer(self, call: Call) -> Answer:
        """Raises nothing."""

    def finish(
        self, answer: Pending | Later[Reply | Pending], call: Call, client: str, begun: Callable[[], None]
    ) -> Coroutine[Any, Any, Reply]:
        """What the answer needs of the world; `begun` is called when it is the client's turn. Raises nothing."""

    def wait(self, pending: Pending, done: Callable[[Reply], None]) -> Callable[[], None] | None:
        """For a long poll: calls `done` later, as soon as there is something to say, and returns what gives it up.
        None for everything else."""

    def note(self, client: str, reply: Reply, took_s: float, raw: RawExchange, *, tls: bool) -> Reply:
        """Puts it into the trace. The reply to send: another one when a bug kept it from that."""


class QuickConnection(asyncio.Protocol):
    def __init__(self, connections: http_connections.Connections, camera: Camera, owner: str) -> None:
        """`owner` names tasks."""
        self._connections = connections
        self._camera = camera
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._proof = Proof()
        self._head_bytes = b""  # of the last request: the next one's is mostly the same
        self._head: QuickHead | None = None
        self._begun = b""  # a request whose body is not complete
        self._behind = b""  # what came while an answer was under way
        self._request = b""
        self._asked_at = 0.0
        self._heard_at = 0.0
        self._busy = False
        self._closing = False
        self._unsent: Callable[[], None] | None = None  # of the last answer
        self._idle: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._give_up: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None

    # What the transport tells ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer, name = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if not self._connections.arrived(self, transport):
            return
        if not peer or not name:
            transport.abort()  # gone already
            return
        self._host = str(peer[0])
        self._client = f"{bracketed(peer[0])}:{peer[1]}"
        self._tls = transport.get_extra_info("sslcontext") is not None
        self._reached = Reached(name[0], name[1], tls=self._tls)
        self._heard_at = self._loop.time()
        self._idle = self._loop.call_later(http_connections.IDLE_TIMEOUT_S, self._look_whether_idle)

    def data_received(self, data: bytes) -> None:
        if self._busy:
            self._behind += data
            if len(self._behind) > MAX_REQUEST_BYTES:
                self._transport.pause_reading()
            return
        if self._closing:
            return
        data = self._begun + data if self._begun else data
        end = data.find(b"\r\n\r\n") + 4
        head = self._head_of(data[:end]) if end > 3 else None
        if head is None or (missing := end + head.length - len(data)) < 0:
            self._hand_over(data)
        elif missing:
            self._begun = data
            if self._patience is None:
                self._patience = self._loop.call_later(PATIENCE_S, self._out_of_patience)
        else:
            self._ask(head, data, end)

    def eof_received(self) -> bool:
        """Who only says that nothing more comes still gets the answer of a running command. Not so a long poll: mostly
        nobody is there any more. (TLS knows no half-closed connections.)"""
        self._closing = True
        return self._task is not None and not self._tls

    def pause_writing(self) -> None:
        """It does not read its answers."""
        self._stuck = self._loop.call_later(http_connections.SEND_TIMEOUT_S, self.abort)
        self._connections.answering.add(self)
        self._busy = True

    def resume_writing(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        if self._task is None and self._give_up is None:
            self._done()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.lost(self)
        self._end_timers()
        self._drop_answer()
        if exc is not None and self._unsent and _unacknowledged(self._transport):
            self._take_back()

    # One request ----------------------------------------------------------------------------------------------

    def _head_of(self, head: bytes) -> QuickHead | None:
        if head != self._head_bytes:
            parsed = parse_quick_head(head)
            if parsed is None or not self._camera.takes(parsed.media, parsed.length):
                return None
            self._head_bytes, self._head = head, parsed
        return self._head

    def _ask(self, head: QuickHead, request: bytes, body_at: int) -> None:
        self._begun = b""
        self._unsent = None  # whoever asks again has the answer
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._heard_at = self._loop.time()
        self._asked_at = time.monotonic()
        self._request = request
        if head.keep:
            self._connections.keep(self, self._client)
        else:
            self._closing = True
            self._connections.kept.pop(self, None)
        call = Call(
            "POST",
            head.path,
            head.target,
            self._reached,
            request[body_at:],
            head.subscription_id,
            head.authorization,
            self._host,
            self._proof,
        )
        answer = self._camera.answer(call)
        if isinstance(answer, Reply):
            self._send(answer)
            return
        self._busy = True
        if isinstance(answer, Pending):
            self._begun_answering()
            self._give_up = self._camera.wait(answer, self._answered)
            if self._give_up is not None:
                return
        coroutine = self._finish(self._camera.finish(answer, call, self._client, self._begun_answering))
        self._task = self._loop.create_task(coroutine, name=f"answer of {self._owner}")

    def _begun_answering(self) -> None:
        """Until now it may be given up: whoever waits in a guesser's line holds no place that others need."""
        self._connections.answering.add(self)

    async def _finish(self, reply: Coroutine[Any, Any, Reply]) -> None:
        self._answered(await reply)

    def _answered(self, reply: Reply) -> None:
        self._task = self._give_up = None
        self._send(reply)
        if self._stuck is None:
            self._done()

    def _send(self, reply: Reply) -> None:
        answer = bytes_of(reply, keep=not self._closing)
        took_s = time.monotonic() - self._asked_at
        noted = self._camera.note(self._client, reply, took_s, RawExchange.of(self._request, answer), tls=self._tls)
        if noted is not reply:
            self._closing = True
            answer = bytes_of(noted, keep=False)
        self._request = b""
        self._unsent = reply.unsent
        if self._transport.is_closing():
            self._take_back()
        self._transport.write(answer)
        if self._closing and not self._busy:
            self._transport.close()

    def _done(self) -> None:
        """The answer is on its way, and there may be a next request."""
        self._busy = False
        self._connections.answering.discard(self)
        self._heard_at = self._loop.time()
        if self._closing:
            self._transport.close()
        elif self._behind:
            self._hand_over(self._behind)

    # The end --------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """After the answer that is under way, if there is one."""
        self._closing = True
        if not self._busy:
            self._transport.close()

    def abort(self) -> None:
        self._drop_answer()
        if self._unsent and _unacknowledged(self._transport):
            self._take_back()
        self._transport.abort()

    def _hand_over(self, data: bytes) -> None:
        self._end_timers()
        self._transport.resume_reading()
        self._connections.hand_over(self, self._transport, data, self._proof)

    def _out_of_patience(self) -> None:
        self._patience = None
        self._hand_over(self._begun)

    def _look_whether_idle(self) -> None:
        if self._transport.is_closing():  # and its last answer was never fetched
            self._transport.abort()
            return
        left_s = self._heard_at + http_connections.IDLE_TIMEOUT_S - self._loop.time()
        if self._busy or left_s > 0:
            wait_s = http_connections.IDLE_TIMEOUT_S if self._busy else left_s
            self._idle = self._loop.call_later(wait_s, self._look_whether_idle)
        else:
            self._transport.close()

    def _end_timers(self) -> None:
        for timer in (self._idle, self._patience, self._stuck):
            if timer is not None:
                timer.cancel()

    def _take_back(self) -> None:
        unsent, self._unsent = self._unsent, None
        if unsent is not None:
            unsent()

    def _drop_answer(self) -> None:
        if self._give_up is not None:
            self._give_up()
            self._give_up = None
        if self._task is not None:
            self._task.cancel()
            self._task = None


def _unacknowledged(transport: asyncio.Transport) -> bool:
    """Whether some of what was written has not arrived: then nobody has read the whole answer."""
    count = bytearray(4)
    try:
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, count)
    except OSError:
        return False
    return any(count)
