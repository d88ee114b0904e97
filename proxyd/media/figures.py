"""What is counted of one track: numbers of RTP (RFC 3550 §6.4.1, §A.1, §A.3) and their continuation.

Pure. Looks at the last packet of each run, so that the cost does not grow with packets. Where an NVR begins anew (it
was connected again, or changed its SSRC), what goes out continues: same SSRC, next number, time stamps by the clock.
"""

from __future__ import annotations

from struct import Struct

from .keyframes import KeyFinder

_numbers = Struct(">HI").unpack_from
_change = Struct(">HII").pack_into
_ssrc = Struct(">I").unpack_from
NUMBERS, _SSRC = 6, 12  # offsets behind `$`
_DROPOUT = 3000  # a greater step is a new beginning, not a loss (RFC 3550 §A.1)
_MISORDER = 100


class TrackFigures:
    """`ssrc` -1: nothing has come. The feed itself counts what comes in order; else it calls `jump`, and `time` when a
    new time stamp begins. `finder` is that of the video."""

    __slots__ = (
        "_arrival_s", "_clock_hz", "_first", "_jitter", "finder", "head", "lost", "received", "sequence",
        "sequence_shift", "shifted", "source", "ssrc", "ssrc_out", "stamp", "stamp_shift", "track",
    )  # fmt: skip

    def __init__(self, track: int, clock_hz: int, finder: KeyFinder | None) -> None:
        self.track = track
        self.finder = finder
        self.head = -1  # `$` and channel
        self._clock_hz = clock_hz
        self.ssrc = self.ssrc_out = -1
        self.source = -1  # time stamp and SSRC of the last packet; -1: what comes next is to be looked at closely
        self.sequence = self.stamp = 0  # of the last packet
        self.received = 0  # since the transmission began
        self._first = 0  # extended number of the packet before it, less what was lost before
        self.lost = 0
        self._arrival_s = self._jitter = 0.0
        self.shifted = False
        self.sequence_shift = self.stamp_shift = 0

    # Beginning and going on ---------------------------------------------------------------------------------------

    def restart(self) -> None:
        """What comes next is another transmission, even if its SSRC is the same."""
        self.ssrc = self.source = -1

    def begin(self, sequence: int, stamp: int, ssrc: int, now: float) -> None:
        """These are the numbers of the first packet of a transmission, which is still to be counted."""
        if self.ssrc_out < 0:
            self.ssrc_out = ssrc
        else:
            elapsed = max(1, round((now - self._arrival_s) * self._clock_hz))
            self.sequence_shift = (self.sequence + self.sequence_shift + 1 - sequence) & 0xFFFF
            self.stamp_shift = (self.stamp + self.stamp_shift + elapsed - stamp) & 0xFFFFFFFF
            self.shifted = bool(self.sequence_shift or self.stamp_shift or ssrc != self.ssrc_out)
            if self.finder is not None:
                self.finder.restart()
        self.ssrc = ssrc
        self._count_from(sequence)
        self.stamp, self._arrival_s = stamp, now

    def _count_from(self, sequence: int) -> None:
        self.sequence = (sequence - 1) & 0xFFFF
        self.received = 0
        self._first = sequence - 1 - self.lost

    def jump(self, count: int, sequence: int) -> None:
        """`count` packets have come, the last one with this number, and they are not just the next ones."""
        step = (sequence - self.sequence) & 0xFFFF
        if step < _DROPOUT:
            self.lost += max(0, step - count)
            self._first += min(0, step - count)
            self.sequence = sequence
        elif step < 0x10000 - _MISORDER:
            self._count_from(sequence - count + 1)
            self.sequence = sequence
        else:
            self._first -= count
        self.received += count

    def time(self, stamp: int, now: float) -> None:
        """A packet with another time stamp came at `now` (seconds of a steady clock)."""
        ticks = (stamp - self.stamp) & 0xFFFFFFFF
        if ticks < 0x80000000:
            self._jitter += (abs((now - self._arrival_s) * self._clock_hz - ticks) - self._jitter) / 16
            self.stamp, self._arrival_s = stamp, now

    def shift(self, buffer: bytearray, start: int, stop: int, stride: int) -> None:
        """The packets of a run as they go out."""
        for at in range(start + NUMBERS, stop, stride):
            sequence, stamp = _numbers(buffer, at)
            _change(
                buffer,
                at,
                (sequence + self.sequence_shift) & 0xFFFF,
                (stamp + self.stamp_shift) & 0xFFFFFFFF,
                self.ssrc_out,
            )

    # What is told -------------------------------------------------------------------------------------------------

    @property
    def jitter_ms(self) -> float:
        return round(self._jitter * 1000 / self._clock_hz, 2) if self._clock_hz else 0.0

    @property
    def highest(self) -> tuple[int, int]:
        """SSRC (0: none) and extended highest sequence number of what comes in."""
        return max(0, self.ssrc), max(0, self._first + self.received + self.lost) & 0xFFFFFFFF


def same_source(buffer: bytearray, start: int, stop: int, stride: int) -> int:
    """How many packets of a run have the SSRC of its first one."""
    first = _ssrc(buffer, start + _SSRC)
    count = 0
    for at in range(start + _SSRC, stop, stride):
        if _ssrc(buffer, at) != first:
            break
        count += 1
    return count
