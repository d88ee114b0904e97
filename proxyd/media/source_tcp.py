"""The connection of an NVR, read into the loop's one buffer; what is incomplete waits in front of the next read."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from .limits import Limits
from .loop import HEADROOM_BYTES, READ_BYTES, READABLE, Loop

if TYPE_CHECKING:
    from .feed import Feed

_BIG_READ_BYTES = READ_BYTES // 2


class TcpSource:
    """Reads from the start."""

    late = 0
    __slots__ = (
        "_feed", "_held", "_held_until_s", "_loop", "_open", "_patient", "_pause_s", "_receive", "_room", "_socket",
        "_tail", "_timed",
    )  # fmt: skip

    def __init__(self, feed: Feed, sock: socket.socket, loop: Loop, limits: Limits) -> None:
        self._feed = feed
        self._socket = sock
        self._loop = loop
        self._pause_s = limits.pause_ms / 1000
        self._tail: bytes | bytearray = b""
        self._held = False
        self._held_until_s = 0.0
        self._timed = False
        self._patient = True  # until an outlet has used up its moment
        self._open = True
        sock.setblocking(False)
        self._receive, self._room = sock.recv_into, loop.room
        loop.watch(sock.fileno(), READABLE, self._readable)
        loop.hurry(sock.fileno())  # the answer to PLAY comes next, and a recorder waits for it

    def begin(self, data: bytes) -> None:
        """What was read of the connection before."""
        self._loop.buffer[HEADROOM_BYTES : HEADROOM_BYTES + len(data)] = data
        end = HEADROOM_BYTES + len(data)
        self._tail = self._loop.buffer[self._feed.take(HEADROOM_BYTES, end) : end]

    def calm(self) -> None:
        """What comes from now on may wait for the window."""
        self._loop.calm(self._socket.fileno())

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.forget(self._socket.fileno())
            self._socket.close()

    def give_up(self) -> None:
        self._feed.give_up()

    def _readable(self, _events: int) -> None:
        receive = self._receive
        try:
            size = receive(self._room)
        except BlockingIOError:
            return
        except OSError:
            self._feed.lost("reset")
            return
        if not size:
            self._feed.lost("closed")
            return
        if size > _BIG_READ_BYTES:
            self._loop.big = True
        start, end = HEADROOM_BYTES, HEADROOM_BYTES + size
        if self._tail:
            start -= len(self._tail)
            self._loop.buffer[start:HEADROOM_BYTES] = self._tail
            self._tail = b""
        at = self._feed.take(start, end)
        if at < end:
            self._tail = self._loop.buffer[at:end]

    # Waiting for an outlet ----------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Reads no more until `go_on`, or until the moment is over; then not again before `go_on`."""
        if self._held or not self._patient or not self._open:
            return
        self._held = True
        self._held_until_s = self._loop.now + self._pause_s
        self._loop.change(self._socket.fileno(), 0)
        if not self._timed:
            self._timed = True
            self._loop.call_at(self._held_until_s, self._moment_over)

    def go_on(self) -> None:
        self._patient = True
        if self._held:
            self._held = False
            self._loop.change(self._socket.fileno(), READABLE)

    def _moment_over(self) -> None:
        self._timed = False
        if not self._held or not self._open:
            return
        if self._loop.now < self._held_until_s:  # it was let go on, and held once more
            self._timed = True
            self._loop.call_at(self._held_until_s, self._moment_over)
            return
        self.go_on()
        self._patient = False
