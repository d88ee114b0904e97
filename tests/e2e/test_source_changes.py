"""Cameras of RTSP addresses get other addresses or accounts, in real processes, and stay who they are."""

from __future__ import annotations

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.errors import Conflict, InvalidInput, UpstreamAuthError, UpstreamError
from tests.player.play import play

from .stack import NVR_USER, credentials, running_stack, wait_for_job, wait_for_states
from .test_sources import add, address


async def update(client: RpcClient, camera: m.Camera, **changes: object) -> m.Source:
    """Returns when it was read."""
    source: m.Source = await client.call("source.update", {"camera": camera.id, **changes})
    nvr: m.Nvr = await client.call("nvr.get", {"id": source.nvr})
    if nvr.job is not None:
        await wait_for_job(client, nvr.job)
    return source


async def test_a_changed_source_shows_the_other_stream_and_stays_the_same_camera() -> None:
    async with running_stack("--channels", "3") as stack, stack.client() as client:
        await add(stack, client, 1, name="Yard")
        (before,) = await wait_for_states(client, m.CameraState.RUNNING)
        secret = await credentials(client, before)

        source = await update(client, before, main=address(stack, 3, account=""), sub="", name="Ramp")
        assert (source.camera, source.name, source.sub) == (before.id, "Ramp", None)
        (after,) = await wait_for_states(client, m.CameraState.RUNNING)
        assert (after.name, [stream.name for stream in after.streams]) == ("Ramp", ["main"])
        identity = ("id", "uuid", "serial", "mac", "address", "nvr", "channel")
        assert [getattr(after, name) for name in identity] == [getattr(before, name) for name in identity]
        assert after.streams[0].url == before.streams[0].url
        assert (await play(after.streams[0].url, secret, 1)).counter.sources == {(3, 0)}
        assert (await client.call("nvr.list"))[0].username == NVR_USER


async def test_a_change_that_does_not_work_is_not_made_unless_asked_for() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        await add(stack, client, 1)
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        listed = await client.call("source.list")
        for changes, error, words in (
            ({"main": address(stack, 9)}, UpstreamError, "stays as it was"),
            ({"password": "wrong"}, UpstreamAuthError, "stays as it was"),
            ({"main": "http://192.0.2.1/a"}, InvalidInput, "kind http"),
            ({"main": camera.streams[0].url}, InvalidInput, "itself serves"),
            ({"username": "", "password": "x"}, InvalidInput, "Whose password"),
        ):
            params = {"camera": camera.id, **changes}
            with pytest.raises(error, match=words):
                await client.call("source.update", params)
        assert await client.call("source.list") == listed
        assert (await play(camera.streams[0].url, await credentials(client, camera), 1)).counter.sources == {(1, 0)}

        source = await update(client, camera, main=address(stack, 9), test=False)
        assert source.main.endswith("/901")

        await stack.scan(client, await stack.add_nvr(client))
        channel = next(one for one in await client.call("camera.list") if one.nvr != camera.nvr)
        with pytest.raises(InvalidInput, match="onviftui nvr edit"):
            await client.call("source.update", {"camera": channel.id, "name": "x"})


async def taken_back(client: RpcClient, source: m.Source) -> None:
    """Returns when its streams were read again."""
    await client.call("undo.apply")
    for row in await client.call("nvr.list"):
        if row.job is not None:
            await wait_for_job(client, row.job)
    assert source in await client.call("source.list")


async def test_a_change_of_a_source_is_taken_back_after_its_streams_were_read() -> None:
    async with running_stack("--channels", "4") as stack, stack.client() as client:
        await add(stack, client, 1, name="Yard")
        (before,) = await wait_for_states(client, m.CameraState.RUNNING)
        (source,) = await client.call("source.list")
        secret = await credentials(client, before)

        await update(client, before, main=address(stack, 3, account=""), sub="", name="Ramp")
        await wait_for_states(client, m.CameraState.RUNNING)
        await taken_back(client, source)
        (after,) = await wait_for_states(client, m.CameraState.RUNNING)
        assert (after.name, after.uuid, [stream.name for stream in after.streams]) == (
            "Yard",
            before.uuid,
            ["main", "sub"],
        )
        assert (await play(after.streams[0].url, secret, 1)).counter.sources == {(1, 0)}

        await update(client, before, sub=address(stack, 1, 1, account=""))
        await taken_back(client, source)
        await update(client, before, password="wrong", test=False)
        await taken_back(client, source)
        (again,) = await wait_for_states(client, m.CameraState.RUNNING)
        assert (await play(again.streams[0].url, secret, 1)).counter.sources == {(1, 0)}


async def test_a_source_that_went_to_another_account_comes_back_to_its_own() -> None:
    async with running_stack("--channels", "3") as stack, stack.client() as client:
        await add(stack, client, 1, name="Yard")
        await add(stack, client, 2, name="Gate")
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        sources = await client.call("source.list")
        (row,) = await client.call("nvr.list")

        moved = await update(client, cameras[0], username="other", password="x", test=False)
        assert moved.nvr != row.id
        added = await client.call("source.list")
        await taken_back(client, sources[0])
        assert await client.call("source.list") == sources != added
        assert [one.id for one in await client.call("nvr.list")] == [row.id]
        assert [one.uuid for one in await wait_for_states(client, m.CameraState.RUNNING)] == [
            one.uuid for one in cameras
        ]

        # Somebody else has come to the row that the change made: it stays, and so does the change.
        moved = await update(client, cameras[0], username="other", password="x", test=False)
        known = await client.call("source.list")
        await client.call(
            "source.add",
            {"main": address(stack, 3, account=""), "username": "other", "password": "x", "scan": False},
        )
        with pytest.raises(Conflict, match="changed again since"):
            await client.call("undo.apply")
        assert [one for one in await client.call("source.list") if one in known] == known
