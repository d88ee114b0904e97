"""Adoption by watching: a real recorder takes in eight cameras one after another, and no crash loses the plan."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.errors import Conflict, NotFound
from tests.netns.recorder import PORT, probe

from .recorders import adopt, adopted_from, device_of, stream_uri, wait_for_adopter, wait_for_adoption
from .stack import Stack, credentials, running_stack, wait_for_states

CHANNELS = 8
HERE = "127.0.0.1"
TAKE_OVER_S = 1


async def cameras_of(stack: Stack, client: RpcClient) -> list[m.Camera]:
    await stack.scan(client, await stack.add_nvr(client))
    return await wait_for_states(client, m.CameraState.RUNNING)


async def exactly_these_are_found(cameras: list[m.Camera], *expected: int) -> bool:
    """Whether just these answer a search, each asked by itself: on loopback there is no multicast to all.

    The `expected` ones are asked a second time: when they have answered twice, whoever wanted to has answered once.
    Raises TimeoutError when one of them does not.
    """
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as askers:
        asked = {}
        for camera in cameras:
            asked[camera.id] = asker = askers.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            asker.setblocking(False)
            asker.bind((HERE, 0))
            asker.connect((camera.address or "", PORT))
        for again in (False, True):
            for id_, asker in asked.items():
                if id_ in expected or not again:
                    asker.send(probe())
            async with asyncio.timeout(30):
                for id_ in expected:
                    await loop.sock_recv(asked[id_], 65535)
        for id_ in asked.keys() - set(expected):
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                asked[id_].recv(65535)
                return False
    return True


def turns(adoption: m.Adoption) -> list[int]:
    return [step.camera for step in adoption.steps if step.state == "now"]


async def test_eight_cameras_are_adopted_one_after_another_by_watching() -> None:
    async with running_stack("--channels", str(CHANNELS)) as stack, stack.client() as client:
        cameras = await cameras_of(stack, client)
        account = await credentials(client, cameras[0])
        ids = [camera.id for camera in cameras]
        await client.subscribe()
        adoption = await client.call("adoption.start", {})
        assert turns(adoption) == ids[:1]
        for number, camera in enumerate(cameras):
            adoption = await wait_for_adoption(client, lambda one, id_=camera.id: turns(one) == [id_])
            assert await exactly_these_are_found(cameras, *ids[: number + 1]), (
                "the adopted ones and the one whose turn it is"
            )
            await adopt(camera, account)
        adoption = await wait_for_adoption(client, lambda one: one.state == "done")
        assert [(step.state, step.by) for step in adoption.steps] == [("adopted", HERE)] * CHANNELS
        assert all(camera.adopted_by == HERE for camera in await client.call("camera.list"))
        assert await exactly_these_are_found(cameras, *ids)
        with pytest.raises(Conflict, match="no camera that waits"):
            await client.call("adoption.start", {})
        forgotten = await client.call("adoption.forget", {"ids": ids[:2]})
        assert [camera.adopted_by for camera in forgotten] == ["", ""]
        again = await client.call("adoption.start", {})
        assert [step.camera for step in again.steps] == ids[:2]


async def test_the_plan_survives_kill_9_and_hides_from_the_first_moment() -> None:
    async with running_stack("--channels", "4") as stack:
        async with stack.client() as client:
            cameras = await cameras_of(stack, client)
            account = await credentials(client, cameras[0])
            ids = [camera.id for camera in cameras]
            await client.call("camera.update", {"id": ids[3], "discovery": False})
            await client.subscribe()
            await client.call("adoption.start", {"at_once": 2})
            await adopt(cameras[1], account)
            await wait_for_adoption(client, lambda one: turns(one) == [ids[0], ids[2]])
            await client.call("adoption.skip", {"camera": ids[0]})
            await wait_for_adoption(client, lambda one: turns(one) == [ids[2], ids[3]])
        for round_ in range(3):
            stack.kill_daemon()
            stack.start_daemon()
            async with stack.client() as client:
                await client.subscribe()
                adoption = await wait_for_adoption(client, lambda one: turns(one) == [ids[2], ids[3]])
                assert [step.state for step in adoption.steps] == ["skipped", "adopted", "now", "now"], round_
                assert adoption.steps[1].by == HERE
                await wait_for_states(client, m.CameraState.RUNNING)
        async with stack.client() as client:
            assert await exactly_these_are_found(cameras, ids[1], ids[2], ids[3])
            await client.call("adoption.pause")
            assert await exactly_these_are_found(cameras, ids[1])
            stack.kill_daemon()
            stack.start_daemon()
        async with stack.client() as client:
            await wait_for_states(client, m.CameraState.RUNNING)
            assert (await client.call("adoption.get")).state == "paused"
            assert await exactly_these_are_found(cameras, ids[1])
            assert "turn in the guided adoption" in (await client.call("camera.get", {"id": ids[0]})).note
            await client.call("adoption.resume")
            await client.call("adoption.cancel")
            assert await exactly_these_are_found(cameras, *ids[:3]), "each as it was set itself before"
            with pytest.raises(Conflict):
                await client.call("adoption.pause")
            with pytest.raises(NotFound):
                await client.call("adoption.start", {"ids": [999]})


async def test_another_recorder_takes_over_when_the_first_is_silent() -> None:
    old, new = "127.0.0.21", "127.0.0.22"
    settings = f"[adoption]\ntake_over_after_s = {TAKE_OVER_S}\n"
    async with running_stack("--channels", "1", settings=settings) as stack:
        async with stack.client() as client:
            (camera,) = await cameras_of(stack, client)
            account = await credentials(client, camera)
            await client.subscribe()
            async with adopted_from(old, camera, account):
                await wait_for_adopter(client, camera.id, old)
                async with adopted_from(new, camera, account) as player:
                    await player.play(2.0 * TAKE_OVER_S)
                    seen = await client.call("camera.get", {"id": camera.id})
                    assert seen.adopted_by == old, "it plays all the time"
            async with adopted_from(new, camera, account):
                await wait_for_adopter(client, camera.id, new)
            told = [entry.message for entry in await client.call("log.tail", {"limit": 50})]
            assert any(line.endswith(f" is adopted by {new}, before by {old}.") for line in told), told
        stack.kill_daemon()
        stack.start_daemon()
        async with stack.client() as client:
            await wait_for_states(client, m.CameraState.RUNNING)
            assert (await client.call("camera.get", {"id": camera.id})).adopted_by == new


async def test_the_diagnosis_follows_a_recorder_from_its_first_word_to_its_pictures() -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        (camera,) = await cameras_of(stack, client)
        user, password = await credentials(client, camera)
        await client.subscribe()

        async def ids() -> list[str]:
            return [finding.id for finding in await client.call("camera.diagnosis", {"id": camera.id})]

        assert await ids() == ["nobody-came"]
        for _ in range(3):
            async with device_of(camera, (user, "wrong")) as device:
                management = await device.create_devicemgmt_service()
                with pytest.raises(Exception, match=r"(?i)auth"):
                    await management.GetDeviceInformation()
        (finding,) = [one for one in await client.call("camera.diagnosis", {"id": camera.id}) if one.recorder]
        assert finding.id == "wrong-password"
        assert finding.what == f"{HERE} reached the camera, but used a wrong password 3 times."
        await stream_uri(camera, (user, password))
        assert "wrong-password" not in await ids()
        await adopt(camera, (user, password))
        seen = await wait_for_adopter(client, camera.id, HERE)
        assert seen.adopted_by == HERE
        assert (await ids())[-1] == "adopted"
        stack.kill_daemon()
        stack.start_daemon()
        async with stack.client() as again:
            assert (await again.call("camera.get", {"id": camera.id})).adopted_by == HERE


async def test_the_raw_exchange_shows_everything_but_the_secrets() -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        (camera,) = await cameras_of(stack, client)
        account = await credentials(client, camera)
        await adopt(camera, account)
        trace: list[m.TraceEntry] = await client.call("camera.trace", {"id": camera.id})
        numbers = [entry.number for entry in trace]
        assert numbers == sorted(set(numbers)) and numbers[0] == 1
        kept = {entry.operation: entry.number for entry in trace if entry.raw}
        assert {"GetDeviceInformation", "GetStreamUri", "DESCRIBE main", "PLAY main"} <= set(kept)
        said = ""
        for number in kept.values():
            shown: m.Exchange = await client.call("camera.exchange", {"id": camera.id, "number": number})
            said += shown.request + shown.reply
        assert "<GetStreamUriResponse" in said.replace("trt:", "") and "RTSP/1.0 200 OK" in said
        assert "(removed)" in said
        for secret in (account[1], "Nvr-s3cret-Pass", "nvradmin", stack.nvr_address):
            assert secret not in said
        with pytest.raises(NotFound):
            await client.call("camera.exchange", {"id": camera.id, "number": 10_000})
