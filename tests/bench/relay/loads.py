"""What the cameras send in a measurement."""

from __future__ import annotations

from dataclasses import dataclass, replace

_HEADERS = 4 + 12  # of an interleaved frame and of RTP
FPS = 25
_PACKET_BYTES = 1428  # 21 of them, 25 times a second, are 6 Mbit/s


@dataclass(frozen=True, slots=True)
class Load:
    """Streams 0…paced-1 send `per_turn` packets every `turn_ns`, evenly spread; the next `flat` as fast as they can.
    A frame is `fragments` packets with `payload` bytes of RTP payload."""

    paced: int
    flat: int = 0
    fragments: int = 21
    per_turn: int = 21
    payload: int = _PACKET_BYTES - _HEADERS

    @property
    def turn_ns(self) -> int:
        return 1_000_000_000 * self.per_turn // (FPS * self.fragments)

    @property
    def streams(self) -> int:
        return self.paced + self.flat


def bursts(streams: int, mbit_per_s: int = 6) -> Load:
    """What cameras send: a frame at once, 25 times a second."""
    fragments = round(mbit_per_s * 1e6 / 8 / FPS / _PACKET_BYTES)
    return Load(paced=streams, fragments=fragments, per_turn=fragments)


def smooth(streams: int) -> Load:
    """The same rate packet by packet: the worst case."""
    return replace(bursts(streams), per_turn=1)


def flat_out(streams: int) -> Load:
    return Load(paced=0, flat=streams)
