"""Telling lease changes to whoever configures the kernel: in order, one at a time per camera, the newest wins.

Cameras do not wait for each other, so that a listener can gather many changes into one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from netsetup.model import Lease

log = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds for listeners that are at work when the engine stops


class Telling:
    """`done(mac, lease)` is called after `changed` has returned and nothing newer is waiting for this camera."""

    def __init__(
        self,
        name: str,
        changed: Callable[[str, Lease | None], Awaitable[None]],
        done: Callable[[str, Lease | None], None],
    ) -> None:
        self._name = name
        self._changed = changed
        self._done = done
        self._waiting: dict[str, Lease | None] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def tell(self, mac: str, lease: Lease | None) -> None:
        self._waiting[mac] = lease
        if mac not in self._tasks:
            self._tasks[mac] = asyncio.create_task(self._run(mac), name=f"{self._name}: tell {mac}")

    def forget(self, mac: str) -> None:
        """What has not been begun is not told."""
        self._waiting.pop(mac, None)

    async def close(self) -> None:
        """Waits for what has begun, then cancels it. Idempotent."""
        self._waiting.clear()
        tasks = [task for task in self._tasks.values() if task is not asyncio.current_task()]
        if tasks:
            try:
                await asyncio.wait(tasks, timeout=_PATIENCE)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._tasks.clear()  # one that was cancelled before its first step could not do it itself

    async def _run(self, mac: str) -> None:
        try:
            while mac in self._waiting:
                lease = self._waiting.pop(mac)
                try:
                    await self._changed(mac, lease)
                except Exception:
                    log.exception("%s: the new lease of %s could not be put to use", self._name, mac)
                    continue
                if mac not in self._waiting:
                    self._done(mac, lease)
        finally:
            del self._tasks[mac]
