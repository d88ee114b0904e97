"""kill -9 of the daemon at random moments during scans and edits: nothing acknowledged is lost, identity stays.

ONVIFTUI_KILLS sets how often (the full proof is 200)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3

import pytest

from proxyd.api import models as m
from proxyd.errors import ProxyError

from .stack import Stack, running_stack, wait_for_states

pytestmark = pytest.mark.timeout(3600)

KILLS = int(os.environ.get("ONVIFTUI_KILLS", "8"))
CHANNELS = 6


async def edit_until_killed(stack: Stack, acknowledged: dict[int, str], round_: int) -> None:
    """Scans and renames without end. `acknowledged` holds the names that the daemon confirmed."""
    with contextlib.suppress(ProxyError):
        async with stack.client() as client:
            nvr = (await client.call("nvr.list"))[0]
            await client.call("nvr.scan", {"id": nvr.id})
            for step in range(10_000):
                cameras: list[m.Camera] = await client.call("camera.list")
                camera = random.choice(cameras)
                name = f"Camera {camera.channel} v{round_}.{step}"
                # Until the answer comes either name may survive; afterwards only the new one.
                acknowledged.pop(camera.id, None)
                await client.call("camera.update", {"id": camera.id, "name": name})
                acknowledged[camera.id] = name
                if step % 5 == 0:
                    await client.call("camera.stop", {"ids": [camera.id]})
                    await client.call("camera.start", {"ids": [camera.id]})
                    await client.call("nvr.scan", {"id": nvr.id})


def check_database(stack: Stack) -> None:
    with contextlib.closing(sqlite3.connect(stack.database)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


async def test_killed_at_random_moments() -> None:
    random.seed(2)
    async with running_stack("--channels", str(CHANNELS)) as stack:
        async with stack.client() as client:
            await stack.scan(client, await stack.add_nvr(client))
            cameras = await wait_for_states(client, m.CameraState.RUNNING)
        identity = {(c.id, c.channel, c.uuid, c.serial, c.mac, c.address, c.interface) for c in cameras}
        acknowledged: dict[int, str] = {}
        for round_ in range(KILLS):
            editing = asyncio.create_task(edit_until_killed(stack, acknowledged, round_))
            await asyncio.sleep(random.uniform(0.0, 1.0))
            stack.kill_daemon()
            await editing
            check_database(stack)
            stack.start_daemon()
            async with stack.client() as client:
                cameras = await client.call("camera.list")
                now = {(c.id, c.channel, c.uuid, c.serial, c.mac, c.address, c.interface) for c in cameras}
                assert now == identity
                names = {camera.id: camera.name for camera in cameras}
                assert {id_: names[id_] for id_ in acknowledged} == acknowledged
                # A kill between stop and start leaves a camera stopped: that is what was acknowledged.
                await client.call("camera.start", {"ids": [camera.id for camera in cameras]})
                await wait_for_states(client, m.CameraState.RUNNING)
