"""A recorder that is played to by TCP: whole packets between messages, and never more waiting than the limit.

While nothing waits and its channels are the feed's, the feed sends to it directly (`plain`).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .limits import Limits
from .loop import FAILED, HUNG_UP, WRITABLE_AGAIN, Loop
from .walk import Run, cut, pick
from .wire import Leg, OutletStats

if TYPE_CHECKING:
    from .feed import Feed

Ended = Callable[[int, str], None]
# The kernel takes twice as much memory. Left alone it would hold 4 MiB for a recorder that is stuck; more than this
# makes nothing quicker.
_KERNEL_BYTES = 256 * 1024
_ANSWERS_BYTES = 128 * 1024  # beyond the backlog: answers that a recorder asked for and does not read


class TcpOutlet:
    """Made by OpenOutlet; `ended(id, why)` is called once, after everything is closed."""

    def __init__(
        self,
        number: int,
        feed: Feed,
        legs: Sequence[Leg],
        sock: socket.socket,
        loop: Loop,
        limits: Limits,
        ended: Ended,
    ) -> None:
        self.number = number
        self.feed = feed
        self.legs = legs
        self._socket = sock
        self._loop = loop
        self._limits = limits
        self._ended = ended
        self._backlog = bytearray()
        self._progress_s = loop.now  # when the recorder took something, or had nothing to take
        self._since_s = 0.0  # waits for a key frame since
        self._ending = False
        self._kept: bytearray | None = None  # until the start
        self._open = True
        self.started = self.waiting = False
        self.bytes = self.packets = self.skips = self.dropped = 0
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        with contextlib.suppress(OSError):  # a bridge to TLS is no TCP connection
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send = sock.send
        self.route()
        loop.watch(sock.fileno(), WRITABLE_AGAIN, self._ready)

    # Orders -------------------------------------------------------------------------------------------------------

    def route(self) -> None:
        """To be called when the legs, or the tracks of the feed, are others."""
        tracks = len(self.feed.channels)
        self._rtp, self._rtcp = [-1] * tracks, [-1] * tracks
        for leg in self.legs:
            if leg.track < tracks:
                self._rtp[leg.track], self._rtcp[leg.track] = leg.channels
        self._same = self._rtp == self.feed.channels

    def keep(self) -> None:
        """From here on packets wait for `start`, as many as the backlog may hold."""
        if not self._ending and self._open:
            self._kept = bytearray()
            self.started, self.waiting = True, False
            self.feed.arrange()

    def relegate(self, legs: Sequence[Leg], descriptors: Sequence[socket.socket]) -> None:
        """It has these legs from now on; a connection needs no other descriptors for that."""
        for one in descriptors:
            one.close()
        self.legs = legs
        self.route()
        self.feed.arrange()

    def start(self, at_key: bool) -> None:
        if self._ending or not self._open:
            return
        kept, self._kept = self._kept, None
        self.started = True
        # What was kept may be the first part of a lot: then it goes on at the next key frame.
        self.waiting = (at_key or (kept is not None and self.waiting)) and self.feed.has_keys
        self._since_s = self._loop.now
        self.feed.arrange()
        if kept:
            self._put(bytes(kept))
        self.feed.go_on()

    def stop(self) -> None:
        self.started = self.waiting = False
        self._kept = None
        self.feed.arrange()

    def write(self, data: bytes) -> None:
        if not self._open or self._ending:
            return
        if len(self._backlog) + len(data) > self._limits.backlog_kib * 1024 + _ANSWERS_BYTES:
            self.finish("blocked")
            return
        self._put(data)

    def end(self) -> None:
        """As asked: what waits has a moment to go out."""
        self.stop()
        self._ending = True
        if not self._backlog:
            self.finish("")
        else:
            self._loop.call_at(self._loop.now + self._limits.end_ms / 1000, self._end_now)

    def _end_now(self) -> None:
        self.finish("")

    def give_up(self) -> None:
        self.finish("reset")

    # Packets ------------------------------------------------------------------------------------------------------

    @property
    def plain(self) -> bool:
        return self.started and self._same and not self.waiting and not self._backlog and self._kept is None

    def fall_behind(self, rest: memoryview) -> None:
        """The connection did not take this of what was sent directly."""
        self._progress_s = self._loop.now
        self._backlog += rest
        self.feed.arrange()
        self.feed.hold_for(self)

    def failed(self, error: OSError) -> None:
        self.finish("closed" if isinstance(error, BrokenPipeError) else "reset")

    def take(self, runs: Sequence[Run], packets: int, key: int) -> None:
        """`packets` of them; `key` is where the first key frame in them begins, or -1."""
        if self._kept is not None and self.waiting:
            self.dropped += packets
            return
        if self.waiting:
            if key >= 0 and len(self._backlog) * 4 <= self._limits.backlog_kib * 1024:
                left = packets
                runs = cut(runs, key)
                packets = sum(run[3] for run in runs)
                self.dropped += left - packets
            elif self._loop.now - self._since_s < self._limits.key_wait_ms / 1000 or self._backlog:
                self.dropped += packets
                return
            self.waiting = False
            self.feed.arrange()
        piece, count = pick(self._loop.buffer, self._loop.view, runs, self._rtp, self.feed.channels)
        if not count:
            return
        if self._kept is not None:
            self._keep_more(self._kept, piece, count)
            return
        if self._backlog and len(self._backlog) + len(piece) > self._limits.backlog_kib * 1024:
            self.skips += 1
            self.dropped += count
            self.waiting = True
            self._since_s = self._loop.now
            self.feed.arrange()
            return
        self.bytes += len(piece)
        self.packets += count
        self._put(piece)

    def _keep_more(self, kept: bytearray, piece: bytes | bytearray, count: int) -> None:
        if len(kept) + len(piece) > self._limits.backlog_kib * 1024:
            self.dropped += count
            self.waiting = True
            return
        kept += piece
        self.bytes += len(piece)
        self.packets += count
        if len(kept) * 2 > self._limits.backlog_kib * 1024:
            self.feed.hold_for(self)

    def report(self, track: int, packet: bytes) -> None:
        """RTCP: only beside packets, never instead of them."""
        if not self.started or self.waiting or self._kept is not None or self._rtcp[track] < 0:
            return
        if len(self._backlog) < self._limits.backlog_kib * 1024:
            self._put(b"$" + bytes((self._rtcp[track],)) + len(packet).to_bytes(2, "big") + packet)

    def _put(self, data: bytes) -> None:
        if self._backlog:
            self._backlog += data
            return
        try:
            sent = self.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.failed(error)
            return
        if sent < len(data):
            self.fall_behind(memoryview(data)[sent:])

    def _ready(self, events: int) -> None:
        if events & (HUNG_UP | FAILED):
            self.finish("reset" if events & FAILED else "closed")
        elif self._backlog:
            self._flush()

    def _flush(self) -> None:
        try:
            sent = self.send(self._backlog)
        except BlockingIOError:
            return
        except OSError as error:
            self.failed(error)
            return
        self._progress_s = self._loop.now
        self._loop.big = True  # what is sent as fast as it is taken sees no window
        if sent < len(self._backlog):
            del self._backlog[:sent]
            return
        self._backlog = bytearray()
        if self._ending:
            self.finish("")
        else:
            self.feed.arrange()
            self.feed.go_on()

    # Watching and ending ------------------------------------------------------------------------------------------

    def look_after(self) -> OutletStats | None:
        """Its figures, once a second; None: it has just been ended."""
        if self._backlog and self._loop.now - self._progress_s > self._limits.blocked_ms / 1000:
            self.finish("blocked")
            return None
        self.feed.settle()
        return OutletStats(self.number, self.bytes, self.packets, len(self._backlog), self.skips, self.dropped)

    def finish(self, why: str) -> None:
        if not self._open:
            return
        self._open = self.started = self.waiting = False
        self._backlog, self._kept = bytearray(), None
        self._loop.forget(self._socket.fileno())
        self._socket.close()
        self.feed.leave(self)
        self._ended(self.number, "" if self._ending else why)
