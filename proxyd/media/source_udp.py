"""Sockets of an NVR that sends by UDP: their packets are put into the loop's buffer as if they had come in `$` frames.

The daemon gives connected sockets, so the kernel checks the sender. One that is not connected is tied to the first
that sends: some NVRs send from other ports than they said.
"""

from __future__ import annotations

import contextlib
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING

from .limits import Limits
from .loop import HEADROOM_BYTES, READ_BYTES, READABLE, Loop
from .reorder import Reorder
from .walk import DOLLAR, HEAD_BYTES, RTP_HEAD_BYTES

if TYPE_CHECKING:
    from .feed import Feed

_BATCH = 128  # packets per wake-up and socket
_PACKET_BYTES = 65535
_LAST = HEADROOM_BYTES + READ_BYTES - HEAD_BYTES - _PACKET_BYTES  # a packet may begin here at the latest
_BUFFER_BYTES = 2 * 1024 * 1024  # a key frame comes at line speed; the kernel may grant less
_write_head = Struct(">BBH").pack_into
_sequence = Struct(">H").unpack_from


class UdpSource:
    """Reads from the start. `sockets`: RTP and RTCP of each track."""

    def __init__(self, feed: Feed, sockets: Sequence[socket.socket], loop: Loop, limits: Limits) -> None:
        self._feed = feed
        self._open = True
        self._legs: list[_RtpLeg | _RtcpLeg] = []
        for at, sock in enumerate(sockets):
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._legs.append((_RtcpLeg if at % 2 else _RtpLeg)(feed, at // 2, sock, loop, limits))

    @property
    def late(self) -> int:
        return sum(leg.reorder.late for leg in self._legs if isinstance(leg, _RtpLeg))

    def begin(self, data: bytes) -> None:
        """There is no connection that could have been read before."""

    def hold(self) -> None:
        """UDP cannot be held."""

    def go_on(self) -> None:
        """UDP cannot be held."""

    def close(self) -> None:
        if self._open:
            self._open = False
            for leg in self._legs:
                leg.close()


class _Leg(ABC):
    """One socket."""

    def __init__(self, feed: Feed, track: int, sock: socket.socket, loop: Loop, limits: Limits) -> None:
        self._feed = feed
        self._track = track
        self._socket = sock
        self._loop = loop
        self._wait_s = limits.reorder_ms / 1000
        self._open = True
        self._tied = _is_connected(sock)
        loop.watch(sock.fileno(), READABLE, self._readable)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.forget(self._socket.fileno())
            self._socket.close()

    def give_up(self) -> None:
        self._feed.give_up()

    @abstractmethod
    def _readable(self, _events: int) -> None:
        """Something came, or the socket has an error."""

    def _receive(self, at: int) -> int:
        """The size of one packet that is in the buffer from `at` on; 0 when it is nothing, -1 when there is none."""
        room = self._loop.view[at : at + _PACKET_BYTES]
        try:
            if self._tied:
                return self._socket.recv_into(room)
            size, sender = self._socket.recvfrom_into(room)
            self._socket.connect(sender)
            self._tied = True
        except BlockingIOError:
            return -1
        except OSError:  # the host of the NVR says that a port is closed: it opens it late, or is starting anew
            return 0
        return size


class _RtpLeg(_Leg):
    def __init__(self, feed: Feed, track: int, sock: socket.socket, loop: Loop, limits: Limits) -> None:
        super().__init__(feed, track, sock, loop, limits)
        self.reorder = Reorder()
        self._timed = False

    def _readable(self, _events: int) -> None:
        buffer, in_turn, channel = self._loop.buffer, self.reorder.in_turn, 2 * self._track
        at = HEADROOM_BYTES
        for _ in range(_BATCH):
            body = at + HEAD_BYTES
            size = self._receive(body)
            if size < 0:
                break
            if size < RTP_HEAD_BYTES or buffer[body] >> 6 != 2:
                continue
            (sequence,) = _sequence(buffer, body + 2)
            if in_turn(sequence):
                _write_head(buffer, at, DOLLAR, channel, size)
                at = body + size
                if at > _LAST:
                    at = self._deal(at)
            else:
                at = self._put(at, self.reorder.push(sequence, bytes(buffer[body : body + size])))
        self._deal(at)
        if self.reorder.holding and not self._timed:
            self._timed = True
            self._loop.call_at(self._loop.now + self._wait_s, self._give_up_waiting)

    def _give_up_waiting(self) -> None:
        self._timed = False
        if self._open:
            self._deal(self._put(HEADROOM_BYTES, self.reorder.give_up()))

    def _put(self, at: int, packets: Sequence[bytes]) -> int:
        buffer = self._loop.buffer
        for packet in packets:
            _write_head(buffer, at, DOLLAR, 2 * self._track, len(packet))
            end = at + HEAD_BYTES + len(packet)
            buffer[at + HEAD_BYTES : end] = packet
            at = self._deal(end) if end > _LAST else end
        return at

    def _deal(self, end: int) -> int:
        """Where the next packet is to be put."""
        if end > HEADROOM_BYTES and self._open:
            self._feed.take(HEADROOM_BYTES, end)
        return HEADROOM_BYTES


class _RtcpLeg(_Leg):
    def _readable(self, _events: int) -> None:
        for _ in range(_BATCH):
            if not self._open or (size := self._receive(HEADROOM_BYTES)) < 0:
                break
            if size:
                self._feed.report(self._track, bytes(self._loop.buffer[HEADROOM_BYTES : HEADROOM_BYTES + size]))


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True
