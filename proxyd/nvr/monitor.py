"""Health of every NVR, and of sources that are not ONVIF: a cheap unauthenticated question now and then, and what
relays and snapshots report.

A refused password is final until somebody changes the account: no question with credentials is ever repeated here,
because NVRs lock accounts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable

from proxyd.api.models import NvrState
from proxyd.camera.spec import NvrAccess
from proxyd.camera.status import NvrHealth
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamUnreachable

from .scan import check_alive

log = logging.getLogger(__name__)

Check = Callable[[NvrAccess], Awaitable[None]]  # raises UpstreamError when it does not answer
_OK = NvrHealth(NvrState.OK)
_FASTEST_S = 2.0  # between two questions to an NVR that does not answer


class NvrMonitor:
    """`changed(nvr_id, health)` is awaited on every change of state."""

    def __init__(self, changed: Callable[[int, NvrHealth], Awaitable[None]], every_s: float = 30.0) -> None:
        self._changed = changed
        self._every_s = every_s
        self._watches: dict[int, _Watch] = {}

    @property
    def watched(self) -> int:
        return len(self._watches)

    def health(self, nvr_id: int) -> NvrHealth:
        watch = self._watches.get(nvr_id)
        return watch.health if watch else _OK

    def watch(
        self, nvr_id: int, name: str, access: NvrAccess, *, auth_failed: bool, check: Check = check_alive
    ) -> None:
        """Starts or, when something of it changed, restarts the watch over one NVR. `check` is how it is asked."""
        old = self._watches.get(nvr_id)
        if old and old.access == access and old.name == name and old.auth_failed == auth_failed:
            return
        if old:
            old.stop()
        health = old.health if old and old.access == access else _OK
        if auth_failed:
            health = wrong_password(name, access.username)
        elif health.state is NvrState.WRONG_PASSWORD:
            health = _OK
        watch = _Watch(nvr_id, name, access, health, self._changed, self._every_s, auth_failed, check)
        self._watches[nvr_id] = watch
        watch.start()

    def forget(self, nvr_id: int) -> None:
        if watch := self._watches.pop(nvr_id, None):
            watch.stop()

    def report(self, nvr_id: int, error: Exception | None) -> None:
        """From relays and snapshots. One dead stream is no dead NVR: trouble only makes the next question come now."""
        watch = self._watches.get(nvr_id)
        if watch is None:
            return
        if isinstance(error, UpstreamAuthError):
            watch.refused()
        elif isinstance(error, UpstreamUnreachable) or watch.health.state is NvrState.UNREACHABLE:
            watch.ask_now()

    async def stop(self) -> None:
        tasks = [task for watch in self._watches.values() if (task := watch.stop())]
        self._watches.clear()
        await asyncio.gather(*tasks, return_exceptions=True)


def wrong_password(name: str, username: str) -> NvrHealth:
    if not username:
        return NvrHealth(NvrState.WRONG_PASSWORD, f"{name} wants a user name and password. Edit it and enter them.")
    return NvrHealth(
        NvrState.WRONG_PASSWORD,
        f"{name} refused the password of user {username!r}. It may lock the account after more tries, so proxyd "
        "stopped trying. Edit it and enter the right one.",
    )


class _Watch:
    """One NVR. The pause doubles from 2 s to the normal interval while it does not answer."""

    def __init__(
        self,
        nvr_id: int,
        name: str,
        access: NvrAccess,
        health: NvrHealth,
        changed: Callable[[int, NvrHealth], Awaitable[None]],
        every_s: float,
        auth_failed: bool,
        check: Check,
    ) -> None:
        self.nvr_id, self.name, self.access, self.health = nvr_id, name, access, health
        self.auth_failed = auth_failed
        self._check = check
        self._changed = changed
        self._every_s = every_s
        self._now = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"monitor of NVR {self.nvr_id}")

    def stop(self) -> asyncio.Task[None] | None:
        if self._task:
            self._task.cancel()
        return self._task

    def ask_now(self) -> None:
        self._now.set()

    def refused(self) -> None:
        if not self.auth_failed:
            self.auth_failed = True
            self._now.set()

    async def _run(self) -> None:
        pause_s = self._every_s
        while True:
            health = await self._ask()
            if health != self.health:
                self.health = health
                log.info("nvr %d is %s", self.nvr_id, health.state)
                pause_s = min(_FASTEST_S, self._every_s)
                await self._changed(self.nvr_id, health)
            pause_s = min(pause_s * 2, self._every_s) if health.state is NvrState.UNREACHABLE else self._every_s
            # Jitter keeps many NVRs (and many restarts) from asking in step.
            wait_s = pause_s * random.uniform(0.9, 1.1)  # noqa: S311 - not for secrets
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._now.wait()
            self._now.clear()

    async def _ask(self) -> NvrHealth:
        if self.auth_failed:
            return wrong_password(self.name, self.access.username)
        try:
            await self._check(self.access)
        except UpstreamError as error:
            return NvrHealth(NvrState.UNREACHABLE, f"{self.name}: {error}")
        return _OK
