"""A stream of an NVR, shared out to outlets.

The hot path is `_carry`: per read and run of packets, not per packet. What else lies between packets (reports,
messages, garbage) ends a run. Where packets come from is a source's business, where they go an outlet's.
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
from .walk import HEAD_BYTES, Run, cut, walk
from .wire import Event, FeedLost, FeedMessage, FeedStats, OpenFeed, ParameterSet, Track

Outlet = TcpOutlet | UdpOutlet
_numbers = Struct(">HII").unpack_from


class Feed:
    """Has no source before `open`, after `close`, and after its source was lost."""

    def __init__(self, number: int, loop: Loop, limits: Limits, emit: Callable[[Event], None]) -> None:
        self.number = number
        self._loop = loop
        self._limits = limits
        self._emit = emit
        self._source: TcpSource | UdpSource | None = None
        self._tracks: tuple[Track, ...] = ()
        self._cname = b"-"
        self.channels: list[int] = []  # of RTP, by track
        self._rtp: dict[int, int] = {}  # channel → track
        self._rtcp: dict[int, int] = {}
        self._in_use: set[int] = set()  # channels
        self._figures: list[TrackFigures] = []
        self._video: TrackFigures | None = None
        self._finder = KeyFinder("")
        self.outlets: list[Outlet] = []
        self._plain: list[TcpOutlet] = []  # get whole reads
        self._others: list[Outlet] = []  # want to look at them
        self._thorough = False  # somebody waits for a key frame
        self._gated = False  # connected again: nothing goes on before a key frame
        self._gated_s = self._heard_s = loop.now
        self._runs: list[Run] = []
        self._astray = 0  # garbage since the last packet
        self._bytes = self._packets = self._garbage = self._late = 0

    # Sources ------------------------------------------------------------------------------------------------------

    @property
    def has_keys(self) -> bool:
        return self._finder.has_keys

    def open(self, order: OpenFeed, sockets: Sequence[socket.socket]) -> None:
        self.close()
        tracks = order.tracks
        kinds = [(track.codec, track.clock_hz, track.video) for track in tracks]
        if kinds != [(track.codec, track.clock_hz, track.video) for track in self._tracks]:
            self._figures = [TrackFigures(track.clock_hz) for track in tracks]
            videos = [at for at, track in enumerate(tracks) if track.video]
            self._video = self._figures[videos[0]] if videos else None
            self._finder = KeyFinder(tracks[videos[0]].codec if videos else "")
        else:
            self._gated = any(figures.ssrc_out >= 0 for figures in self._figures)
            for figures in self._figures:
                figures.restart()
            self._finder.restart()
        self._tracks = tracks
        self._cname = order.cname.encode()[:255] or b"-"
        pairs = [(2 * at, 2 * at + 1) for at in range(len(tracks))] if order.udp else [one.channels for one in tracks]
        self.channels = [rtp for rtp, _ in pairs]
        self._rtp = {rtp: at for at, (rtp, _) in enumerate(pairs)}
        self._rtcp = {rtcp: at for at, (_, rtcp) in enumerate(pairs)}
        self._in_use = self._rtp.keys() | self._rtcp.keys()
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
        self._plain = [one for one in self.outlets if isinstance(one, TcpOutlet) and one.plain]
        self._others = [one for one in self.outlets if one.started and not one.plain]
        self._thorough = any(one.waiting for one in self._others)

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
        buffer, runs = self._loop.buffer, self._runs
        while at < end:
            runs.clear()
            stop = walk(buffer, at, end, self._rtp, runs)
            if runs:
                self._astray = 0
                self._carry(at, stop)
                at = stop
                if at == end:
                    break
            kind, stop = judge(buffer, at, end, self._in_use)
            if kind is Kind.INCOMPLETE:
                break
            if kind is Kind.FRAME:
                self._frame(at, stop)
            elif kind is Kind.MESSAGE:
                self._emit(FeedMessage(self.number, bytes(buffer[at:stop])))
            elif kind is Kind.GARBAGE and not self._count_garbage(stop - at):
                return end
            at = stop
        return at

    def _count_garbage(self, size: int) -> bool:
        """Whether there is still hope."""
        self._garbage += size
        self._astray += size
        if self._astray <= self._limits.garbage_kib * 1024:
            return True
        self.lost("garbage")
        return False

    def _carry(self, at: int, stop: int) -> None:
        loop, runs = self._loop, self._runs
        buffer, now = loop.buffer, loop.now
        self._heard_s = now
        if self._gated:
            at = self._opened_at(at, stop)
            if at == stop:
                return
        packets, key = 0, -1
        for index, (track, start, upto, count, stride) in enumerate(runs):
            figures = self._figures[track]
            sequence, stamp, ssrc = _numbers(buffer, upto - stride + NUMBERS)
            if ssrc != figures.ssrc:
                upto, count = self._turn(index)
                sequence, stamp, ssrc = _numbers(buffer, upto - stride + NUMBERS)
            packets += count
            figures.note(count, sequence, stamp, now)
            if figures is self._video:
                finder = self._finder
                found = finder.look(buffer, start, upto, stride, self._thorough)
                if found >= 0 > key:
                    key = found
                if finder.parameter_set:
                    self._emit(ParameterSet(self.number, track, finder.take_parameter_set()))
            if figures.shifted:
                figures.shift(buffer, start, upto, stride)
        size = stop - at
        self._bytes += size
        self._packets += packets
        others = self._others
        if self._plain:
            piece = loop.view[at:stop]
            for outlet in self._plain:
                outlet.bytes += size
                outlet.packets += packets
                try:
                    sent = outlet.send(piece)
                except BlockingIOError:
                    sent = 0
                except OSError as error:
                    outlet.failed(error)
                    continue
                if sent != size:
                    outlet.fall_behind(piece[sent:])
        for other in others:
            other.take(runs, packets, key)

    def _turn(self, index: int) -> tuple[int, int]:
        """A run in which the SSRC changes: it is split there. Returns where the first part ends, and its packets."""
        buffer, runs = self._loop.buffer, self._runs
        track, start, stop, count, stride = runs[index]
        figures = self._figures[track]
        sequence, stamp, ssrc = _numbers(buffer, start + NUMBERS)
        if ssrc != figures.ssrc:
            figures.begin(sequence, stamp, ssrc, self._loop.now)
            if figures is self._video:
                self._finder.restart()
        same = same_source(buffer, start, stop, stride)
        if same < count:
            middle = start + same * stride
            runs[index] = (track, start, middle, same, stride)
            runs.insert(index + 1, (track, middle, stop, count - same, stride))
            return middle, same
        return stop, count

    def _opened_at(self, at: int, stop: int) -> int:
        """Where after a new beginning the first key frame begins, to which the runs are cut; or `stop`."""
        runs, finder, waited_s = self._runs, self._finder, self._loop.now - self._gated_s
        key = at
        if finder.has_keys and waited_s < self._limits.key_wait_ms / 1000:
            key, counted = stop, (finder.frames, finder.key_frames)
            for track, start, upto, _, stride in runs:
                if self._figures[track] is self._video:
                    found = finder.look(self._loop.buffer, start, upto, stride, True)
                    if found >= 0:
                        key = found
                        break
            if key == stop:
                self._bytes += stop - at
                self._packets += sum(run[3] for run in runs)
                return stop
            finder.frames, finder.key_frames = counted  # it will be looked at once more
            finder.restart()
        self._gated = False
        runs[:] = cut(runs, key)
        return key

    def _frame(self, at: int, stop: int) -> None:
        """A `$` frame that is no packet of a track."""
        channel = self._loop.buffer[at + 1]
        track = self._rtcp.get(channel)
        if track is None:
            if channel in self._rtp:  # too short for RTP
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
        video, finder, clock_hz = self._video, self._finder, 0
        if video is not None:
            clock_hz = self._tracks[self._figures.index(video)].clock_hz
        late = self._late + (self._source.late if self._source is not None else 0)
        return FeedStats(
            self.number,
            bytes=self._bytes,
            packets=self._packets,
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
