"""A listener that waits for events instead of sleeping, on a real link to a simulated NVR."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamError
from proxyd.nvr.account import Account
from proxyd.nvr.events.parse import NvrEvent
from proxyd.nvr.events.pump import EventPump, Standing
from proxyd.nvr.link import NvrLink
from proxyd.simulator.device import SimulatedNvr

DEADLINE_S = 20.0


class Ear:
    """Keeps all it is told. `until` waits for a condition on what was kept."""

    def __init__(self) -> None:
        self.events: list[NvrEvent] = []
        self.begun = 0
        self.losses = 0
        self.standings: list[Standing] = []
        self.errors: list[UpstreamError] = []
        self._news = asyncio.Event()

    def begin(self) -> None:
        self.begun += 1
        self._news.set()

    def heard(self, events: list[NvrEvent]) -> None:
        self.events += events
        self._news.set()

    def lost(self) -> None:
        self.losses += 1
        self._news.set()

    def stands(self, standing: Standing) -> None:
        self.standings.append(standing)
        self._news.set()

    def report(self, error: Exception | None) -> None:
        if isinstance(error, UpstreamError):
            self.errors.append(error)
        self._news.set()

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not true():
                self._news.clear()
                await self._news.wait()

    @property
    def mode(self) -> str:
        return self.standings[-1].mode if self.standings else ""

    @property
    def reason(self) -> str:
        return self.standings[-1].reason if self.standings else ""

    def told(self, topic: str) -> list[NvrEvent]:
        """What happened, without the states that a subscription begins with."""
        return [e for e in self.events if e.topic == topic and e.operation != "Initialized"]


@asynccontextmanager
async def pumping(
    nvr: SimulatedNvr, *, pull_s: float = 30.0, access: NvrAccess | None = None, ear: Ear | None = None
) -> AsyncIterator[tuple[Ear, EventPump]]:
    ear, link = ear or Ear(), NvrLink(Account(access or nvr.access))
    pump = EventPump(link, "test NVR", ear, pull_s=pull_s)
    pump.start()
    try:
        yield ear, pump
    finally:
        await pump.stop()
        await link.close()
