"""Methods of the noun job."""

from __future__ import annotations

from proxyd.api import models as m

from .access import Caller
from .parts import Parts


class JobMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def job_list(self, p: m.NoParams, who: Caller) -> list[m.Job]:
        return self._parts.jobs.jobs()

    async def job_cancel(self, p: m.ById, who: Caller) -> m.Job:
        return await self._told(await self._parts.jobs.cancel(p.id), "was cancelled", who)

    async def job_apply(self, p: m.ById, who: Caller) -> m.Job:
        return await self._told(await self._parts.jobs.apply(p.id), "was looked at, and what it found is kept", who)

    async def job_discard(self, p: m.ById, who: Caller) -> m.Job:
        return await self._told(self._parts.jobs.discard(p.id), "was looked at, and what it found is not kept", who)

    async def _told(self, job: m.Job, how: str, who: Caller) -> m.Job:
        await self._parts.log("info", f"nvr {job.nvr}", f"{job.title} {how}.", who)
        return job
