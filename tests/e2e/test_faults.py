"""What the user sees when the NVR misbehaves: the right result, or the right words, and recovery by itself."""

from __future__ import annotations

import asyncio

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from tests.player.play import Player, play, refusal

from .stack import NVR_PASSWORD, credentials, running_stack, wait_for_job, wait_for_states


async def test_wrong_password_stops_at_once_and_the_right_one_heals_everything() -> None:
    async with running_stack("--channels", "3", "--fault", "lockout=4") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client, password="wrong-password")
        tested: m.NvrTest = await client.call("nvr.test", {"id": nvr.id})
        assert not tested.ok
        assert "password" in tested.message
        job = await stack.scan(client, nvr)
        assert job.state is m.JobState.FAILED
        assert "password" in job.error
        assert (await client.call("nvr.get", {"id": nvr.id})).state is m.NvrState.WRONG_PASSWORD
        await client.call("nvr.update", {"id": nvr.id, "password": NVR_PASSWORD})
        assert (await stack.scan(client, nvr)).state is m.JobState.DONE
        await wait_for_states(client, m.CameraState.RUNNING)


async def test_a_password_changed_on_the_nvr_is_said_and_not_tried_again() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        await client.call("nvr.update", {"id": nvr.id, "password": "no longer right"})
        secret = await credentials(client, cameras[0])
        assert await refusal(cameras[0].streams[0].url, secret) == 503
        for camera in await wait_for_states(client, m.CameraState.WRONG_PASSWORD):
            assert "Edit it and enter the right one" in camera.reason
        await client.call("nvr.update", {"id": nvr.id, "password": NVR_PASSWORD})
        await wait_for_states(client, m.CameraState.RUNNING)
        await play(cameras[0].streams[0].url, secret, 0, frames=11)


async def test_twelve_cameras_with_a_wrong_password_are_one_wrong_try() -> None:
    async with running_stack("--channels", "12") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        secret = await credentials(client, cameras[0])
        await client.call("nvr.update", {"id": nvr.id, "password": "no longer right"})
        refused = await asyncio.gather(*(refusal(camera.streams[0].url, secret) for camera in cameras))
        assert set(refused) == {503}
        assert (await stack.simulator_state())["wrong_passwords"] == 1


async def test_an_nvr_that_restarts_comes_back_by_itself() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        secret = await credentials(client, cameras[0])
        url = cameras[0].streams[0].url
        before = {(camera.uuid, camera.mac, camera.address) for camera in cameras}
        stack.take_nvr_away()
        assert await refusal(url, secret) == 503
        await wait_for_states(client, m.CameraState.UPSTREAM_UNREACHABLE)
        stack.bring_nvr_back("--channels", "2")
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        assert {(camera.uuid, camera.mac, camera.address) for camera in cameras} == before
        assert (await play(url, secret, 0, frames=20)).counter.lost_frames == 0


@pytest.mark.parametrize("fault", ["rtsp-stall", "rtsp-reset"])
async def test_media_that_stops_is_told_with_the_reason_and_goes_on_in_the_same_session(fault: str) -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        secret = await credentials(client, camera)
        async with Player(camera.streams[0].url, *secret) as player:
            await player.play(0, frames=20)
            await stack.fault(fault=fault)
            async with asyncio.timeout(60):
                while not (told := await _interruptions(client, camera.id)):
                    await asyncio.sleep(0.05)
            assert "Meanwhile the session is kept" in told[0]
            await stack.fault(fault=f"{fault}=off")
            await player.play(0, frames=60)
        assert len(await _interruptions(client, camera.id)) == 1


async def _interruptions(client: RpcClient, camera: int) -> list[str]:
    trace: list[m.TraceEntry] = await client.call("camera.trace", {"id": camera})
    return [entry.reason for entry in trace if not entry.ok and entry.protocol == "rtsp"]


async def wait_for_cameras(client: RpcClient, wanted: dict[int, str]) -> list[m.Camera]:
    """All cameras, once their states by channel are these: they come up just after the scan has ended."""
    async with asyncio.timeout(60):
        while True:
            cameras: list[m.Camera] = await client.call("camera.list")
            if {camera.channel: camera.state.value for camera in cameras} == wanted:
                return cameras
            await asyncio.sleep(0.05)


async def test_offline_channels_and_gaps_keep_their_numbers_and_addresses() -> None:
    options = ("--channels", "5", "--fault", "offline=3", "--fault", "gaps=2")
    async with running_stack(*options) as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        job = await stack.scan(client, nvr)
        assert job.diff is not None
        assert (job.diff.new, job.diff.offline) == ([1, 3, 4, 5], [3])
        cameras = await wait_for_cameras(client, {1: "running", 3: "no signal", 4: "running", 5: "running"})
        await stack.fault(fault="offline=off")
        await stack.fault(fault="gaps=1,2")
        job = await stack.scan(client, nvr)
        assert job.diff is not None
        assert (job.diff.new, job.diff.missing) == ([], [1])
        after = await wait_for_cameras(client, {1: "missing on NVR", 3: "running", 4: "running", 5: "running"})
        identity = {(c.id, c.uuid, c.mac, c.address, c.name) for c in cameras}
        assert {(c.id, c.uuid, c.mac, c.address, c.name) for c in after} == identity


async def test_a_cancelled_scan_keeps_what_it_found() -> None:
    async with running_stack("--channels", "12", "--fault", "slow=0.2") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        job: m.Job = await client.call("nvr.scan", {"id": nvr.id})
        same: m.Job = await client.call("nvr.scan", {"id": nvr.id})
        assert same.id == job.id
        while (await client.call("job.list"))[0].done < 3:
            await asyncio.sleep(0.05)
        cancelled: m.Job = await client.call("job.cancel", {"id": job.id})
        assert cancelled.state is m.JobState.CANCELLED
        cameras: list[m.Camera] = await client.call("camera.list")
        assert 3 <= len(cameras) < 12
        assert cancelled.diff is not None
        assert len(cancelled.diff.new) == len(cameras)
        assert cancelled.diff.missing == []


async def test_scans_during_edits_leave_one_camera_per_interface() -> None:
    async with running_stack("--channels", "10") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await asyncio.gather(*(stack.scan(client, nvr) for _ in range(2)))
        cameras: list[m.Camera] = await client.call("camera.list")

        async def edit(camera: m.Camera) -> None:
            await client.call("camera.update", {"id": camera.id, "name": f"{camera.name} (edited)"})
            await client.call("camera.stop", {"ids": [camera.id]})
            await client.call("camera.start", {"ids": [camera.id]})

        await asyncio.gather(*(edit(camera) for camera in cameras), *(stack.scan(client, nvr) for _ in range(3)))
        await client.call("camera.remove", {"ids": [cameras[0].id, cameras[1].id]})
        await stack.scan(client, nvr)
        after = await wait_for_states(client, m.CameraState.RUNNING)
        assert len(after) == 8
        assert len({camera.interface for camera in after}) == 8
        assert all(camera.name.endswith("(edited)") for camera in after)
        free: list[m.Interface] = await client.call("interface.available")
        assert [interface.name for interface in free[-2:]] == [cameras[0].interface, cameras[1].interface]
        await stack.scan(client, nvr, restore=True)
        assert len(await client.call("camera.list")) == 10


async def test_a_restoring_scan_asked_for_during_another_follows_it() -> None:
    async with running_stack("--channels", "4") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        cameras: list[m.Camera] = await client.call("camera.list")
        await client.call("camera.remove", {"ids": [cameras[0].id]})
        await stack.fault(fault="slow=0.2")
        plain: m.Job = await client.call("nvr.scan", {"id": nvr.id})
        same: m.Job = await client.call("nvr.scan", {"id": nvr.id, "restore": True})
        assert same.id == plain.id
        await wait_for_job(client, plain.id)
        follower = (await client.call("job.list"))[-1]
        assert follower.id != plain.id
        await wait_for_job(client, follower.id)
        assert sorted(camera.channel for camera in await client.call("camera.list")) == [1, 2, 3, 4]
