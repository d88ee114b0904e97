"""The data plane: packets of one upstream session to one recorder.

A Relay takes an upstream and a sink and nothing else, so that several sinks, or another process that is handed both
sockets after PLAY, can come in its place. As little Python per packet as possible; one write per read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from proxyd.rtsp.messages import Interleaved
from proxyd.rtsp.rtcp import clean_rtcp

if TYPE_CHECKING:
    from proxyd.rtsp.sinks import Packet, Sink

KEPT_BYTES = 256 * 1024
_WINDOW_S = 5


class Source(Protocol):
    """What the relay needs of an upstream session."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """One recorder that is playing. `since` is seconds since the epoch."""

    address: str
    transport: str  # "TCP" or "UDP"
    since: float


@dataclass(frozen=True, slots=True)
class StreamStats:
    bytes_total: int = 0
    packets_total: int = 0
    bps: int = 0
    clients: tuple[ClientInfo, ...] = ()


class Meter:
    """Counts what went to recorders; the rate is that of the last full seconds. `now` is any steady clock."""

    def __init__(self) -> None:
        self.bytes_total = 0
        self.packets_total = 0
        self._seconds: deque[list[int]] = deque(maxlen=_WINDOW_S + 1)  # [second, bytes]

    def add(self, now: float, size: int, packets: int) -> None:
        self.bytes_total += size
        self.packets_total += packets
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1][1] += size
        else:
            self._seconds.append([second, size])

    def bps(self, now: float) -> int:
        this = int(now)
        past = [size for second, size in self._seconds if this - _WINDOW_S <= second < this]
        first = min((second for second, _ in self._seconds), default=this)
        return sum(past) * 8 // max(1, min(_WINDOW_S, this - first))


class Mode(Enum):
    DROP = "drop"  # nothing is wanted
    KEEP = "keep"  # PLAY is under way: its answer goes first
    FORWARD = "forward"


class Relay:
    """`expect` before PLAY is sent upstream, `start` when its answer went to the recorder, `suspend` after PAUSE."""

    def __init__(self, source: Source, sink: Sink, meter: Meter, cname: bytes) -> None:
        self._source = source
        self._sink = sink
        self._meter = meter
        self._cname = cname
        self._mode = Mode.DROP
        self._held: list[Interleaved] = []
        self._held_bytes = 0
        self._holds: set[str] = set()

    @property
    def holding(self) -> bool:
        """Whether the upstream is not read at the moment."""
        return bool(self._holds)

    def expect(self) -> None:
        self._set(Mode.KEEP)

    def start(self, now: float) -> None:
        if self._mode is not Mode.KEEP:
            return
        held = self._held
        self._set(Mode.FORWARD)
        if held:
            self.forward(held, now)

    def suspend(self) -> None:
        self._set(Mode.DROP)

    def forward(self, frames: list[Interleaved], now: float) -> None:
        if self._mode is not Mode.FORWARD:
            if self._mode is Mode.KEEP:
                self._keep(frames)
            return
        packets: list[Packet] = []
        for frame in frames:
            if frame[0] & 1:
                report = clean_rtcp(frame[1], self._cname)
                if report:
                    packets.append((frame[0], report))
            else:
                packets.append(frame)
        self._meter.add(now, self._sink.write(packets), len(packets))

    def hold(self, reason: str) -> None:
        """Stops reading the upstream until every reason is released."""
        if not self._holds:
            self._source.pause_reading()
        self._holds.add(reason)

    def release(self, reason: str) -> None:
        if reason in self._holds:
            self._holds.remove(reason)
            if not self._holds:
                self._source.resume_reading()

    def _set(self, mode: Mode) -> None:
        self._mode = mode
        self._held, self._held_bytes = [], 0
        self.release("kept")

    def _keep(self, frames: list[Interleaved]) -> None:
        self._held += frames
        self._held_bytes += sum(len(frame[1]) for frame in frames)
        if self._held_bytes > KEPT_BYTES:
            self.hold("kept")
