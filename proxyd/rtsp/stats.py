"""What is seen of a camera's streams: figures of media processes, added up over recorders and sessions. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from proxyd.media.wire import FeedStats, OutletStats
from proxyd.rtsp.sent import SentVideo

_WINDOW_S = 5


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """One recorder that is playing. `since` is seconds since the epoch; `skips`: how often it was too slow and was
    moved on to the next key frame, `dropped` packets it did not get."""

    address: str
    transport: str  # "TCP", "UDP", or "HTTP" for a tunnel
    since: float
    skips: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class StreamStats:
    """`bytes_total`, `packets_total`, `bps` went to recorders; `source_…`, `frames_total`, `fps`, `key_interval_s`
    (0: unknown), `lost` packets and `jitter_ms` are those of the NVR's stream. `reconnects`: how often the NVR's
    session was lost and came back; `running`: there is one, `interrupted`: it is away at the moment. `sent`: what the
    video is, as far as the stream has told; kept when nobody plays any more."""

    bytes_total: int = 0
    packets_total: int = 0
    bps: int = 0
    clients: tuple[ClientInfo, ...] = ()
    source_bps: int = 0
    source_bytes_total: int = 0
    frames_total: int = 0
    fps: float = 0.0
    key_interval_s: float = 0.0
    lost: int = 0
    jitter_ms: float = 0.0
    reconnects: int = 0
    running: bool = False
    interrupted: bool = False
    sent: SentVideo | None = None


class Meter:
    """Counts what passes; the rate is that of the last full seconds. `now` is any steady clock."""

    def __init__(self) -> None:
        self.total = 0
        self._seconds: deque[list[int]] = deque(maxlen=_WINDOW_S + 1)  # [second, amount]

    def add(self, now: float, amount: int) -> None:
        self.total += amount
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1][1] += amount
        else:
            self._seconds.append([second, amount])

    def rate(self, now: float) -> float:
        """Per second."""
        this = int(now)
        past = [amount for second, amount in self._seconds if this - _WINDOW_S <= second < this]
        first = min((second for second, _ in self._seconds), default=this)
        return sum(past) / max(1, min(_WINDOW_S, this - first))


class StreamFigures:
    """One stream of a camera, over all its sessions. What is counted from zero by each feed and outlet is counted on
    here."""

    def __init__(self) -> None:
        self._sent = Meter()
        self._received = Meter()
        self._frames = Meter()
        self._packets = 0
        self._lost = 0
        self._last = FeedStats(0)
        self.reconnects = 0
        self.sent: SentVideo | None = None

    def feed_measured(self, before: FeedStats, stats: FeedStats, now: float) -> None:
        """`before`: the last figures of the same feed."""
        self._received.add(now, stats.bytes - before.bytes)
        self._frames.add(now, stats.frames - before.frames)
        self._lost += stats.lost - before.lost
        self._last = stats

    def outlet_measured(self, before: OutletStats, stats: OutletStats, now: float) -> None:
        self._sent.add(now, stats.bytes - before.bytes)
        self._packets += stats.packets - before.packets

    def now(self, now: float, clients: Sequence[ClientInfo], *, runs: bool, interrupted: bool) -> StreamStats:
        """`runs`: a session with the NVR is there; figures of one that is over say nothing."""
        return StreamStats(
            bytes_total=self._sent.total,
            packets_total=self._packets,
            bps=round(self._sent.rate(now) * 8),
            clients=tuple(sorted(clients, key=lambda client: client.since)),
            source_bps=round(self._received.rate(now) * 8),
            source_bytes_total=self._received.total,
            frames_total=self._frames.total,
            fps=round(self._frames.rate(now), 1),
            key_interval_s=self._last.key_interval_ms / 1000 if runs else 0.0,
            lost=self._lost,
            jitter_ms=self._last.jitter_ms if runs else 0.0,
            reconnects=self.reconnects,
            running=runs,
            interrupted=interrupted,
            sent=self.sent,
        )
