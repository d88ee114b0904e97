"""What passed through the cameras in the last minutes, in steps of STEP_S seconds. Pure.

A stream that nobody has played costs nothing; one that was played costs about 2 kB as long as its camera is there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from proxyd.api.history import STEP_S, STEPS, CameraHistory, History, StreamHistory
from proxyd.rtsp.stats import StreamStats

from .spec import StreamName

_MOST = 2**32 - 1


class HasStats(Protocol):
    def stats(self) -> Mapping[StreamName, StreamStats]: ...


class _Ring:
    """The last STEPS values; steps that were left out count as 0."""

    __slots__ = ("_newest", "_values")

    def __init__(self) -> None:
        self._values = array("I", bytes(4 * STEPS))
        self._newest = -STEPS

    def put(self, step: int, value: float) -> None:
        """`step` never goes back."""
        if value < 0.5:
            return
        for left_out in range(max(self._newest + 1, step - STEPS + 1), step):
            self._values[left_out % STEPS] = 0
        self._values[step % STEPS] = min(round(value), _MOST)
        self._newest = step

    def until(self, step: int) -> list[int]:
        """The oldest first, `step` last."""
        known = range(self._newest - STEPS + 1, self._newest + 1)
        return [self._values[one % STEPS] if one in known else 0 for one in range(step - STEPS + 1, step + 1)]


class _Trace:
    """The figures of one stream, or of all together."""

    __slots__ = ("bps", "clients", "lost", "source_bps", "tenths", "totals")

    def __init__(self) -> None:
        self.bps, self.source_bps, self.tenths, self.lost, self.clients = (_Ring() for _ in range(5))
        self.totals = (0, 0, 0, 0)  # at the last step

    def passed(self, seen: StreamStats) -> tuple[int, int, int, int]:
        """Bytes to recorders, bytes, frames and losses of the NVR since the last call. A camera that was started again
        counts from zero."""
        now = (seen.bytes_total, seen.source_bytes_total, seen.frames_total, seen.lost)
        before, self.totals = self.totals, now
        if any(a < b for a, b in zip(now, before, strict=True)):
            return now
        return now[0] - before[0], now[1] - before[1], now[2] - before[2], now[3] - before[3]


class Traffic:
    """`tend` is called about once a second with any steady clock, and looks at the cameras at the end of each step."""

    def __init__(self) -> None:
        self._traces: dict[tuple[int, str], _Trace] = {}
        self._all = _Trace()
        self._step: int | None = None
        self._at = 0.0
        self._until: str | None = None

    def tend(self, now: float, at: str, cameras: Mapping[int, HasStats]) -> None:
        """`at`: the same moment as people say it, RFC 3339."""
        step = int(now // STEP_S)
        if self._step is not None and step <= self._step:
            return
        span_s = STEP_S if self._step is None else max(1.0, now - self._at)
        self._step, self._at, self._until = step, now, at
        sums = [0, 0, 0, 0]  # bytes, the NVR's bytes, losses, clients
        for trace, seen in self._played(cameras):
            sent, received, frames, lost = trace.passed(seen)
            playing = len(seen.clients)
            trace.bps.put(step, sent * 8 / span_s)
            trace.source_bps.put(step, received * 8 / span_s)
            trace.tenths.put(step, frames * 10 / span_s)
            trace.lost.put(step, lost)
            trace.clients.put(step, playing)
            sums = [one + more for one, more in zip(sums, (sent, received, lost, playing), strict=True)]
        self._all.bps.put(step, sums[0] * 8 / span_s)
        self._all.source_bps.put(step, sums[1] * 8 / span_s)
        self._all.lost.put(step, sums[2])
        self._all.clients.put(step, sums[3])

    def _played(self, cameras: Mapping[int, HasStats]) -> Iterator[tuple[_Trace, StreamStats]]:
        for camera, has in cameras.items():
            for name, seen in has.stats().items():
                trace = self._traces.get((camera, name))
                if trace is None and (seen.source_bytes_total or seen.clients):
                    trace = self._traces[camera, name] = _Trace()
                if trace is not None:
                    yield trace, seen

    def forget(self, camera: int) -> None:
        for key in [key for key in self._traces if key[0] == camera]:
            del self._traces[key]

    def camera(self, id_: int, streams: Iterable[StreamName]) -> CameraHistory:
        histories = [self._stream(id_, name) for name in streams]
        return CameraHistory(camera=id_, until=self._until, streams=histories)

    def _stream(self, camera: int, name: StreamName) -> StreamHistory:
        step = self._step or 0
        trace = self._traces.get((camera, name)) or _Trace()
        return StreamHistory(
            name=name,
            bps=trace.bps.until(step),
            source_bps=trace.source_bps.until(step),
            fps=[tenths / 10 for tenths in trace.tenths.until(step)],
            lost=trace.lost.until(step),
            clients=trace.clients.until(step),
        )

    def whole(self) -> History:
        step = self._step or 0
        return History(
            until=self._until,
            bps=self._all.bps.until(step),
            source_bps=self._all.source_bps.until(step),
            lost=self._all.lost.until(step),
            clients=self._all.clients.until(step),
        )
