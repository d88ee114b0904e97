"""The receiver's side of the frame marks: from RTP packets to "which stream was it, and what is missing". Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxyd.simulator.frames import Codec, Depacketiser, FrameMark, is_key, is_slice, read_sei
from proxyd.simulator.rtp import parse_rtp

_MAX_SOURCES = 64


@dataclass(slots=True)
class MarkCounter:
    """Feed it every RTP packet of one video track. `sources` holds each (channel, stream) that was seen:
    more than one means that streams were mixed up."""

    codec: Codec
    frames: int = 0
    lost_frames: int = 0  # numbers that never came
    reordered_frames: int = 0  # numbers that did not grow
    lost_packets: int = 0
    packets: int = 0
    octets: int = 0
    unmarked_frames: int = 0
    damaged: int = 0
    began_with_key: bool = False
    first: FrameMark | None = None
    last: FrameMark | None = None
    sources: set[tuple[int, int]] = field(default_factory=set)
    first_sequence: int | None = None
    first_timestamp: int | None = None
    last_timestamp: int | None = None
    ssrcs: set[int] = field(default_factory=set)
    _sequence: int | None = None
    _mark: FrameMark | None = None
    _depacketiser: Depacketiser | None = None

    def feed(self, packet: bytes) -> None:
        """Raises ValueError when it is not RTP."""
        rtp = parse_rtp(packet)
        if self._depacketiser is None:
            self._depacketiser = Depacketiser(self.codec)
            self.first_sequence, self.first_timestamp = rtp.sequence, rtp.timestamp
        elif self._sequence is not None and rtp.sequence != (self._sequence + 1) & 0xFFFF:
            self.lost_packets += (rtp.sequence - self._sequence - 1) & 0xFFFF
            self._depacketiser.reset()
        self._sequence = rtp.sequence
        self.last_timestamp = rtp.timestamp
        self.packets += 1
        self.octets += len(rtp.payload)
        if len(self.ssrcs) < _MAX_SOURCES:
            self.ssrcs.add(rtp.ssrc)
        for nal in self._depacketiser.feed(rtp.payload):
            self._nal(nal)
        self.damaged = self._depacketiser.damaged

    def _nal(self, nal: bytes) -> None:
        if is_slice(self.codec, nal):  # the loops have one slice per picture
            self._frame(key=is_key(self.codec, nal))
        elif (mark := read_sei(nal)) is not None:
            self._mark = mark

    def _frame(self, *, key: bool) -> None:
        mark, self._mark = self._mark, None
        if self.frames == 0:
            self.began_with_key = key
        self.frames += 1
        if mark is None:
            self.unmarked_frames += 1
            return
        if len(self.sources) < _MAX_SOURCES:
            self.sources.add((mark.channel, mark.stream))
        if self.first is None:
            self.first = mark
        elif self.last is not None and mark.number <= self.last.number:
            self.reordered_frames += 1
        elif self.last is not None:
            self.lost_frames += mark.number - self.last.number - 1
        self.last = mark
