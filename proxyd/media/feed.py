"""A stream of an NVR, shared out to outlets.

The hot path is `take`: per read and run of packets, not per packet. What else lies between packets (reports, messages,
garbage) is odd, and rare. Where packets come from is a source's business, where they go an outlet's.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from struct import Struct

from .astray import Kind, judge
from .figures import NUMBERS, TrackFigures, same_source
from .keyframes import KeyFinder
from .limits import Limits
from .loop import Loop
from .outlet import TcpOutlet
from .outlet_udp import UdpOutlet
from .reports import outgoing_report
from .source_tcp import TcpSource
from .source_udp import UdpSource
from .walk import DOLLAR, HEAD_BYTES, LENGTH, RTP_HEAD_BYTES, Run, alike, framed_alike
from .wire import Event, FeedLost, FeedMessage, FeedStats, OpenFeed, ParameterSet, Track

Outlet = TcpOutlet | UdpOutlet
_LEAST_BYTES = HEAD_BYTES + RTP_HEAD_BYTES
_HEADS = tuple(DOLLAR << 8 | channel for channel in range(256))
_NOBODY = TrackFigures(-1, 0, None)
# `$` with channel and length, marker with payload type, sequence number, time stamp with SSRC.
_packet = Struct(">IxBHQ").unpack_from
_numbers = Struct(">HII").unpack_from


class Feed:
    """Has no source before `open`, after `close`, and after its source was lost."""

    # With many streams it costs more to fetch the state of the next one from memory than to work with it.
    __slots__ = (
        "_astray", "_by_head", "_bytes", "_cname", "_emit", "_figures", "_finder", "_garbage", "_gated", "_gated_s",
        "_heard_s", "_in_use", "_late", "_limits", "_loop", "_others", "_packets", "_plain", "_recent", "_rtcp",
        "_runs", "_sends", "_settled", "_source", "_thorough", "_tracks", "_unshared", "channels", "number",
        "outlets",
    )  # fmt: skip

    def __init__(self, number: int, loop: Loop, limits: Limits, emit: Callable[[Event], None]) -> None:
        self.number = number
        self._loop = loop
        self._limits = limits
        self._emit = emit
        self._source: TcpSource | UdpSource | None = None
        self._tracks: tuple[Track, ...] = ()
        self._cname = b"-"
        self.channels: list[int] = []  # of RTP, by track
        self._by_head: dict[int, TrackFigures] = {}  # of RTP: `$` and channel
        self._rtcp: dict[int, int] = {}  # channel → track
        self._in_use: set[int] = set()  # channels
        self._figures: list[TrackFigures] = []
        self._recent = _NOBODY  # whose packet was the last one
        self._finder = KeyFinder("")
        self.outlets: list[Outlet] = []
        self._plain: list[TcpOutlet] = []  # get whole reads
        self._sends: tuple[Callable[[memoryview], int], ...] = ()  # of these
        self._others: tuple[Outlet, ...] = ()  # want to look at them
        self._thorough = False  # somebody waits for a key frame
        self._gated = False  # connected again: nothing goes on before a key frame
        self._gated_s = self._heard_s = loop.now
        self._runs: list[Run] = []
        self._astray = 0  # garbage since the last packet
        self._bytes = self._packets = 0  # shared
        self._settled = 0, 0
        self._unshared = [0, 0]  # bytes and packets before a key frame
        self._garbage = self._late = 0

    # Sources ------------------------------------------------------------------------------------------------------

    @property
    def has_keys(self) -> bool:
        return self._finder.has_keys

    def open(self, order: OpenFeed, sockets: Sequence[socket.socket]) -> None:
        self.close()
        tracks = order.tracks
        kinds = [(track.codec, track.clock_hz, track.video) for track in tracks]
        if kinds != [(track.codec, track.clock_hz, track.video) for track in self._tracks]:
            video = next((at for at, track in enumerate(tracks) if track.video), -1)
            self._finder = KeyFinder(tracks[video].codec if video >= 0 else "")
            self._figures = [
                TrackFigures(at, track.clock_hz, self._finder if at == video else None)
                for at, track in enumerate(tracks)
            ]
        else:
            self._gated = any(figures.ssrc_out >= 0 for figures in self._figures)
            for figures in self._figures:
                figures.restart()
            self._finder.restart()
        self._tracks = tracks
        self._cname = order.cname.encode()[:255] or b"-"
        pairs = [(2 * at, 2 * at + 1) for at in range(len(tracks))] if order.udp else [one.channels for one in tracks]
        self.channels = [rtp for rtp, _ in pairs]
        for (rtp, _), figures in zip(pairs, self._figures, strict=True):
            figures.head = _HEADS[rtp]
        self._by_head = {figures.head: figures for figures in self._figures}
        self._recent = _NOBODY
        self._rtcp = {rtcp: at for at, (_, rtcp) in enumerate(pairs)}
        self._in_use = {channel for pair in pairs for channel in pair}
        self._gated_s = self._heard_s = self._loop.now
        self._astray = 0
        for outlet in self.outlets:
            outlet.route()
        self.arrange()
        if order.udp:
            self._source = UdpSource(self, sockets, self._loop, self._limits)
        else:
            self._source = TcpSource(self, sockets[0], self._loop, self._limits)
            if order.data:
                self._source.begin(order.data)

    def close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            self._late += source.late
            source.close()

    def lost(self, why: str) -> None:
        if self._source is not None:
            self.close()
            self._emit(FeedLost(self.number, why))

    def give_up(self) -> None:
        self.lost("garbage")

    # Outlets ------------------------------------------------------------------------------------------------------

    def arrange(self) -> None:
        """To be called when an outlet has changed. Makes new lists: the old ones may be walked over just now."""
        self.settle()
        self._plain = [one for one in self.outlets if isinstance(one, TcpOutlet) and one.plain]
        self._sends = tuple(one.send for one in self._plain)
        self._others = tuple(one for one in self.outlets if one.started and not one.plain)
        thorough = any(one.waiting for one in self._others)
        if thorough and not self._thorough:
            self._finder.forget_stamp()
        self._thorough = thorough
        if self._plain:
            self._calm()

    def settle(self) -> None:
        """Plain outlets have got all that was shared; it is counted here once, not there each time."""
        size, packets = self._bytes - self._settled[0], self._packets - self._settled[1]
        for one in self._plain:
            one.bytes += size
            one.packets += packets
        self._settled = self._bytes, self._packets

    def _calm(self) -> None:
        if isinstance(self._source, TcpSource):
            self._source.calm()

    def leave(self, outlet: Outlet) -> None:
        self.outlets.remove(outlet)
        self.arrange()
        self.go_on()

    def hold_for(self, outlet: TcpOutlet) -> None:
        """Waits a moment for its only outlet, so that whoever sends as fast as he can is slowed down."""
        if self._source is not None and len(self._plain) + len(self._others) == 1 and outlet.started:
            self._source.hold()

    def go_on(self) -> None:
        """An outlet has taken all, or left."""
        if self._source is not None:
            self._source.go_on()

    # Packets ------------------------------------------------------------------------------------------------------

    def take(self, at: int, end: int) -> int:
        """Deals with `buffer[at:end]` of the loop; returns where what is incomplete begins."""
        loop, figures = self._loop, self._recent
        buffer, last = loop.buffer, end - _LEAST_BYTES
        begin, packets, key = at, 0, -1
        while True:
            looked_at, thorough = self._others, self._thorough
            if looked_at:
                runs = self._runs
                runs.clear()
            while at <= last:
                first, mark, sequence, source = _packet(buffer, at)
                stride = (first & 0xFFFF) + HEAD_BYTES
                stop = at + stride
                if stop > end or stride < _LEAST_BYTES:
                    break
                if first >> 16 != figures.head:
                    if (other := self._by_head.get(first >> 16)) is None:
                        break
                    figures = self._recent = other
                count = 1
                # The low byte of the length is what differs first most often.
                if end - stop >= stride and buffer[stop + LENGTH] == first & 0xFF:
                    count = framed_alike(buffer, at, stride, end)
                    stop = at + count * stride
                    head, after, sequence, stamped = _packet(buffer, stop - stride)
                    if (
                        head == first
                        and stamped == source
                        and after & 0x7F == mark
                        and (sequence - figures.sequence) & 0xFFFF == count
                    ):
                        mark = after
                    else:
                        count = alike(buffer, at, stride, count)
                        stop = at + count * stride
                        _, _, sequence, source = _packet(buffer, stop - stride)
                if source != figures.source:
                    if self._gated and (opened_at := self._opened_at(figures, at, stop, stride)) != at:
                        begin = at = opened_at
                        continue
                    if source & 0xFFFFFFFF != figures.ssrc:
                        stop = self._turn(figures, at, stop, stride)
                        count = (stop - at) // stride
                        _, mark, sequence, source = _packet(buffer, stop - stride)
                    figures.source = source
                    if source >> 32 != figures.stamp:
                        figures.time(source >> 32, loop.now)
                packets += count
                if (sequence - figures.sequence) & 0xFFFF == count:
                    figures.sequence = sequence
                    figures.received += count
                else:
                    figures.jump(count, sequence)
                finder = figures.finder
                if finder is not None and (mark > 127 or finder.looking or thorough):
                    found = finder.look(buffer, at, stop, stride, thorough)
                    if found >= 0 > key:
                        key = found
                    if finder.parameter_set:
                        self._emit(ParameterSet(self.number, figures.track, finder.take_parameter_set()))
                if figures.shifted:
                    figures.shift(buffer, at, stop, stride)
                if looked_at:
                    runs.append((figures.track, at, stop, count, stride))
                at = stop
            if packets:
                self._heard_s = loop.now
                self._astray = 0
                self._bytes += at - begin
                self._packets += packets
                if self._sends:
                    piece = loop.view[begin:at]
                    loop.sends += len(self._sends)
                    for send in self._sends:
                        try:
                            sent = send(piece)
                        except BlockingIOError:
                            sent = 0
                        except OSError as error:
                            self._sender(send).failed(error)
                            continue
                        if sent != at - begin:
                            self._sender(send).fall_behind(piece[sent:])
                for one in looked_at:  # who fell behind just now has got all of this
                    one.take(runs, packets, key)
            if at == end:
                return end
            begin = self._odd(at, end)
            if begin == at or self._source is None:
                return begin
            at, packets, key = begin, 0, -1

    def _sender(self, send: Callable[[memoryview], int]) -> TcpOutlet:
        return next(one for one in self.outlets if isinstance(one, TcpOutlet) and one.send is send)

    def _turn(self, figures: TrackFigures, at: int, stop: int, stride: int) -> int:
        """A run in which the SSRC changes, at its beginning or later. Returns where the packets with the first end."""
        buffer = self._loop.buffer
        sequence, stamp, ssrc = _numbers(buffer, at + NUMBERS)
        if ssrc != figures.ssrc:
            figures.begin(sequence, stamp, ssrc, self._loop.now)
        return at + same_source(buffer, at, stop, stride) * stride

    def _opened_at(self, figures: TrackFigures, at: int, stop: int, stride: int) -> int:
        """After a new beginning: where in this run the first key frame begins, or `stop`."""
        finder, now = self._finder, self._loop.now
        self._heard_s = now
        found = at
        if finder.has_keys and now - self._gated_s < self._limits.key_wait_ms / 1000:
            found = -1
            if figures.finder is finder:
                counted = finder.frames, finder.key_frames
                found = finder.look(self._loop.buffer, at, stop, stride, True)
                if found >= 0:  # it will be looked at once more
                    finder.frames, finder.key_frames = counted
                    finder.restart()
            if found < 0:
                self._drop(stop - at, stride)
                return stop
        self._gated = False
        self._drop(found - at, stride)
        return found

    def _drop(self, size: int, stride: int) -> None:
        self._unshared[0] += size
        self._unshared[1] += size // stride

    def _odd(self, at: int, end: int) -> int:
        """What is no packet of a track. Returns where it ends, or `at` when it is incomplete."""
        kind, stop = judge(self._loop.buffer, at, end, self._in_use)
        if kind is Kind.INCOMPLETE:
            return at
        if kind is Kind.FRAME:
            self._frame(at, stop)
        elif kind is Kind.MESSAGE:
            self._calm()
            self._emit(FeedMessage(self.number, bytes(self._loop.buffer[at:stop])))
        elif kind is Kind.GARBAGE:
            self._count_garbage(stop - at)
        return stop

    def _count_garbage(self, size: int) -> None:
        self._garbage += size
        self._astray += size
        if self._astray > self._limits.garbage_kib * 1024:
            self.lost("garbage")

    def _frame(self, at: int, stop: int) -> None:
        """A `$` frame that is no packet of a track."""
        channel = self._loop.buffer[at + 1]
        track = self._rtcp.get(channel)
        if track is None:
            if channel in self.channels:  # too short for RTP
                self._count_garbage(stop - at)
            return
        self.report(track, bytes(self._loop.buffer[at + HEAD_BYTES : stop]))

    def report(self, track: int, packet: bytes) -> None:
        """RTCP of the NVR."""
        figures = self._figures[track]
        if self._gated or not (report := outgoing_report(packet, self._cname, figures.ssrc_out, figures.stamp_shift)):
            return
        for outlet in (*self._plain, *self._others):
            outlet.report(track, report)

    # Figures ------------------------------------------------------------------------------------------------------

    def look_after(self) -> FeedStats:
        finder = self._finder
        video = next((figures for figures in self._figures if figures.finder is not None), None)
        clock_hz = self._tracks[video.track].clock_hz if video is not None else 0
        late = self._late + (self._source.late if self._source is not None else 0)
        return FeedStats(
            self.number,
            bytes=self._bytes + self._unshared[0],
            packets=self._packets + self._unshared[1],
            frames=finder.frames,
            key_frames=finder.key_frames,
            key_interval_ms=finder.key_interval * 1000 // clock_hz if clock_hz else 0,
            lost=video.lost if video is not None else 0,
            late=late,
            jitter_ms=video.jitter_ms if video is not None else 0.0,
            garbage=self._garbage,
            silent_ms=max(0, int((self._loop.now - self._heard_s) * 1000)),
            highest=tuple(figures.highest for figures in self._figures),
        )
