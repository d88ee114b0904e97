"""Events from end to end: what moves at the NVR is told to the recorders of exactly that camera, and to those who come
later, by pull point and by notification, over a restart of the daemon."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from zeep.exceptions import Fault

from proxyd.api import models as m
from tests.proxyd.onvif.recorder import running_recorder

from .stack import Stack, running_stack, wait_for_states
from .test_ptz import cameras_of, recorder

ALARM, CELL = "tns1:VideoSource/MotionAlarm", "tns1:RuleEngine/CellMotionDetector/Motion"
_MINUTE = datetime.timedelta(minutes=1)
Heard = list[tuple[str, str]]  # topic, value


async def motion(stack: Stack, channel: int, moving: bool) -> None:
    await stack.fault(event={"channel": channel, "kind": "motion", "state": moving})


@asynccontextmanager
async def pull_point(device: Any) -> AsyncIterator[Any]:
    """onvif-zeep-async's manager of a pull point at this camera."""
    manager = await device.create_pullpoint_manager(_MINUTE, lambda: None)
    try:
        yield manager
    finally:
        await manager.shutdown()


async def pulled(manager: Any, timeout_s: float = 60) -> Heard:
    """What is told of motion next; nothing when there is nothing for so long."""
    heard: Heard = []
    try:
        async with asyncio.timeout(timeout_s):
            while not heard:
                wish = {"Timeout": datetime.timedelta(seconds=timeout_s), "MessageLimit": 100}
                heard = told(await manager.get_service().PullMessages(wish))
    except TimeoutError:
        pass
    return heard


def told(answer: Any) -> Heard:
    """Only of motion: other states come when the NVR first tells them."""
    messages = answer.NotificationMessage or []
    heard = [(one.Topic._value_1, one.Message._value_1.Data.SimpleItem[0].Value) for one in messages]
    return [one for one in heard if one[0] in (ALARM, CELL)]


async def test_motion_at_one_channel_is_told_by_that_camera_alone() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        cameras = await cameras_of(stack, client)
        async with (
            recorder(client, cameras[1]) as first,
            recorder(client, cameras[2]) as second,
            pull_point(first) as quiet,
            pull_point(second) as busy,
        ):
            assert await pulled(quiet) == await pulled(busy) == [(ALARM, "false"), (CELL, "false")]
            for moving in (True, False, True):
                await motion(stack, 2, moving)
                assert await pulled(busy) == [(ALARM, str(moving).lower()), (CELL, str(moving).lower())]
            assert await pulled(quiet, timeout_s=0.2) == []
            async with pull_point(second) as late:
                assert await pulled(late) == [(ALARM, "true"), (CELL, "true")]


async def test_notifications_and_a_restart_of_the_daemon() -> None:
    async with running_stack("--channels", "1") as stack, running_recorder() as listener, stack.client() as client:
        cameras = await cameras_of(stack, client)
        async with recorder(client, cameras[1]) as device:
            manager = await device.create_notification_manager(listener.url, _MINUTE, lambda: None)
            manager.pause()
            await listener.wait_for(1)
            await motion(stack, 1, True)
            heard: Heard = []
            read = 0
            while (CELL, "true") not in heard:
                await listener.wait_for(read + 1)
                bodies, read = listener.bodies[read:], len(listener.bodies)
                heard += [message for body in bodies for message in told(manager.process(body))]
            assert heard == [(ALARM, "false"), (CELL, "false"), (ALARM, "true"), (CELL, "true")]
            assert set(listener.peers) == {cameras[1].address}

            stack.kill_daemon()
            stack.start_daemon()
            async with stack.client() as again:
                await wait_for_states(again, m.CameraState.RUNNING)
            with pytest.raises(Fault, match="create a new one"):
                await manager._subscription.Renew("PT60S")
            async with pull_point(device) as late, asyncio.timeout(60):
                while (CELL, "true") not in await pulled(late):
                    pass
