"""Adoption on a real LAN: searches find one camera after another; who comes through a router is told what it sees."""

from __future__ import annotations

import asyncio
import json
import sys

from proxyd.api import models as m
from proxyd.api.client import RpcClient

from .lan import LAN, OUTSIDE, PATIENCE_S, RECORDER, Lan, Namespace
from .test_proxyd_on_lan import find, running

_IN_VAIN_S = 2.0  # cameras answer a search within half a second


async def adopt(machine: Namespace, address: str, account: tuple[str, str]) -> None:
    """A recorder on `machine` takes in the camera whose address was typed into it."""
    wish = {"addresses": [address], "username": account[0], "password": account[1], "play_s": 0}
    done = await asyncio.to_thread(machine.run, [sys.executable, "-m", "tests.netns.recorder"], input=json.dumps(wish))
    assert "error" not in json.loads(done.stdout)["cameras"][address], done.stdout


async def wait_for_adopter(client: RpcClient, camera: int, who: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await client.call("camera.get", {"id": camera})).adopted_by != who:
            await asyncio.sleep(0.1)


async def wait_for_turn(client: RpcClient, camera: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while [step.camera for step in (await client.call("adoption.get")).steps if step.state == "now"] != [camera]:
            await asyncio.sleep(0.1)


async def test_a_search_finds_one_camera_after_another(lan: Lan) -> None:
    async with running(lan) as (chain, client, _):
        account = await chain.credentials(client)
        cameras: list[m.Camera] = await client.call("camera.list")
        first, second = (camera.address or "" for camera in cameras)
        await client.call("adoption.start", {})
        assert await find(lan, wait_s=_IN_VAIN_S) == {first}
        await adopt(lan.recorder, first, account)
        await wait_for_adopter(client, cameras[0].id, RECORDER)
        await wait_for_turn(client, cameras[1].id)
        assert await find(lan) == {first, second}


async def test_a_recorder_behind_a_router_is_told_what_it_sees(lan: Lan) -> None:
    async with running(lan) as (chain, client, made):
        account = await chain.credentials(client)
        camera = next(one for one in await client.call("camera.list") if one.address == made[0].address)
        await adopt(lan.recorder, made[0].address, account)
        assert not await findings(client, camera, "other-subnet")
        await adopt(lan.outside, made[0].address, account)
        (told,) = await findings(client, camera, "other-subnet")
        assert told.recorder == OUTSIDE
        assert (
            told.what == f"{OUTSIDE} comes from another subnet than {LAN}: it sees the router's MAC, not {made[0].mac}."
        )


async def findings(client: RpcClient, camera: m.Camera, id_: str) -> list[m.Finding]:
    return [one for one in await client.call("camera.diagnosis", {"id": camera.id}) if one.id == id_]
