"""What passed in the last minutes: of one camera, and of all together."""

from __future__ import annotations

from proxyd.api import models as m
from proxyd.api.history import CameraHistory, History

from .access import Caller
from .parts import Parts


class HistoryMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def camera_history(self, p: m.ById, who: Caller) -> CameraHistory:
        return self._parts.cameras.history(p.id)

    async def history(self, p: m.NoParams, who: Caller) -> History:
        return self._parts.cameras.traffic.whole()
