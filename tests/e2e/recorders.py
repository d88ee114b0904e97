"""A recorder in the test's own process: onvif-zeep-async for the services, our player for the streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from lxml import etree
from onvif import ONVIFCamera

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.onvif.namespaces import clark
from proxyd.onvif.soap import CONTENT_TYPE
from tests.player.play import Player
from tests.proxyd.onvif.builders import soap

SETUP = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
TIMEOUT_S = 120.0
_SOAP = {"Content-Type": CONTENT_TYPE}


@asynccontextmanager
async def device_of(camera: m.Camera, account: tuple[str, str]) -> AsyncIterator[Any]:
    """The camera as onvif-zeep-async sees it."""
    assert camera.onvif_url is not None
    address, _, port = camera.onvif_url.removeprefix("http://").partition("/")[0].partition(":")
    device = ONVIFCamera(address, int(port or 80), *account, no_cache=True)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await device.update_xaddrs()
            yield device
    finally:
        await device.close()


async def stream_uri(camera: m.Camera, account: tuple[str, str]) -> str:
    """Signs in, asks as recorders do, and returns the URI of the main stream."""
    async with device_of(camera, account) as device:
        management = await device.create_devicemgmt_service()
        await management.GetDeviceInformation()
        media = await device.create_media_service()
        profiles = await media.GetProfiles()
        answer = await media.GetStreamUri({"StreamSetup": SETUP, "ProfileToken": profiles[0].token})
        return str(answer.Uri)


async def adopt(camera: m.Camera, account: tuple[str, str]) -> None:
    """All that a recorder does, until pictures come."""
    uri = await stream_uri(camera, account)
    async with asyncio.timeout(TIMEOUT_S), Player(uri, *account) as player:
        await player.play(0.2)


@asynccontextmanager
async def adopted_from(source: str, camera: m.Camera, account: tuple[str, str]) -> AsyncIterator[Player]:
    """The camera plays to a recorder at `source`, another address of this machine, which did all that recorders do."""
    assert camera.onvif_url is not None
    services = camera.onvif_url.rpartition("/")[0]
    async with (
        asyncio.timeout(TIMEOUT_S),
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(local_addr=(source, 0)),
            middlewares=(aiohttp.DigestAuthMiddleware(*account),),
        ) as session,
    ):
        request = soap("trt:GetStreamUri", "<trt:ProfileToken>main</trt:ProfileToken>", header="")
        async with session.post(f"{services}/media_service", data=request, headers=_SOAP) as response:
            assert response.status == 200, await response.text()
            (uri,) = etree.fromstring(await response.read()).iter(clark("tt:Uri"))
    async with Player(uri.text or "", *account, source=source) as player:
        yield player


async def wait_for_adoption(client: RpcClient, wanted: Any, timeout_s: float = 60) -> m.Adoption:
    """The guided adoption, once `wanted(adoption)`; of a client that has subscribed."""
    adoption: m.Adoption = await client.call("adoption.get")
    async with asyncio.timeout(timeout_s):
        if wanted(adoption):
            return adoption
        async for event in client.events():
            if event.kind == "adoption":
                adoption = m.Adoption.model_validate(event.data)
                if wanted(adoption):
                    return adoption
    raise AssertionError(adoption)


async def wait_for_adopter(client: RpcClient, camera: int, who: str, timeout_s: float = 60) -> m.Camera:
    """The camera, once `who` has adopted it; of a client that has subscribed."""
    async with asyncio.timeout(timeout_s):
        found: m.Camera = await client.call("camera.get", {"id": camera})
        if found.adopted_by == who:
            return found
        async for event in client.events():
            if event.kind == "camera" and event.data["id"] == camera and event.data["adopted_by"] == who:
                return m.Camera.model_validate(event.data)
    raise AssertionError(camera)
