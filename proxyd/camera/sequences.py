"""How the messages of WS-Discovery are numbered, camera by camera (WS-Discovery 1.1 section 7): over restarts of a
camera, and of the daemon."""

from __future__ import annotations

import time

from proxyd.discovery.responder import AppSequence
from proxyd.store.store import Store

_SETTING = "discovery.instance_id"


class Sequences:
    """To be used after `begin`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._instance_id = 1
        self._of: dict[int, AppSequence] = {}

    async def begin(self) -> None:
        """A new InstanceId, which grows with every start, also on machines whose clock begins in the past (no battery)
        or was put back. Raises StoreError."""
        before = int(await self._store.setting(_SETTING) or 0)
        self._instance_id = max(int(time.time()), before + 1) & 0xFFFF_FFFF
        await self._store.set_setting(_SETTING, str(self._instance_id))

    def of(self, camera: int) -> AppSequence:
        return self._of.setdefault(camera, AppSequence(self._instance_id))

    def drop(self, camera: int) -> None:
        """It has been removed."""
        self._of.pop(camera, None)
