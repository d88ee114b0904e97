"""A real ONVIF client (onvif-zeep-async) reads every dialect with 16 channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from onvif import ONVIFCamera
from yarl import URL

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.faults import Faults
from proxyd.simulator.seen import MAX_OPERATIONS
from tests.proxyd.simulator.onvif_requests import OnvifRequests, token

ALL = tuple(DIALECTS)
RTSP_UNICAST = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}


class DigestCamera(ONVIFCamera):  # type: ignore[misc]  # the library is untyped
    """The client with HTTP Digest instead of UsernameToken, which it cannot do by itself."""

    async def create_onvif_service(self, *args: Any, **kwargs: Any) -> Any:
        service = await super().create_onvif_service(*args, **kwargs)
        if not hasattr(service, "digest_session"):
            login = aiohttp.DigestAuthMiddleware(self.user, self.passwd)
            service.digest_session = aiohttp.ClientSession(middlewares=[login])
            service.transport.session = service.digest_session
        return service

    async def close(self) -> None:
        for service in self.services.values():
            await service.digest_session.close()
        await super().close()


@asynccontextmanager
async def adopted(nvr: SimulatedNvr) -> AsyncIterator[ONVIFCamera]:
    kind = ONVIFCamera if "wsse" in DIALECTS[nvr.dialect].auth else DigestCamera
    camera = kind(nvr.host, nvr.port, nvr.username, nvr.password, no_cache=True)
    try:
        await camera.update_xaddrs()
        yield camera
    finally:
        await camera.close()


@pytest.mark.parametrize("dialect", ALL)
async def test_sixteen_channels(dialect: str) -> None:
    async with SimulatedNvr(channels=16, dialect=dialect) as nvr, adopted(nvr) as camera:
        information = await camera.services["devicemgmt", None].GetDeviceInformation()
        media = await camera.create_media_service()
        profiles = await media.GetProfiles()
        sources = await media.GetVideoSources()
        expected = DIALECTS[dialect]
        assert information.Manufacturer == expected.manufacturer
        assert dialect.upper() in information.SerialNumber
        assert len(profiles) == 32
        assert len(sources) == (32 if expected.source_per_stream else 16)
        sizes = {(p.VideoEncoderConfiguration.Resolution.Width, p.VideoEncoderConfiguration.Encoding) for p in profiles}
        assert sizes == {(1280, expected.main_codec), (640, "H264")}
        assert all(int(p.VideoEncoderConfiguration.RateControl.FrameRateLimit) > 0 for p in profiles)
        addresses = set()
        for profile in profiles:
            asked = {"StreamSetup": RTSP_UNICAST, "ProfileToken": profile.token}
            address = URL((await media.GetStreamUri(asked)).Uri.strip())
            assert (address.scheme, address.host, address.port) == ("rtsp", nvr.host, nvr.rtsp_port)
            addresses.add(str(address))
        assert len(addresses) == 32
        assert nvr.wrong_passwords == 0
        assert nvr.requests["GetStreamUri"] == 32


@pytest.mark.parametrize("dialect", ALL)
async def test_snapshots_are_the_channels_own(dialect: str) -> None:
    async with SimulatedNvr(channels=3, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        profiles = await onvif.call("trt:GetProfiles")
        tokens = [p.get("token") for p in profiles.body]
        for profile_token in tokens:
            reply = await onvif.call("trt:GetSnapshotUri", f"<trt:ProfileToken>{profile_token}</trt:ProfileToken>")
            uri = reply.texts("tt:Uri")[0].replace("&amp;", "&")
            url = uri if uri.startswith("http") else f"http://{nvr.host}:{nvr.port}{uri}"
            layout_profile = next(p for p in nvr.layout.profiles if p.token == profile_token)
            status, picture = await onvif.picture(url)
            assert status == 200
            assert picture.startswith(b"\xff\xd8")
            assert b"channel=%d" % layout_profile.channel in picture[:200]
        assert (await onvif.picture(url, password="wrong"))[0] == 401
        assert nvr.wrong_passwords >= 1


async def test_reolinks_pictures_come_from_another_port() -> None:
    async with SimulatedNvr(channels=1, dialect="reolink") as nvr, OnvifRequests(nvr) as onvif:
        assert nvr.web_port != nvr.port
        reply = await onvif.call("trt:GetSnapshotUri", "<trt:ProfileToken>000</trt:ProfileToken>")
        url = URL(reply.texts("tt:Uri")[0])
        assert url.port == nvr.web_port
        assert (await onvif.picture(str(url)))[0] == 200
        assert (await onvif.picture(str(url.with_port(nvr.port))))[0] == 404
        async with onvif.session.post(f"http://{nvr.host}:{nvr.web_port}/onvif/device_service") as soap:
            assert soap.status == 404


async def test_oddities_are_on_the_wire() -> None:
    """zeep hides some of them, so look at the text."""
    ask = "<trt:ProfileToken>{}</trt:ProfileToken>"
    async with SimulatedNvr(channels=1, dialect="dahua") as nvr, OnvifRequests(nvr) as onvif:
        text = (await onvif.call("trt:GetStreamUri", ask.format("MediaProfile00000"))).text
        assert "<tt:Uri>\n" in text
    async with SimulatedNvr(channels=1, dialect="gsoap") as nvr, OnvifRequests(nvr) as onvif:
        text = (await onvif.call("trt:GetStreamUri", ask.format("Profile1"))).text
        assert "&amp;amp;" in text
        services = await onvif.call("tds:GetServices", auth=False)
        assert "ver20/media" not in services.text


@pytest.mark.parametrize("dialect", [d for d in ALL if DIALECTS[d].paths.media2])
async def test_media2_tells_configurations_only_when_asked(dialect: str) -> None:
    async with SimulatedNvr(channels=2, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        bare = await onvif.call("tr2:GetProfiles")
        assert len(bare.body) == 4
        assert bare.texts("tt:Encoding") == []
        full = await onvif.call("tr2:GetProfiles", "<tr2:Type>All</tr2:Type>")
        main = DIALECTS[dialect].main_codec
        assert full.texts("tt:Encoding") == [main, "H264"] * 2
        wanted = full.body[2].get("token")
        uri = await onvif.call(
            "tr2:GetStreamUri", f"<tr2:Protocol>RTSP</tr2:Protocol><tr2:ProfileToken>{wanted}</tr2:ProfileToken>"
        )
        assert uri.texts("tr2:Uri")[0].startswith("rtsp://")


@pytest.mark.parametrize("dialect", ALL)
async def test_everything_but_the_open_operations_needs_a_password(dialect: str) -> None:
    async with SimulatedNvr(channels=1, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        for operation in ("GetSystemDateAndTime", "GetCapabilities", "GetServices", "GetHostname"):
            assert (await onvif.call(f"tds:{operation}", auth=False)).status == 200
        for operation in ("tds:GetDeviceInformation", "trt:GetProfiles", "tev:CreatePullPointSubscription"):
            refused = await onvif.call(operation, auth=False)
            assert refused.status in (400, 401)
            digest = "digest" in DIALECTS[dialect].auth
            assert bool(refused.challenges) == digest
        assert nvr.wrong_passwords == 0
        wrong = await onvif.call("trt:GetProfiles", password="wrong")
        assert wrong.status in (400, 401)
        assert nvr.wrong_passwords == 1
        if "wsse" in DIALECTS[dialect].auth:
            assert wrong.subcodes == ["NotAuthorized"]


@pytest.mark.parametrize("dialect", ["hikvision", "dahua", "axis"])
async def test_http_digest_is_accepted(dialect: str) -> None:
    async with SimulatedNvr(channels=1, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        assert (await onvif.call("trt:GetProfiles", digest=True)).status == 200
        assert (await onvif.call("trt:GetProfiles", digest=True, password="wrong")).status == 401


async def test_a_token_means_nothing_to_axis() -> None:
    async with SimulatedNvr(channels=1, dialect="axis") as nvr, OnvifRequests(nvr) as onvif:
        reply = await onvif.call("trt:GetProfiles", auth=False, security=token(nvr.username, nvr.password))
        assert (reply.status, reply.content_type) == (401, "text/html")


async def test_an_empty_post_gets_the_challenge() -> None:
    """curl --digest begins like this."""
    async with SimulatedNvr(channels=1, dialect="axis") as nvr, aiohttp.ClientSession() as session:
        async with session.post(nvr.onvif_url) as reply:
            assert (reply.status, "WWW-Authenticate" in reply.headers) == (401, True)
        async with session.post(nvr.onvif_url, data=b"<nonsense") as reply:
            assert (reply.status, await reply.read()) == (400, b"")
        async with session.put(nvr.onvif_url) as reply:
            assert reply.status == 405
        async with session.post(nvr.onvif_url, data=b"x" * 300_000) as reply:
            assert reply.status == 413


async def test_unknown_things_get_their_fault() -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        assert (await onvif.call("tds:SystemReboot")).subcodes == ["ActionNotSupported"]
        assert (await onvif.call("trt:GetProfiles", path="/onvif/device_service")).subcodes == ["ActionNotSupported"]
        lost = await onvif.call("trt:GetStreamUri", "<trt:ProfileToken>nobody</trt:ProfileToken>")
        assert lost.subcodes == ["InvalidArgVal", "NoProfile"]


async def test_invented_operations_do_not_fill_the_memory() -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        for number in range(MAX_OPERATIONS + 20):
            await onvif.call(f"tds:Invented{number}")
        assert len(nvr.requests) == MAX_OPERATIONS + 1
        assert nvr.requests["other"] == 20


async def test_parallel_requests_are_counted() -> None:
    faults = Faults(slow_s=0.2)
    async with SimulatedNvr(channels=1, faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        await asyncio.gather(*(onvif.call("trt:GetProfiles") for _ in range(5)))
        assert nvr.peak_parallel == 5
        assert nvr.requests["GetProfiles"] == 5
