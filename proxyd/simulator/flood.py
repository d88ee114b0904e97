"""Events at a steady rate, for benchmarks: each channel counts, so that a lost, doubled or misplaced one is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxyd.simulator.happenings import Happening

MAX_PER_S = 5000
_TICK_S = 0.02


class Flood:
    """`happen` is called with one `count` after the other, round all channels."""

    def __init__(self, channels: int, happen: Callable[[Happening], None]) -> None:
        self._channels = channels
        self._happen = happen
        self._timer: asyncio.TimerHandle | None = None
        self._per_s = 0.0
        self._started = 0.0
        self.sent = 0

    def set_rate(self, per_s: float) -> None:
        """Begins, changes or (0) ends it. Raises ValueError."""
        if not 0 <= per_s <= MAX_PER_S:
            raise ValueError(f"events_per_s is a number up to {MAX_PER_S}")
        self.stop()
        self._per_s = per_s
        if per_s:
            self._started, self.sent = asyncio.get_running_loop().time(), 0
            self._tick()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = int((loop.time() - self._started) * self._per_s)
        while self.sent < due:
            self._happen(Happening(self.sent % self._channels + 1, "count"))
            self.sent += 1
        self._timer = loop.call_later(_TICK_S, self._tick)
