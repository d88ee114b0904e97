"""Cameras of RTSP addresses get other addresses or accounts, in real processes, and stay who they are."""

from __future__ import annotations

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.errors import InvalidInput, UpstreamAuthError, UpstreamError
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
