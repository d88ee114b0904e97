"""Methods of the noun adoption."""

from __future__ import annotations

from proxyd.api import models as m

from .access import Caller
from .parts import Parts, subject


class AdoptionMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def adoption_start(self, p: m.AdoptionStart, who: Caller) -> m.Adoption:
        adoption = await self._parts.guided.begin(p.ids, p.at_once)
        number = len(adoption.steps)
        await self._log(f"began with {number} camera{'' if number == 1 else 's'}, {p.at_once} at a time", who)
        return adoption

    async def adoption_get(self, p: m.NoParams, who: Caller) -> m.Adoption:
        return self._parts.guided.model()

    async def adoption_pause(self, p: m.NoParams, who: Caller) -> m.Adoption:
        adoption = await self._parts.guided.pause()
        await self._log("was paused", who)
        return adoption

    async def adoption_resume(self, p: m.NoParams, who: Caller) -> m.Adoption:
        adoption = await self._parts.guided.resume()
        await self._log("goes on", who)
        return adoption

    async def adoption_skip(self, p: m.AdoptionSkip, who: Caller) -> m.Adoption:
        adoption = await self._parts.guided.skip(p.camera)
        await self._log(f"left out {self._parts.cameras.row(p.camera).name}", who)
        return adoption

    async def adoption_cancel(self, p: m.NoParams, who: Caller) -> m.Adoption:
        adoption = await self._parts.guided.cancel()
        await self._log("was cancelled", who)
        return adoption

    async def adoption_forget(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        names = [self._parts.cameras.row(id_).name for id_ in p.ids]
        await self._parts.cameras.forget_adoption(p.ids)
        await self._parts.log("info", subject(p.ids), f"Forgot which recorder has {', '.join(names)}.", who)
        return [self._parts.cameras.camera(id_) for id_ in p.ids]

    async def _log(self, what: str, who: Caller) -> None:
        await self._parts.log("info", "adoption", f"The guided adoption {what}.", who)
