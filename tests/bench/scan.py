"""Scan of 32 channels, with an NVR that answers at once and with one that takes 200 ms per answer."""

from __future__ import annotations

import time

from proxyd.api.models import JobState
from tests.e2e.stack import running_stack

CHANNELS = 32


async def run() -> dict[str, object]:
    return {
        "channels": CHANNELS,
        "seconds": {f"answers after {delay_s * 1000:.0f} ms": await _scan(delay_s) for delay_s in (0.0, 0.2)},
    }


async def _scan(delay_s: float) -> float:
    fault = ("--fault", f"slow={delay_s}") if delay_s else ()
    async with running_stack("--channels", str(CHANNELS), *fault) as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        began = time.monotonic()
        job = await stack.scan(client, nvr)
        assert job.state is JobState.DONE, job
        assert len(await client.call("camera.list")) == CHANNELS
        return round(time.monotonic() - began, 2)
