"""The health of an NVR as the monitor sees it, against a real device that goes away and comes back."""

from __future__ import annotations

import asyncio

from proxyd.api.models import NvrState
from proxyd.camera.spec import NvrAccess
from proxyd.camera.status import NvrHealth
from proxyd.errors import UpstreamAuthError, UpstreamUnreachable
from proxyd.nvr.monitor import NvrMonitor
from proxyd.simulator.device import SimulatedNvr


class Watched:
    """A monitor, and the states it told in order."""

    def __init__(self, every_s: float = 30.0) -> None:
        self.told: asyncio.Queue[NvrHealth] = asyncio.Queue()
        self.monitor = NvrMonitor(self._changed, every_s)

    async def _changed(self, nvr_id: int, health: NvrHealth) -> None:
        assert nvr_id == 1
        self.told.put_nowait(health)

    async def next(self) -> NvrHealth:
        return await asyncio.wait_for(self.told.get(), 20)


async def test_gone_and_back_by_itself() -> None:
    async with SimulatedNvr(host="127.0.0.1", channels=1) as nvr:
        watched = Watched(every_s=0.2)
        access = NvrAccess(nvr.host, nvr.port, nvr.username, nvr.password)
        watched.monitor.watch(1, "Garage", access, auth_failed=False)
        assert watched.monitor.health(1).state is NvrState.OK
        await nvr.stop()
        gone = await watched.next()
        assert gone.state is NvrState.UNREACHABLE
        assert "Garage" in gone.reason
        await nvr.start()
        assert (await watched.next()).state is NvrState.OK
        await watched.monitor.stop()
        assert nvr.wrong_passwords == 0


async def test_a_dead_stream_only_makes_it_ask_and_a_refused_password_is_final() -> None:
    async with SimulatedNvr(host="127.0.0.1", channels=1) as nvr:
        watched = Watched()
        access = NvrAccess(nvr.host, nvr.port, nvr.username, "wrong")
        watched.monitor.watch(1, "Garage", access, auth_failed=False)
        watched.monitor.report(1, UpstreamUnreachable("one stream stalled"))
        watched.monitor.report(1, UpstreamAuthError("refused"))
        refused = await watched.next()
        assert refused.state is NvrState.WRONG_PASSWORD
        assert nvr.username in refused.reason
        watched.monitor.report(1, None)
        watched.monitor.report(2, None)
        assert watched.monitor.health(1) == refused
        right = NvrAccess(nvr.host, nvr.port, nvr.username, nvr.password)
        watched.monitor.watch(1, "Garage", right, auth_failed=False)
        assert watched.monitor.health(1).state is NvrState.OK
        watched.monitor.forget(1)
        await watched.monitor.stop()
        assert nvr.wrong_passwords == 0
