"""The daemon with 0, 32 and 128 cameras: memory, and the time from exec to all of them listening after a restart."""

from __future__ import annotations

import signal
import time

from proxyd.api import models as m
from tests.e2e.stack import Stack, running_stack, wait_for_states

from .measure import rss_mb


async def run() -> dict[str, object]:
    return {f"{count} cameras": await _with(count) for count in (0, 32, 128)}


async def _with(count: int) -> dict[str, float]:
    async with running_stack("--channels", str(max(1, min(count, 64)))) as stack:
        async with stack.client() as client:
            if count:
                await stack.scan(client, await stack.add_nvr(client))
            if count > 64:
                second = stack.said["host"].rpartition(".")[0] + ".2"
                stack.start_simulator("--channels", str(count - 64), host=second)
                await stack.scan(client, await stack.add_nvr(client, name="Second"))
            if count:
                cameras = await wait_for_states(client, m.CameraState.RUNNING)
                assert len(cameras) == count
        restart_s = await _restart(stack, count)
        assert stack.daemon is not None
        return {"rss_mb": rss_mb(stack.daemon.process.pid), "start_s": restart_s}


async def _restart(stack: Stack, count: int) -> float:
    stack.kill_daemon(signal.SIGTERM)
    began = time.monotonic()
    stack.start_daemon()
    async with stack.client() as client:
        if count:
            await wait_for_states(client, m.CameraState.RUNNING)
        return round(time.monotonic() - began, 2)
