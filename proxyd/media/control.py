"""The daemon's orders carried out, and what it is told."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Sequence

from .feed import Feed, Outlet
from .limits import Limits
from .loop import CAN_WRITE, READABLE, Loop
from .outlet import TcpOutlet
from .outlet_udp import UdpOutlet
from .wire import (
    MAX_DESCRIPTORS,
    MAX_PACKET_BYTES,
    AskReady,
    CloseFeed,
    Command,
    EndOutlet,
    Event,
    FeedStats,
    OpenFeed,
    OpenOutlet,
    OutletEnded,
    OutletStats,
    Ready,
    StartOutlet,
    Stats,
    StopOutlet,
    WriteOutlet,
    decode_command,
    encode,
)

_ORDERS_PER_WAKE_UP = 64
_WAITING_BYTES = 8 * 1024 * 1024
_STATS_S = 1.0
_STATS_AT_ONCE = 8  # of each kind: packets do not wait for figures
_STATS_PAUSE_S = 0.01


class Control:
    """Owns all feeds and outlets. The loop ends when the daemon's end of `peer` is closed."""

    def __init__(self, loop: Loop, peer: socket.socket, limits: Limits) -> None:
        self._loop = loop
        self._peer = peer
        self._limits = limits
        self._pid = 0
        self._feeds: dict[int, Feed] = {}
        self._outlets: dict[int, Outlet] = {}
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._due_feeds: list[int] = []  # whose figures are still to be told in this round
        self._due_outlets: list[int] = []
        peer.setblocking(False)
        loop.watch(peer.fileno(), READABLE, self._readable, opener=True)

    def start(self, pid: int) -> None:
        self._pid = pid
        self._emit(Ready(pid))
        self._loop.call_at(self._loop.now + _STATS_S, self._round)

    # Events -------------------------------------------------------------------------------------------------------

    def _emit(self, event: Event) -> None:
        packet = encode(event)
        if not self._waiting:
            try:
                self._peer.send(packet)
                return
            except BlockingIOError:
                self._loop.change(self._peer.fileno(), READABLE | CAN_WRITE)
            except OSError:
                self._loop.stop()
                return
        elif isinstance(event, Stats):
            return  # the next ones say the same
        self._waiting.append(packet)
        self._waiting_bytes += len(packet)
        if self._waiting_bytes > _WAITING_BYTES:  # the daemon is beyond help
            self._loop.stop()

    def _flush(self) -> None:
        while self._waiting:
            try:
                self._peer.send(self._waiting[0])
            except BlockingIOError:
                return
            except OSError:
                self._loop.stop()
                return
            self._waiting_bytes -= len(self._waiting.popleft())
        self._loop.change(self._peer.fileno(), READABLE)

    # Orders -------------------------------------------------------------------------------------------------------

    def _readable(self, events: int) -> None:
        if events & CAN_WRITE:
            self._flush()
        for _ in range(_ORDERS_PER_WAKE_UP):
            try:
                packet, descriptors, _, _ = socket.recv_fds(
                    self._peer, MAX_PACKET_BYTES, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                return
            except OSError:
                packet, descriptors = b"", []
            if not packet:
                self._loop.stop()
                return
            self._obey(decode_command(packet), [socket.socket(fileno=one) for one in descriptors])

    def _obey(self, order: Command, sockets: list[socket.socket]) -> None:
        """Orders for what has ended meanwhile have come too late, and mean nothing."""
        match order:
            case OpenFeed():
                self._open_feed(order, sockets)
            case CloseFeed():
                self._close_feed(order)
            case OpenOutlet():
                self._open_outlet(order, sockets)
            case WriteOutlet() | StartOutlet() | StopOutlet() | EndOutlet():
                outlet = self._outlets.get(order.outlet)
                if outlet is not None:
                    self._order_outlet(outlet, order)
            case AskReady():
                self._emit(Ready(self._pid))

    def _open_feed(self, order: OpenFeed, sockets: Sequence[socket.socket]) -> None:
        feed = self._feeds.get(order.feed)
        if feed is None:
            feed = self._feeds[order.feed] = Feed(order.feed, self._loop, self._limits, self._emit)
        feed.open(order, sockets)

    def _close_feed(self, order: CloseFeed) -> None:
        feed = self._feeds.get(order.feed)
        if feed is None:
            return
        feed.close()
        if order.end:
            del self._feeds[order.feed]
            for outlet in list(feed.outlets):
                outlet.finish("feed")

    def _open_outlet(self, order: OpenOutlet, sockets: list[socket.socket]) -> None:
        outlet = self._outlets.get(order.outlet)
        feed = self._feeds.get(order.feed)
        if outlet is not None:
            outlet.relegate(order.legs, sockets)
        elif feed is None:
            for one in sockets:
                one.close()
            self._emit(OutletEnded(order.outlet, "feed"))
        else:
            if order.udp:
                outlet = UdpOutlet(order.outlet, feed, order.legs, sockets, self._loop, self._limits, self._ended)
            else:
                outlet = TcpOutlet(order.outlet, feed, order.legs, sockets[0], self._loop, self._limits, self._ended)
            self._outlets[order.outlet] = outlet
            feed.outlets.append(outlet)
        if outlet is not None and order.keep:
            outlet.keep()

    @staticmethod
    def _order_outlet(outlet: Outlet, order: WriteOutlet | StartOutlet | StopOutlet | EndOutlet) -> None:
        match order:
            case WriteOutlet():
                outlet.write(order.data)
            case StartOutlet():
                outlet.start(order.at_key)
            case StopOutlet():
                outlet.stop()
            case EndOutlet():
                outlet.end()

    def _ended(self, number: int, why: str) -> None:
        outlet = self._outlets.pop(number)
        if (stats := outlet.look_after()) is not None:
            self._emit(Stats((), (stats,)))
        self._emit(OutletEnded(number, why))

    # Figures ------------------------------------------------------------------------------------------------------

    def _round(self) -> None:
        self._loop.call_at(self._loop.now + _STATS_S, self._round)
        self._due_feeds = list(self._feeds)
        self._due_outlets = list(self._outlets)
        self._tell_some()

    def _tell_some(self) -> None:
        feeds: list[FeedStats] = []
        outlets: list[OutletStats] = []
        while self._due_feeds and len(feeds) < _STATS_AT_ONCE:
            if (feed := self._feeds.get(self._due_feeds.pop())) is not None:
                feeds.append(feed.look_after())
        while self._due_outlets and len(outlets) < _STATS_AT_ONCE:
            outlet = self._outlets.get(self._due_outlets.pop())
            if outlet is not None and (stats := outlet.look_after()) is not None:
                outlets.append(stats)
        if feeds or outlets:
            self._emit(Stats(tuple(feeds), tuple(outlets)))
        if self._due_feeds or self._due_outlets:
            self._loop.call_at(self._loop.now + _STATS_PAUSE_S, self._tell_some)
