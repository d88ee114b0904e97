"""Events from a simulated NVR of 64 channels to 10 pull points at each camera: 200 a second in all.

Every channel counts its events, so that a lost, doubled, late or misplaced one is seen. Latency is from the moment at
which the NVR was to have the event (it looks 50 times a second) to the moment at which a subscriber has read it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from dataclasses import dataclass, field
from itertools import pairwise

import aiohttp

from proxyd.api import models as m
from tests.e2e.stack import Stack, credentials, running_stack, wait_for_states

from .measure import cpu_s, quantile, rss_mb
from .signed import signed_request

CHANNELS = 64
PER_S = 200.0
SUBSCRIBERS = 10  # at each camera
SECONDS = 20.0
_SETTLE_S = 60.0
_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
_COUNT = re.compile(rb'Name="Count" Value="(\d+)"')
_MOTION = re.compile(rb'Name="IsMotion" Value="true"')
_ADDRESS = re.compile(rb"Address>([^<]+)</")


@dataclass
class Subscriber:
    """One pull point of one camera. `counts` and `arrived` (monotonic) are of the counted events, in order."""

    channel: int
    url: str
    user: str
    password: str
    counts: list[int] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    motions: int = 0
    pulls: int = 0
    ended: str = ""

    async def subscribe(self) -> None:
        host, _, port = self.url.removeprefix("http://").partition("/")[0].partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port or 80))
        answer = await self._ask(self.url, "CreatePullPointSubscription", "")
        found = _ADDRESS.search(answer)
        assert found is not None, answer
        self._manager = found[1].decode()

    async def pull(self) -> None:
        """Until cancelled."""
        while True:
            answer = await self._ask(
                self._manager, "PullMessages", "<Timeout>PT60S</Timeout><MessageLimit>500</MessageLimit>"
            )
            now = time.monotonic()
            new = [int(count) for count in _COUNT.findall(answer)]
            self.counts += new
            self.arrived += [now] * len(new)
            self.motions += len(_MOTION.findall(answer))
            self.pulls += 1

    async def _ask(self, url: str, operation: str, content: str) -> bytes:
        self._writer.write(signed_request(url, operation, _EVENTS, self.user, self.password, content))
        head = await self._reader.readuntil(b"\r\n\r\n")
        answer = await self._reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        assert head.startswith(b"HTTP/1.1 200"), (head, answer)
        return answer

    def close(self) -> None:
        self._writer.close()


async def run(seconds: float = SECONDS) -> dict[str, object]:
    async with running_stack("--channels", str(CHANNELS)) as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        user, password = await credentials(client, cameras[0])
        subscribers = [
            Subscriber(
                camera.channel, str(camera.onvif_url).replace("device_service", "events_service"), user, password
            )
            for camera in cameras
            for _ in range(SUBSCRIBERS)
        ]
        await asyncio.gather(*(one.subscribe() for one in subscribers))
        tasks = [asyncio.create_task(one.pull(), name=f"channel {one.channel}") for one in subscribers]
        try:
            await _every_channel_reaches_its_own_camera(stack, subscribers)
            return await _measure(stack, subscribers, tasks, seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for one in subscribers:
                one.close()


async def _every_channel_reaches_its_own_camera(stack: Stack, subscribers: list[Subscriber]) -> None:
    """Motion at one channel after the other: all subscribers of that camera hear of it, and nobody else."""
    for channel in range(1, CHANNELS + 1):
        await stack.fault(event={"channel": channel, "kind": "motion", "state": True})
        async with asyncio.timeout(_SETTLE_S):
            while any(one.motions < 1 for one in subscribers if one.channel == channel):
                await asyncio.sleep(0.01)
        heard = {one.channel for one in subscribers if one.motions}
        assert heard == set(range(1, channel + 1)), (channel, heard)


async def _measure(
    stack: Stack, subscribers: list[Subscriber], tasks: list[asyncio.Task[None]], seconds: float
) -> dict[str, object]:
    assert stack.daemon is not None
    pid, load = stack.daemon.process.pid, os.getloadavg()[0]
    async with aiohttp.ClientSession() as session:
        control = stack.said["control_url"]
        cpu, pulls, began = cpu_s(pid), sum(one.pulls for one in subscribers), time.monotonic()
        async with session.post(control, json={"events_per_s": PER_S}) as response:
            assert response.status == 200, await response.text()
        await asyncio.wait(tasks, timeout=seconds)  # a subscriber that ends has failed: see below
        used, pulls = cpu_s(pid) - cpu, sum(one.pulls for one in subscribers) - pulls
        async with session.post(control, json={"events_per_s": 0}) as response:
            sent = (await response.json())["events_sent"]
    await _settle(subscribers, sent)
    failed = [task.exception() for task in tasks if task.done()]
    assert not failed, failed[0]
    latencies = _latencies(subscribers, began)
    return {
        "seconds": seconds,
        "load_before": round(load, 1),  # of everything on this machine; what else runs delays events
        "events": sent,
        "deliveries": sum(len(one.counts) for one in subscribers),
        "lost": sum(len(set(range(1, _due(one, sent) + 1)) - set(one.counts)) for one in subscribers),
        "doubled_or_misplaced": sum(len(one.counts) - _due(one, sent) for one in subscribers),
        "out_of_order": sum(a >= b for one in subscribers for a, b in pairwise(one.counts)),
        "p50_ms": round(quantile(latencies, 0.5) * 1000),
        "p99_ms": round(quantile(latencies, 0.99) * 1000),
        "max_ms": round(max(latencies) * 1000),
        "pulls_per_s": round(pulls / seconds),
        "daemon_cpu_percent": round(100 * used / seconds),
        "daemon_rss_mb": rss_mb(pid),
    }


def _due(one: Subscriber, sent: int) -> int:
    """How many of the events were of its channel: the NVR goes round all of them."""
    return sent // CHANNELS + (one.channel <= sent % CHANNELS)


async def _settle(subscribers: list[Subscriber], sent: int) -> None:
    """Until all have what they are to get, or too much time has passed."""
    try:
        async with asyncio.timeout(_SETTLE_S):
            while any(len(one.counts) < _due(one, sent) for one in subscribers):
                await asyncio.sleep(0.1)
    except TimeoutError:
        print("events: some are missing", file=sys.stderr)


def _latencies(subscribers: list[Subscriber], began: float) -> list[float]:
    return [
        arrived - began - ((count - 1) * CHANNELS + one.channel) / PER_S
        for one in subscribers
        for count, arrived in zip(one.counts, one.arrived, strict=True)
    ]
