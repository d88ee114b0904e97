"""Results of scans that wait for somebody's yes: one per NVR, few in all, none for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from proxyd.api.models import Job
from proxyd.errors import Conflict
from proxyd.nvr.result import ScanResult
from proxyd.store.rows import NvrRow

KEEP_S = 15 * 60.0
MOST = 8  # in all; the oldest gives way


@dataclass(frozen=True, slots=True)
class HeldScan:
    """What was read, and with which options it shall be kept."""

    nvr: NvrRow
    job: Job
    result: ScanResult
    start: bool
    restore: bool


class HeldScans:
    """`ended(job)` is called when one is given up: discarded, superseded, or nobody answered in time."""

    def __init__(self, ended: Callable[[Job], None], keep_s: float = KEEP_S) -> None:
        self._ended = ended
        self._keep_s = keep_s
        self._held: dict[int, HeldScan] = {}  # by id of the job, oldest first
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def hold(self, held: HeldScan) -> None:
        self.drop_for(held.nvr.id)
        while len(self._held) >= MOST:
            self.drop(next(iter(self._held)))
        loop = asyncio.get_running_loop()
        self._held[held.job.id] = held
        self._timers[held.job.id] = loop.call_later(self._keep_s, self.drop, held.job.id)

    def take(self, job: Job) -> HeldScan:
        """Once. Raises Conflict when nothing waits there, or not any more."""
        held = self._held.pop(job.id, None)
        if held is None:
            ended = "was discarded or has waited too long" if job.outcome == "discarded" else "is kept already"
            words = "is still running" if job.state == "running" else ended
            raise Conflict(f"Nothing of job {job.id} waits to be applied: it {words}.", "Scan again with a preview.")
        self._timers.pop(job.id).cancel()
        return held

    def waiting_on(self, nvr_id: int) -> bool:
        return any(held.nvr.id == nvr_id for held in self._held.values())

    def drop_for(self, nvr_id: int) -> None:
        for id_ in [id_ for id_, held in self._held.items() if held.nvr.id == nvr_id]:
            self.drop(id_)

    def drop(self, id_: int) -> None:
        """Nothing happens where nothing waits."""
        held = self._held.pop(id_, None)
        if held is not None:
            self._timers.pop(id_).cancel()
            self._ended(held.job)

    def close(self) -> None:
        """Without telling anybody."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._held.clear()
