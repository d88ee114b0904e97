"""What recorders leave behind: nothing of their subscriptions outlives them, and nothing of a camera its restart."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from proxyd.onvif.http import OnvifServer
from proxyd.onvif.motion import motion_events
from proxyd.onvif.subscriptions import MAX_PULL_POINTS
from proxyd.snapshot.picture import SnapshotPicture

from .builders import NOW, camera_spec, fault_of
from .test_event_rim import Running

_SUBSCRIPTIONS = 200
_PULL = "<tev:Timeout>PT60S</tev:Timeout><tev:MessageLimit>9</tev:MessageLimit>"


def ours() -> Counter[str]:
    """How many objects of each of our classes there are."""
    gc.collect()
    kinds = (type(one) for one in gc.get_objects())
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)
    return Counter(name for name in names if name.startswith("proxyd."))


async def _no_picture() -> SnapshotPicture:
    raise AssertionError("nobody asks for a picture here")


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    server = OnvifServer(camera_spec(), take_snapshot=_no_picture, record=lambda **_: None, now=lambda: NOW)
    await server.start()
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            yield Running(server, client)
    finally:
        await server.stop()


async def visit(count: int) -> None:
    """A camera's whole life: so many subscriptions, of which every other is pulled by a recorder that is cut off."""
    async with running() as recorder:
        for _ in range(0, count, MAX_PULL_POINTS):
            subs = [await recorder.subscribe() for _ in range(MAX_PULL_POINTS)]
            pulls = [asyncio.create_task(recorder.ask("tev:PullMessages", _PULL, sub)) for sub in subs[::2]]
            await recorder.until_waiting(len(pulls))
            for pull in pulls:
                pull.cancel()
            await asyncio.gather(*pulls, return_exceptions=True)
            for event in motion_events(True, NOW):
                recorder.server.deliver(event)
            for sub in subs:
                assert (await recorder.ask("wsnt:Unsubscribe", sub=sub))[0] == 200
            await recorder.until_waiting(0)
        await asyncio.gather(*(recorder.subscribe() for _ in range(MAX_PULL_POINTS)))  # there when the camera goes


async def test_two_hundred_subscriptions_and_restarts_of_a_camera_leave_nothing() -> None:
    await visit(MAX_PULL_POINTS)  # what is made once stays
    before = ours()
    for _ in range(2):
        await visit(_SUBSCRIPTIONS)
    assert ours() - before == Counter()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_filters_without_end_are_refused_in_words() -> None:
    async with running() as recorder:
        one = '<wsnt:TopicExpression Dialect="http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"/>'
        for count, status, words in ((500, 400, "a filter may have 16 expressions"), (10_000, 413, "larger than")):
            filters = f"<tev:Filter>{one * count}</tev:Filter>"
            answered, body = await recorder.ask("tev:CreatePullPointSubscription", filters)
            assert answered == status
            assert words in fault_of(body)[2]
        assert len(recorder.server._events.subscriptions) == 0
        await recorder.subscribe()
