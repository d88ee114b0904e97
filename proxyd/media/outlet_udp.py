"""A recorder that is played to by UDP: each packet by itself, and what the kernel does not take is lost."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .limits import Limits
from .loop import READABLE, Loop
from .walk import HEAD_BYTES, Run, cut
from .wire import Leg, OutletStats

if TYPE_CHECKING:
    from .feed import Feed

_HEARD_PER_WAKE_UP = 16


class UdpOutlet:
    """Made by OpenOutlet; `ended(id, why)` is called once, after everything is closed. `sockets`: two per leg."""

    plain = False

    def __init__(
        self,
        number: int,
        feed: Feed,
        legs: Sequence[Leg],
        sockets: Sequence[socket.socket],
        loop: Loop,
        limits: Limits,
        ended: Callable[[int, str], None],
    ) -> None:
        self.number = number
        self.feed = feed
        self._loop = loop
        self._key_wait_s = limits.key_wait_ms / 1000
        self._ended = ended
        self._sockets: dict[int, _Socket] = {}  # by leg
        self._open = True
        self._since_s = 0.0
        self.started = self.waiting = False
        self.bytes = self.packets = self.dropped = self.heard = 0
        self._equip(legs, sockets)

    # Orders -------------------------------------------------------------------------------------------------------

    def route(self) -> None:
        """Tracks have no channels here."""

    def keep(self) -> None:
        """By UDP nothing has to wait for an answer: whoever listens gets it."""
        self.start(False)

    def relegate(self, legs: Sequence[Leg], sockets: Sequence[socket.socket]) -> None:
        """It has these legs from now on."""
        self._close_sockets()
        self._equip(legs, sockets)

    def start(self, at_key: bool) -> None:
        self.started = True
        self.waiting = at_key and self.feed.has_keys
        self._since_s = self._loop.now
        self.feed.arrange()

    def stop(self) -> None:
        self.started = self.waiting = False
        self.feed.arrange()

    def write(self, data: bytes) -> None:
        """Answers go by the RTSP connection, which is not ours."""

    def end(self) -> None:
        self.finish("")

    def give_up(self) -> None:
        self.finish("reset")

    def finish(self, why: str) -> None:
        if not self._open:
            return
        self._open = self.started = self.waiting = False
        self._close_sockets()
        self.feed.leave(self)
        self._ended(self.number, why)

    def _equip(self, legs: Sequence[Leg], sockets: Sequence[socket.socket]) -> None:
        for at, leg in enumerate(legs):
            for part in (0, 1):
                self._sockets[2 * leg.track + part] = _Socket(self, sockets[2 * at + part], self._loop)

    def _close_sockets(self) -> None:
        for one in self._sockets.values():
            one.close()
        self._sockets.clear()

    # Packets ------------------------------------------------------------------------------------------------------

    def take(self, runs: Sequence[Run], packets: int, key: int) -> None:
        """`packets` of them; `key` is where the first key frame in them begins, or -1."""
        if self.waiting:
            if key >= 0:
                runs = cut(runs, key)
            elif self._loop.now - self._since_s < self._key_wait_s:
                self.dropped += packets
                return
            self.waiting = False
            self.feed.arrange()
        view = self._loop.view
        for track, start, stop, count, stride in runs:
            one = self._sockets.get(2 * track)
            if one is None:
                continue
            send, lost = one.send, 0
            for at in range(start, stop, stride):
                try:
                    send(view[at + HEAD_BYTES : at + stride])
                except OSError:  # full buffer; too long for a datagram; a port that the recorder opens late or closed
                    lost += 1
            self.dropped += lost
            self.packets += count - lost
            self.bytes += (count - lost) * (stride - HEAD_BYTES)

    def report(self, track: int, packet: bytes) -> None:
        one = self._sockets.get(2 * track + 1)
        if one is not None and self.started and not self.waiting:
            try:
                one.send(packet)
            except OSError:
                self.dropped += 1

    def look_after(self) -> OutletStats | None:
        """Its figures, once a second."""
        return OutletStats(self.number, bytes=self.bytes, packets=self.packets, dropped=self.dropped, heard=self.heard)


class _Socket:
    """One of them; what comes back (receiver reports keep a session alive) is counted, not read."""

    def __init__(self, outlet: UdpOutlet, sock: socket.socket, loop: Loop) -> None:
        self._outlet = outlet
        self._socket = sock
        self._loop = loop
        sock.setblocking(False)
        self.send = sock.send
        loop.watch(sock.fileno(), READABLE, self._readable)

    def close(self) -> None:
        self._loop.forget(self._socket.fileno())
        self._socket.close()

    def give_up(self) -> None:
        self._outlet.give_up()

    def _readable(self, _events: int) -> None:
        for _ in range(_HEARD_PER_WAKE_UP):
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return
            except OSError:  # "connection refused" by the recorder's host
                continue
            self._outlet.heard += 1
