"""A recorder sets an encoder, from end to end: refused, then allowed, then done at the NVR and told ever after."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import onvif
import pytest
from onvif import ONVIFCamera, ONVIFError
from PIL import Image
from zeep.exceptions import Fault

from proxyd.api import models as m
from tests.player.play import play

from .stack import credentials, running_stack, wait_for_states

_WSDL = Path(onvif.__file__).parent / "wsdl"


@asynccontextmanager
async def recorder(camera: m.Camera, account: tuple[str, str]) -> AsyncIterator[Any]:
    assert camera.onvif_url is not None
    host, _, port = camera.onvif_url.split("/")[2].partition(":")
    device = ONVIFCamera(host, int(port or 80), *account, wsdl_dir=str(_WSDL), no_cache=True)
    try:
        await device.update_xaddrs()
        yield device
    finally:
        await device.close()


async def picture_size(camera: m.Camera, account: tuple[str, str]) -> tuple[int, int]:
    assert camera.snapshot_url is not None
    async with (
        aiohttp.ClientSession(middlewares=(aiohttp.DigestAuthMiddleware(*account),)) as session,
        session.get(camera.snapshot_url) as response,
    ):
        assert response.status == 200
        return Image.open(io.BytesIO(await response.read())).size


@pytest.mark.parametrize("dialect", ["hikvision", "gsoap"])
async def test_an_encoder_is_set_at_the_nvr_once_the_operator_allows_it(dialect: str) -> None:
    async with running_stack("--channels", "2", "--dialect", dialect) as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        first, second = sorted(await wait_for_states(client, m.CameraState.RUNNING), key=lambda c: c.channel)
        account = await credentials(client, first)
        async with recorder(first, account) as device:
            media = await device.create_media_service()
            main = (await media.GetVideoEncoderConfigurations())[0]
            await media.SetVideoEncoderConfiguration({"Configuration": main, "ForcePersistence": True})
            main.RateControl.FrameRateLimit = 10
            wish = {"Configuration": main, "ForcePersistence": True}
            with pytest.raises((ONVIFError, Fault), match="set on the NVR"):
                await media.SetVideoEncoderConfiguration(wish)
            assert "SetVideoEncoderConfiguration" not in (await stack.simulator_state())["requests"]

            await client.call("camera.update", {"id": first.id, "forward": True})
            asked = {"ConfigurationToken": main.token}
            options = await media.GetVideoEncoderConfigurationOptions(asked)
            assert (options.H264.FrameRateRange.Min, options.H264.FrameRateRange.Max) == (1, 30)
            await media.SetVideoEncoderConfiguration(wish)
            told = await media.GetVideoEncoderConfiguration(asked)
            assert told.RateControl.FrameRateLimit == 10
            main.RateControl.FrameRateLimit = 500
            with pytest.raises((ONVIFError, Fault), match="did not do it"):
                await media.SetVideoEncoderConfiguration(wish)
        changed: m.Camera = await client.call("camera.get", {"id": first.id})
        assert (changed.streams[0].fps, changed.streams[1]) == (10, first.streams[1])
        assert (await client.call("camera.get", {"id": second.id})).streams[0].fps == second.streams[0].fps
        log: list[m.LogEntry] = await client.call("log.tail", {})
        assert any("changed the encoder of the main stream" in entry.message for entry in log)
        await play(changed.streams[0].url, account, 0)
        # What was set is what the next scan finds.
        nvr: m.Nvr = (await client.call("nvr.list"))[0]
        job = await stack.scan(client, nvr)
        assert job.diff is not None and job.diff.changed == []
        assert await picture_size(changed, account) == (changed.streams[0].width, changed.streams[0].height)


async def test_hidden_h265_is_told_to_nobody_and_goes_on_for_who_knows_it() -> None:
    async with running_stack("--channels", "1", "--dialect", "uniview") as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        main, sub = camera.streams
        assert (main.codec, sub.codec) == ("H265", "H264")
        account = await credentials(client, camera)
        assert await picture_size(camera, account) == (main.width, main.height)
        async with recorder(camera, account) as device:
            media = await device.create_media_service()
            assert (await media.GetProfile({"ProfileToken": "main"})).VideoEncoderConfiguration is None
            changed: m.Camera = await client.call("camera.update", {"id": camera.id, "h265": False, "audio": False})
            assert (changed.h265, changed.audio, changed.forward) == (False, False, False)
            with pytest.raises((ONVIFError, Fault), match="no profile"):
                await media.GetProfile({"ProfileToken": "main"})
            assert [profile.token for profile in await media.GetProfiles()] == ["sub"]
        assert await picture_size(camera, account) == (sub.width, sub.height)
        await play(main.url, account, 0)
        messages = [entry.message for entry in await client.call("log.tail", {})]
        assert f"H.265 streams of {camera.name} are hidden from recorders." in messages


async def test_rules_of_the_nvr_are_read_through_the_camera() -> None:
    async with running_stack("--channels", "1", "--dialect", "hikvision") as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        async with recorder(camera, await credentials(client, camera)) as device:
            media = await device.create_media_service()
            (profile, _) = await media.GetProfiles()
            token = profile.VideoAnalyticsConfiguration.token
            assert token == "video_analytics_config"
            modules = await (await device.create_analytics_service()).GetAnalyticsModules({"ConfigurationToken": token})
            assert [(module.Name, str(module.Type)) for module in modules] == [
                ("MyCellMotionModule", "tt:CellMotionEngine")
            ]
