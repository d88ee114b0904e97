"""PTZ and imaging from end to end: a recorder moves one virtual camera, and exactly its channel moves at the NVR."""

from __future__ import annotations

import asyncio
import datetime
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import onvif
import pytest
import zeep.exceptions
from onvif import ONVIFCamera

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.camera.features import MAX_PRESETS
from proxyd.errors import Conflict, NotFound

from .stack import Stack, credentials, running_stack, wait_for_states

FOV = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/TranslationSpaceFov"
_WSDL = Path(onvif.__file__).parent / "wsdl"


@asynccontextmanager
async def recorder(client: RpcClient, camera: m.Camera) -> AsyncIterator[Any]:
    """onvif-zeep-async, connected to a virtual camera."""
    username, password = await credentials(client, camera)
    assert camera.onvif_url is not None
    host, _, port = camera.onvif_url.split("/")[2].partition(":")
    device = ONVIFCamera(host, int(port or 80), username, password, wsdl_dir=str(_WSDL), no_cache=True)
    try:
        await device.update_xaddrs()
        yield device
    finally:
        await device.close()


async def cameras_of(stack: Stack, client: RpcClient) -> dict[int, m.Camera]:
    job = await stack.scan(client, await stack.add_nvr(client))
    assert job.state is m.JobState.DONE, job.error
    return {camera.channel: camera for camera in await wait_for_states(client, m.CameraState.RUNNING)}


async def moved(stack: Stack) -> dict[str, list[str]]:
    """What was done by PTZ, by channel."""
    optics = (await stack.simulator_state())["optics"]
    return {number: shown["ptz"]["done"] for number, shown in optics.items() if shown.get("ptz", {}).get("done")}


async def until_standing(stack: Stack, channel: str, timeout_s: float = 60) -> list[str]:
    """What was done with it, once it does not move any more."""
    async with asyncio.timeout(timeout_s):
        while True:
            camera = (await stack.simulator_state())["optics"][channel]["ptz"]
            if not camera["moving"]:
                done: list[str] = camera["done"]
                return done
            await asyncio.sleep(0.05)


async def until_idle(ptz: Any, profile: str, timeout_s: float = 60) -> Any:
    async with asyncio.timeout(timeout_s):
        while True:
            status = await ptz.GetStatus({"ProfileToken": profile})
            if (status.MoveStatus.PanTilt, status.MoveStatus.Zoom) == ("IDLE", "IDLE"):
                return status
            await asyncio.sleep(0.05)


async def test_a_recorder_moves_exactly_the_channel_it_means() -> None:
    async with running_stack("--channels", "4", "--dialect", "hikvision") as stack, stack.client() as client:
        cameras = await cameras_of(stack, client)
        async with recorder(client, cameras[4]) as device:
            media = await device.create_media_service()
            profiles = await media.GetProfiles()
            assert [p.PTZConfiguration.NodeToken for p in profiles] == ["ptz_node", "ptz_node"]
            ptz = await device.create_ptz_service()
            spaces = (await ptz.GetNodes())[0].SupportedPTZSpaces
            assert FOV in [space.URI for space in spaces.RelativePanTiltTranslationSpace]
            # What Frigate asks before it follows objects with a camera.
            node = {"ConfigurationToken": profiles[0].PTZConfiguration.token}
            options = await ptz.GetConfigurationOptions(node)
            assert FOV in [space.URI for space in options.Spaces.RelativePanTiltTranslationSpace]
            assert (await ptz.GetServiceCapabilities())._attr_1["MoveStatus"] == "true"
            main, sub = (p.token for p in profiles)
            velocity = {"PanTilt": {"x": 0.5, "y": 0.0}, "Zoom": {"x": 0.0}}
            await ptz.ContinuousMove({"ProfileToken": main, "Velocity": velocity})
            assert (await ptz.GetStatus({"ProfileToken": main})).MoveStatus.PanTilt == "MOVING"
            await ptz.Stop({"ProfileToken": main, "PanTilt": True, "Zoom": True})
            status = await until_idle(ptz, main)
            assert 0 < status.Position.PanTilt.x < 1
            away = abs(status.UtcTime - datetime.datetime.now(datetime.UTC))
            assert away < datetime.timedelta(seconds=30)
            token = await ptz.SetPreset({"ProfileToken": main, "PresetName": "Gate"})
            move = {"PanTilt": {"x": -1.0, "y": 0.5, "space": FOV}}
            await ptz.RelativeMove({"ProfileToken": sub, "Translation": move})
            await until_idle(ptz, sub)
            presets = await ptz.GetPresets({"ProfileToken": sub})
            assert [(p.Name, p.token) for p in presets] == [("Gate", token)]
            assert token.startswith("preset_")
            await ptz.GotoPreset({"ProfileToken": sub, "PresetToken": token})
            back = await until_idle(ptz, sub)
            assert back.Position.PanTilt.x == pytest.approx(status.Position.PanTilt.x, abs=0.01)
            for number in range(7):
                await ptz.SetPreset({"ProfileToken": main, "PresetName": f"Place {number}"})
            with pytest.raises(zeep.exceptions.Fault) as refused:
                await ptz.SetPreset({"ProfileToken": main, "PresetName": "one too many"})
            assert [code.localname for code in refused.value.subcodes] == ["Action", "TooManyPresets"]
        async with recorder(client, cameras[3]) as device:
            with pytest.raises(Exception, match="ptz"):
                await device.create_ptz_service()
        done = await moved(stack)
        assert list(done) == ["4"], "no other channel moved"
        steps = ["ContinuousMove pan=0.5 tilt=0 zoom=0", "Stop", "SetPreset 1", "RelativeMove pan=-0.1 tilt=0.05"]
        assert done["4"][:4] == steps
        assert done["4"][4].startswith("GotoPreset 1 ")
        assert len(done["4"]) == 5 + 7


async def test_of_very_many_presets_the_first_are_told_and_that_is_said() -> None:
    options = ("--channels", "4", "--dialect", "hikvision", "--fault", "presets=2000")
    async with running_stack(*options) as stack, stack.client() as client:
        cameras = await cameras_of(stack, client)
        async with recorder(client, cameras[4]) as device:
            ptz = await device.create_ptz_service()
            assert (await ptz.GetNodes())[0].MaximumNumberOfPresets == MAX_PRESETS
            for _ in range(2):
                presets = await ptz.GetPresets({"ProfileToken": "main"})
                assert [preset.Name for preset in presets] == [f"Preset {n + 1}" for n in range(MAX_PRESETS)]
            await ptz.GotoPreset({"ProfileToken": "main", "PresetToken": presets[-1].token})
        assert (await moved(stack))["4"] == [f"GotoPreset {MAX_PRESETS} pan=0 tilt=0 zoom=0"]
        assert stack.daemon is not None
        told = [line for line in stack.daemon.log.read_text().splitlines() if "lists 2000 presets" in line]
        assert len(told) == 1
        assert f"recorders are told the first {MAX_PRESETS}" in told[0]


async def test_what_moves_is_stopped_when_nobody_does_it() -> None:
    """On an NVR that moves on for ever: by the timeout, when the recorder goes, and when the daemon goes."""
    async with running_stack("--channels", "4", "--dialect", "dahua") as stack, stack.client() as client:
        cameras = await cameras_of(stack, client)
        slowly = {"Velocity": {"PanTilt": {"x": 0.01, "y": 0.0}}}
        async with recorder(client, cameras[1]) as device:
            ptz = await device.create_ptz_service()
            timeout = datetime.timedelta(seconds=1)
            await ptz.ContinuousMove({"ProfileToken": "main", "Timeout": timeout, **slowly})
            assert await until_standing(stack, "1") == ["ContinuousMove pan=0.01 tilt=0", "Stop"]
            long = datetime.timedelta(seconds=60)
            await ptz.ContinuousMove({"ProfileToken": "main", "Timeout": long, **slowly})
        assert len(await until_standing(stack, "1")) == 4, "the recorder has gone"
        async with recorder(client, cameras[1]) as one, recorder(client, cameras[4]) as two:
            for device in (one, two):
                ptz = await device.create_ptz_service()
                await ptz.ContinuousMove({"ProfileToken": "sub", "Timeout": long, **slowly})
            await client.call("camera.stop", {"ids": [cameras[1].id]})
            assert len(await until_standing(stack, "1")) == 6
            assert (await stack.simulator_state())["optics"]["4"]["ptz"]["moving"], "the other camera is not touched"
            await asyncio.to_thread(stack.kill_daemon, signal.SIGTERM)
            assert await until_standing(stack, "4") == ["ContinuousMove pan=0.01 tilt=0", "Stop"]


async def test_what_a_killed_daemon_left_moving_is_stopped_by_the_next_one() -> None:
    """Between the two the NVR moves on, unless it keeps time itself: this one does not."""
    async with running_stack("--channels", "1", "--dialect", "dahua") as stack:
        async with stack.client() as client:
            cameras = await cameras_of(stack, client)
            async with recorder(client, cameras[1]) as device:
                ptz = await device.create_ptz_service()
                velocity = {"PanTilt": {"x": 0.01, "y": 0.0}}
                long = datetime.timedelta(seconds=60)
                await ptz.ContinuousMove({"ProfileToken": "main", "Velocity": velocity, "Timeout": long})
                await asyncio.to_thread(stack.kill_daemon, signal.SIGKILL)
        assert (await stack.simulator_state())["optics"]["1"]["ptz"]["moving"], "nobody could stop it"
        for _ in range(2):  # the second one finds nothing to stop
            stack.start_daemon()
            async with stack.client() as client:
                await wait_for_states(client, m.CameraState.RUNNING)
                assert await until_standing(stack, "1") == ["ContinuousMove pan=0.01 tilt=0", "Stop"]
            await asyncio.to_thread(stack.kill_daemon, signal.SIGTERM)


async def test_an_operator_moves_a_camera_by_its_buttons() -> None:
    async with running_stack("--channels", "4", "--dialect", "dahua") as stack, stack.client() as client:
        cameras = await cameras_of(stack, client)
        assert {number for number, camera in cameras.items() if camera.ptz} == {1, 4}
        async with recorder(client, cameras[1]) as device:
            ptz = await device.create_ptz_service()
            await ptz.SetPreset({"ProfileToken": "main", "PresetName": "Gate"})
        id_ = cameras[1].id
        await client.call("camera.ptz", {"id": id_, "action": "right", "seconds": 0.3, "speed": 0.2})
        done = await until_standing(stack, "1")
        assert done == ["SetPreset 1", "ContinuousMove pan=0.2 tilt=0", "Stop"]
        assert await client.call("camera.presets", {"id": id_}) == ["Gate"]
        await client.call("camera.ptz", {"id": id_, "action": "preset", "preset": "gate"})
        await until_standing(stack, "1")
        await client.call("camera.ptz", {"id": id_, "action": "home"})
        done = await until_standing(stack, "1")
        assert [step.split()[0] for step in done[3:]] == ["GotoPreset", "GotoHomePosition"]
        with pytest.raises(NotFound, match="It has Gate"):
            await client.call("camera.ptz", {"id": id_, "action": "preset", "preset": "Moon"})
        with pytest.raises(Conflict, match="no PTZ for channel 2"):
            await client.call("camera.ptz", {"id": cameras[2].id, "action": "left"})
        await client.call("camera.stop", {"ids": [id_]})
        with pytest.raises(Conflict, match="does not run"):
            await client.call("camera.ptz", {"id": id_, "action": "left"})


async def test_picture_settings_are_read_and_focus_moves() -> None:
    async with running_stack("--channels", "3", "--dialect", "hikvision") as stack, stack.client() as client:
        cameras = await cameras_of(stack, client)
        async with recorder(client, cameras[3]) as device:
            imaging = await device.create_imaging_service()
            source = {"VideoSourceToken": "video_source"}
            assert (await imaging.GetOptions(source)).IrCutFilterModes == ["ON", "OFF", "AUTO"]
            assert (await imaging.GetImagingSettings(source)).Brightness == 50
            with pytest.raises(Exception, match="cannot be changed over ONVIF"):
                await imaging.SetImagingSettings({**source, "ImagingSettings": {"Brightness": 70}})
            await imaging.Move({**source, "Focus": {"Relative": {"Distance": 0.25}}})
        optics = (await stack.simulator_state())["optics"]
        done = {number: shown["imaging"]["done"] for number, shown in optics.items() if shown["imaging"]["done"]}
        assert done == {"3": ["Move Relative=0.25"]}

        # Now the operator lets recorders change them, and exactly that channel changes.
        await client.call("camera.update", {"id": cameras[3].id, "forward": True})
        async with recorder(client, cameras[3]) as device:
            imaging = await device.create_imaging_service()
            await imaging.SetImagingSettings({**source, "ImagingSettings": {"Brightness": 70}})
            assert (await imaging.GetImagingSettings(source)).Brightness == 70
        async with recorder(client, cameras[1]) as device:
            other = await device.create_imaging_service()
            assert (await other.GetImagingSettings(source)).Brightness == 50
