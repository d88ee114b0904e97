"""Cameras from RTSP addresses alone, in real processes: added, played, imported, refused, watched."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.camera.spec import NvrAccess
from proxyd.errors import Conflict, InvalidInput
from proxyd.nvr.scan import scan
from tests.player.play import play

from .stack import NVR_PASSWORD, NVR_USER, Stack, credentials, running_stack, wait_for_job, wait_for_states
from .test_leaks import everything_a_recorder_receives


def address(stack: Stack, channel: int, stream: int = 1, account: str = f"{NVR_USER}:{NVR_PASSWORD}@") -> str:
    """The simulated NVR's own, as people would copy it."""
    return f"rtsp://{account}{stack.said['host']}:{stack.said['rtsp_port']}/Streaming/Channels/{channel}{stream:02d}"


async def add(stack: Stack, client: RpcClient, channel: int, **more: object) -> m.Source:
    """Returns when it was read."""
    params = {"main": address(stack, channel), "sub": address(stack, channel, 2), **more}
    source: m.Source = await client.call("source.add", params)
    nvr: m.Nvr = await client.call("nvr.get", {"id": source.nvr})
    if nvr.job is not None:
        await wait_for_job(client, nvr.job)
    return source


async def test_a_camera_from_two_addresses_is_a_camera_like_every_other() -> None:
    async with running_stack("--channels", "3") as stack, stack.client() as client:
        access = NvrAccess(stack.said["host"], stack.said["port"], NVR_USER, NVR_PASSWORD)
        found = await scan(access, on_progress=lambda _: None, on_channel=lambda _: None)
        source = await add(stack, client, 2, name="Yard", snapshot=found.channels[1].snapshot_uri)
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        assert (camera.name, camera.id, camera.nvr) == ("Yard", source.camera, source.nvr)
        assert [(s.codec, s.width, s.height, s.fps) for s in camera.streams] == [
            ("H264", 1280, 720, 25),
            ("H264", 640, 360, 15),
        ]
        secret = await credentials(client, camera)
        for number, stream in enumerate(camera.streams):
            counter = (await play(stream.url, secret, 0, frames=20)).counter
            assert counter.sources == {(2, number)}
            assert counter.lost_frames == 0
        picture: m.Picture = await client.call("camera.snapshot", {"id": camera.id})
        assert not picture.fallback
        (listed,) = await client.call("source.list")
        assert listed == source
        assert NVR_PASSWORD not in listed.model_dump_json()
        (nvr,) = await client.call("nvr.list")
        assert (nvr.kind, nvr.state, nvr.channels, nvr.online) == ("rtsp", "ok", 1, 1)

        test: m.NvrTest = await client.call("nvr.test", {"id": nvr.id})
        assert (test.ok, test.channels) == (True, 1)
        assert "H.264 1280×720" in test.message
        renamed: m.Nvr = await client.call("nvr.update", {"id": nvr.id, "name": "Old cameras"})
        assert renamed.name == "Old cameras"

        identity = (camera.uuid, camera.mac, camera.address, camera.serial)
        job: m.Job = await client.call("nvr.scan", {"id": nvr.id})
        ended = await wait_for_job(client, job.id)
        assert ended.state is m.JobState.DONE
        assert ended.diff is not None
        assert (ended.diff.new, ended.diff.changed, ended.diff.missing) == ([], [], [])
        (after,) = await client.call("camera.list")
        assert (after.uuid, after.mac, after.address, after.serial) == identity

        await client.call("camera.remove", {"ids": [camera.id]})
        for restore, count in ((False, 0), (True, 1)):
            job = await client.call("nvr.scan", {"id": nvr.id, "restore": restore})
            await wait_for_job(client, job.id)
            assert len(await client.call("camera.list")) == count
        with closing(sqlite3.connect(stack.database)) as db:
            assert NVR_PASSWORD not in "\n".join(db.iterdump())
        await client.call("nvr.remove", {"id": nvr.id})
        assert await client.call("camera.list") == []
        assert await client.call("source.list") == []


async def test_nothing_of_the_device_reaches_the_recorder() -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        await add(stack, client, 1)
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        received = await everything_a_recorder_receives(camera, await credentials(client, camera))
    assert b"H264" in received
    for secret in (NVR_PASSWORD, NVR_USER, stack.said["host"], "/Streaming/Channels"):
        at = received.find(secret.encode())
        assert at < 0, received[max(at - 300, 0) : at + 100]


async def test_sources_added_while_others_are_read_are_read_too() -> None:
    async with running_stack("--channels", "6") as stack, stack.client() as client:
        await asyncio.gather(*(client.call("source.add", {"main": address(stack, n)}) for n in range(1, 7)))
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        assert [camera.streams[0].width for camera in cameras] == [1280] * 6
        assert len({camera.channel for camera in cameras}) == 6


async def test_a_wrong_password_is_tried_once_and_the_right_one_heals() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        wrong = {part: address(stack, 1, n, f"{NVR_USER}:wrong@") for part, n in (("main", 1), ("sub", 2))}
        source: m.Source = await client.call("source.add", wrong)
        (camera,) = await wait_for_states(client, m.CameraState.WRONG_PASSWORD)
        assert (await stack.simulator_state())["wrong_passwords"] == 1
        with pytest.raises(Conflict, match="another password"):
            await add(stack, client, 2)  # the right one, for the same account
        await client.call("nvr.update", {"id": source.nvr, "password": NVR_PASSWORD})
        job: m.Job = await client.call("nvr.scan", {"id": source.nvr})
        assert (await wait_for_job(client, job.id)).state is m.JobState.DONE
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        assert camera.streams[0].width == 1280
        await add(stack, client, 2)
        assert len(await wait_for_states(client, m.CameraState.RUNNING)) == 2


async def test_a_device_that_goes_away_is_noticed_and_comes_back() -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        await add(stack, client, 1)
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        stack.take_nvr_away()
        with pytest.raises(Exception, match="503"):
            await play(camera.streams[0].url, await credentials(client, camera), 1)
        await wait_for_states(client, m.CameraState.UPSTREAM_UNREACHABLE)
        stack.bring_nvr_back("--channels", "1")
        await wait_for_states(client, m.CameraState.RUNNING)


async def test_a_list_is_shown_first_and_then_added_whole() -> None:
    async with running_stack("--channels", "4") as stack, stack.client() as client:
        text = f"""
streams:
  door: {address(stack, 1)}#backchannel=0
  door_sub: {address(stack, 1, 2)}
  yard: ffmpeg:{address(stack, 2)}#video=copy
  gone: {address(stack, 9)}
  film: https://192.0.2.1/x
"""
        planned: m.SourceImported = await client.call("source.import", {"text": text})
        assert (planned.format, planned.done, planned.nvrs) == ("go2rtc", False, [])
        assert [(s.name, s.state) for s in planned.sources] == [
            ("door", "new"),
            ("yard", "new"),
            ("gone", "new"),
            ("film", "unusable"),
        ]
        assert NVR_PASSWORD not in planned.model_dump_json()
        assert await client.call("nvr.list") == []

        done: m.SourceImported = await client.call("source.import", {"text": text, "dry_run": False})
        (nvr_id,) = done.nvrs
        nvr: m.Nvr = await client.call("nvr.get", {"id": nvr_id})
        if nvr.job is not None:
            job = await wait_for_job(client, nvr.job)
            assert job.diff is not None
            assert any(warning.startswith("gone, main stream: ") for warning in job.diff.warnings)
        cameras: list[m.Camera] = await client.call("camera.list")
        assert [(c.name, c.state, len(c.streams)) for c in cameras] == [
            ("door", "running", 2),
            ("yard", "running", 1),
            ("gone", "no signal", 0),  # nobody knows what it shows
        ]
        again: m.SourceImported = await client.call("source.import", {"text": text, "dry_run": False})
        assert [s.state for s in again.sources] == ["known", "known", "known", "unusable"]
        assert len(await client.call("camera.list")) == 3


async def test_what_cannot_be_added_names_the_field_and_no_secret() -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        for params, field in (
            ({"main": f"https://u:{NVR_PASSWORD}@192.0.2.1/a"}, "main"),
            ({"main": address(stack, 1), "sub": f"rtsp://u:{NVR_PASSWORD}@192.0.2.1/a"}, "sub"),
            ({"main": address(stack, 1), "snapshot": f"ftp://u:{NVR_PASSWORD}@192.0.2.1/a"}, "snapshot"),
        ):
            with pytest.raises(InvalidInput) as raised:
                await client.call("source.add", params)
            assert field in raised.value.fields
            assert NVR_PASSWORD not in str(raised.value)
        await add(stack, client, 1)
        with pytest.raises(Conflict, match="already"):
            await add(stack, client, 1)
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        with pytest.raises(InvalidInput, match="which proxyd itself serves"):
            await client.call("source.add", {"main": camera.streams[0].url})
        own: m.SourceImported = await client.call("source.import", {"text": f"- {camera.streams[0].url}"})
        assert [(s.state, s.why) for s in own.sources] == [("unusable", "it is one of proxyd's own cameras")]
        test: m.NvrTest = await client.call("source.test", {"main": address(stack, 1, account="nobody:none@")})
        assert not test.ok
        assert "nobody" in test.message
        test = await client.call("source.test", {"main": address(stack, 1, account="")})
        assert "wants a user name and password" in test.message
        with pytest.raises(InvalidInput, match="cannot be told"):
            await client.call("source.import", {"text": "a: b"})
