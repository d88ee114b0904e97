"""The rules of recorders that many people run, each kept by cameras of a whole running product."""

from __future__ import annotations

import asyncio
import base64
import datetime
import io
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from lxml import etree
from PIL import Image
from zeep.exceptions import Fault

from proxyd import digest
from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.discovery.sockets import PORT
from proxyd.onvif.namespaces import DEVICE, EVENTS, MEDIA, MEDIA2, clark
from tests.bench.signed import signed_request
from tests.player.play import play
from tests.proxyd.discovery.wire import Recorder as Searcher
from tests.proxyd.discovery.wire import probe
from tests.proxyd.onvif.builders import fault_of
from tests.proxyd.onvif.recorder import running_recorder

from .stack import Stack, credentials, running_stack, wait_for_states
from .test_events import ALARM, CELL, motion, pull_point, pulled, told
from .test_ptz import FOV, cameras_of, moved, recorder, until_idle

_MINUTE = datetime.timedelta(minutes=1)
_SETUP = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
_TYPE = {"Content-Type": "application/soap+xml; charset=utf-8"}


@asynccontextmanager
async def product(*options: str) -> AsyncIterator[tuple[Stack, RpcClient, dict[int, m.Camera]]]:
    """Cameras by channel; the camera of channel 2 moves."""
    async with running_stack("--channels", "2", *options) as stack, stack.client() as client:
        yield stack, client, await cameras_of(stack, client)


def unsigned(operation: str) -> bytes:
    """A request to the device service without any token."""
    body = f'<s:Body><{operation} xmlns="{DEVICE}"/></s:Body>'
    return f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">{body}</s:Envelope>'.encode()


async def hardware_address(device: Any) -> str:
    """What Home Assistant makes the unique id of: the address of the first interface that is enabled."""
    management = await device.create_devicemgmt_service()
    interfaces = await management.GetNetworkInterfaces()
    return str(next(each for each in interfaces if each.Enabled).Info.HwAddress)


async def test_home_assistant_sets_up_a_camera_and_knows_it_again() -> None:
    async with product() as (stack, client, cameras):
        unique = {}
        for channel, camera in cameras.items():
            async with recorder(client, camera) as device:
                unique[channel] = await hardware_address(device)
                assert unique[channel] == camera.mac
                media = await device.create_media_service()
                assert (await media.GetServiceCapabilities()).SnapshotUri is True
                profiles = [
                    profile
                    for profile in await media.GetProfiles()
                    if profile.VideoEncoderConfiguration and profile.VideoEncoderConfiguration.Encoding == "H264"
                ]
                assert profiles, "it takes H.264 profiles only"
                for profile in profiles:
                    uri = await media.GetStreamUri({"ProfileToken": profile.token, "StreamSetup": _SETUP})
                    player = await play(uri.Uri, await credentials(client, camera), 0, frames=10)
                    assert {number for number, _ in player.counter.sources} == {channel}
                assert (await device.get_snapshot(profiles[0].token)).startswith(b"\xff\xd8")
                capabilities = await device.get_capabilities()
                assert capabilities["Events"]["WSPullPointSupport"]
                assert bool(capabilities["PTZ"]) == (channel == 2)
        assert len(set(unique.values())) == 2
        await stack.scan(client, (await client.call("nvr.list"))[0])
        stack.kill_daemon(signal.SIGTERM)
        stack.start_daemon()
        async with stack.client() as again:
            await wait_for_states(again, m.CameraState.RUNNING)
            async with recorder(again, cameras[2]) as device:
                assert await hardware_address(device) == unique[2]


async def test_home_assistant_finds_cameras_by_the_streaming_scope() -> None:
    async with product() as (_, _client, cameras), Searcher(PORT) as searcher:
        searcher.ask(probe())
        waiting = {camera.address for camera in cameras.values()}
        async with asyncio.timeout(60):
            while waiting:
                said = await searcher.hears("ProbeMatches", timeout_s=60)
                if said.sender[0] in waiting:
                    waiting.remove(said.sender[0])
                    scopes = said.text("Scopes").split()
                    assert "onvif://www.onvif.org/Profile/Streaming" in scopes
                    assert [scope for scope in scopes if "/name/" in scope]
                    assert [scope for scope in scopes if "/hardware/" in scope]


async def test_home_assistant_hears_motion_by_webhook_and_by_pull_point() -> None:
    async with (
        product() as (stack, client, cameras),
        running_recorder() as webhook,
        recorder(client, cameras[1]) as device,
        pull_point(device) as puller,
    ):
        manager = await device.create_notification_manager(webhook.url, _MINUTE, lambda: None)
        await webhook.wait_for(1)
        await puller.set_synchronization_point()
        assert (ALARM, "false") in await pulled(puller)
        await motion(stack, 1, True)
        assert await pulled(puller) == [(ALARM, "true"), (CELL, "true")]
        heard: list[tuple[str, str]] = []
        seen = 0
        while (CELL, "true") not in heard:
            await webhook.wait_for(seen + 1)
            seen = len(webhook.bodies)
            heard = [message for body in webhook.bodies for message in told(manager.process(body))]
        await puller._call_subscription_renew()
        await manager.shutdown()


async def test_frigate_follows_an_object_with_a_camera() -> None:
    async with product() as (stack, client, cameras), recorder(client, cameras[2]) as device:
        management = await device.create_devicemgmt_service()
        assert (await management.GetCapabilities({"Category": "All"})).PTZ.XAddr
        media = await device.create_media_service()
        profile = next(each for each in await media.GetProfiles() if each.PTZConfiguration)
        assert profile.VideoEncoderConfiguration
        ptz = await device.create_ptz_service()
        options = await ptz.GetConfigurationOptions({"ConfigurationToken": profile.PTZConfiguration.token})
        spaces = [space.URI for space in options.Spaces.RelativePanTiltTranslationSpace]
        assert any("TranslationSpaceFov" in space for space in spaces)
        assert (await ptz.GetServiceCapabilities())._attr_1["MoveStatus"] == "true"
        assert (await ptz.GetStatus({"ProfileToken": profile.token})).UtcTime.tzinfo is not None
        move = {"PanTilt": {"x": 0.5, "y": 0.25, "space": FOV}}
        speed = {"PanTilt": {"x": 1.0, "y": 1.0}}
        await ptz.RelativeMove({"ProfileToken": profile.token, "Translation": move, "Speed": speed})
        status = await until_idle(ptz, profile.token)
        assert status.Position.PanTilt.x > 0
        assert (await moved(stack)).keys() == {"2"}


async def test_synology_makes_no_profile_and_hears_the_motion_alarm() -> None:
    async with product() as (stack, client, cameras), recorder(client, cameras[1]) as device:
        media = await device.create_media_service()
        with pytest.raises(Fault) as refused:
            await media.CreateProfile({"Name": "SynoProfile"})
        assert refused.value.code == "env:Receiver"
        assert [code.localname for code in refused.value.subcodes] == ["Action", "MaxNVTProfiles"]
        async with pull_point(device) as puller:
            await pulled(puller)
            await motion(stack, 1, True)
            assert (ALARM, "true") in await pulled(puller)


class Protect:
    """UniFi Protect 7: a fresh token in each request but the first, several requests at once."""

    def __init__(self, camera: m.Camera, secret: tuple[str, str], session: aiohttp.ClientSession) -> None:
        self.device = str(camera.onvif_url)
        self.media = self.device.replace("device_service", "media_service")
        self.secret = secret
        self._session = session

    async def ask(self, url: str, operation: str, namespace: str, content: str = "") -> etree._Element:
        body = signed_request(url, operation, namespace, *self.secret, content).partition(b"\r\n\r\n")[2]
        async with self._session.post(url, data=body, headers=_TYPE) as response:
            raw = await response.read()
            assert response.status == 200, raw
        assert raw.startswith(b"<?xml"), "its parser takes no byte before the document"
        return etree.fromstring(raw)[-1][0]


async def test_unifi_protect_adopts_in_its_order() -> None:
    async with product() as (stack, client, cameras), aiohttp.ClientSession() as session:
        camera = cameras[2]
        protect = Protect(camera, await credentials(client, camera), session)
        async with session.post(protect.device, data=unsigned("GetSystemDateAndTime"), headers=_TYPE) as response:
            assert response.status == 200
            told_time = etree.fromstring(await response.read())
            assert told_time.find(f".//{clark('tt:UTCDateTime')}") is not None
        wish = "<IncludeCapability>true</IncludeCapability>"
        services = await protect.ask(protect.device, "GetServices", DEVICE, wish)
        addresses = {one.findtext(clark("tds:Namespace")): one.findtext(clark("tds:XAddr")) or "" for one in services}
        assert await protect.ask(addresses[MEDIA2], "GetProfiles", MEDIA2) is not None
        profiles, sources, about, interfaces = await asyncio.gather(
            protect.ask(addresses[MEDIA], "GetProfiles", MEDIA),
            protect.ask(addresses[MEDIA], "GetVideoSources", MEDIA),
            protect.ask(protect.device, "GetDeviceInformation", DEVICE),
            protect.ask(protect.device, "GetNetworkInterfaces", DEVICE),
        )
        assert about.findtext(clark("tds:SerialNumber"))
        assert [each.text for each in interfaces.iter(clark("tt:HwAddress"))] == [camera.mac]
        assert [each.get("token") for each in sources] == [profiles.findtext(f".//{clark('tt:SourceToken')}")]
        sizes = []
        for profile, stream in zip(profiles, camera.streams, strict=True):
            int(profile.findtext(f".//{clark('tt:FrameRateLimit')}") or "")
            resolution = next(profile.iter(clark("tt:Resolution")))
            sizes.append(tuple(int(each.text or "") for each in resolution))
            token = f"<ProfileToken>{profile.get('token')}</ProfileToken>"
            schema = 'xmlns="http://www.onvif.org/ver10/schema"'
            setup = (
                f"<StreamSetup><Stream {schema}>RTP-Unicast</Stream>"
                f"<Transport {schema}><Protocol>RTSP</Protocol></Transport></StreamSetup>"
            )
            uri, picture = await asyncio.gather(
                protect.ask(protect.media, "GetStreamUri", MEDIA, setup + token),
                protect.ask(protect.media, "GetSnapshotUri", MEDIA, token),
            )
            assert uri.findtext(f".//{clark('tt:Uri')}") == stream.url
        assert sizes == [(stream.width, stream.height) for stream in camera.streams]
        url = picture.findtext(f".//{clark('tt:Uri')}") or ""
        basic = base64.b64encode(":".join(protect.secret).encode()).decode()
        async with session.get(url, headers={"Authorization": f"Basic {basic}"}) as response:
            assert Image.open(io.BytesIO(await response.read())).size == sizes[0]
        pull = await protect.ask(addresses[EVENTS], "CreatePullPointSubscription", EVENTS)
        address = pull.findtext(f".//{clark('wsa:Address')}") or ""
        await motion(stack, 2, True)
        seen = b""
        async with asyncio.timeout(60):
            while b'Name="IsMotion" Value="true"' not in seen:
                wait = "<Timeout>PT5S</Timeout><MessageLimit>10</MessageLimit>"
                seen += etree.tostring(await protect.ask(address, "PullMessages", EVENTS, wait))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_nvrs_of_hikvision_and_dahua_ask_without_an_account_first(algorithm: str) -> None:
    async with product() as (_, client, cameras), aiohttp.ClientSession() as session:
        camera, url = cameras[1], str(cameras[1].onvif_url)
        username, password = await credentials(client, camera)

        async def ask(operation: str, authorization: str = "") -> tuple[int, bytes, list[str]]:
            headers = _TYPE | ({"Authorization": authorization} if authorization else {})
            async with session.post(url, data=unsigned(operation), headers=headers) as response:
                return response.status, await response.read(), response.headers.getall("WWW-Authenticate", [])

        for operation in (
            *("GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetServiceCapabilities"),
            *("GetHostname", "GetEndpointReference", "GetWsdlUrl"),
        ):
            assert (await ask(operation))[0] == 200, operation
        status, answer, challenges = await ask("GetDeviceInformation")
        assert status == 401
        assert fault_of(answer)[:2] == ("env:Sender", ["ter:NotAuthorized"])
        chosen = next(one for one in digest.parse_challenges(challenges) if one.algorithm == algorithm)
        header = digest.authorization(
            chosen,
            method="POST",
            uri="/onvif/device_service",
            username=username,
            password=password,
            cnonce=os.urandom(8).hex(),
        )
        status, answer, _ = await ask("GetDeviceInformation", header)
        assert status == 200, answer
        entries: list[m.TraceEntry] = await client.call("camera.trace", {"id": camera.id})
        assert not [entry for entry in entries if not entry.ok], "asking first without an account is no trouble"
