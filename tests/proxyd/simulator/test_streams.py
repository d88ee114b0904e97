"""The addresses that ONVIF tells play the right stream, on every dialect; the device's faults reach RTSP."""

from __future__ import annotations

import asyncio

import pytest

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.faults import Faults
from tests.player.client import RtspClientError
from tests.player.watch import WatchResult, watch
from tests.proxyd.simulator.onvif_requests import OnvifRequests


async def told_address(onvif: OnvifRequests, token: str) -> str:
    reply = await onvif.call("trt:GetStreamUri", f"<trt:ProfileToken>{token}</trt:ProfileToken>")
    return reply.texts("tt:Uri")[0].replace("&amp;", "&")


async def play(nvr: SimulatedNvr, url: str, *, password: str | None = None, frames: int = 3) -> WatchResult:
    return await watch(
        url,
        username=nvr.username,
        password=nvr.password if password is None else password,
        frames=frames,
        deadline_s=20,
    )


@pytest.mark.parametrize("dialect", tuple(DIALECTS))
async def test_told_addresses_play_their_stream(dialect: str) -> None:
    async with SimulatedNvr(channels=3, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        profiles = nvr.layout.profiles
        addresses = [await told_address(onvif, profile.token) for profile in profiles]
        watched = await asyncio.gather(*(play(nvr, address) for address in addresses))
        for profile, result in zip(profiles, watched, strict=True):
            stream = 0 if profile.media.name == "main" else 1
            assert result.counter.sources == {(profile.channel, stream)}
            assert result.counter.codec == profile.media.codec
        assert nvr.wrong_passwords == 0


async def test_h265_of_media2_plays() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(media2_only_h265=True)) as nvr:
        main = nvr.layout.profiles[0]
        result = await play(nvr, f"rtsp://{nvr.host}:{nvr.rtsp_port}{main.rtsp}")
        assert result.counter.codec == "H265"


async def test_offline_channels_and_unknown_addresses_do_not_play() -> None:
    async with SimulatedNvr(channels=2, faults=Faults(offline=frozenset({2}))) as nvr:
        for path in (nvr.layout.profiles[2].rtsp, "/nothing/here"):
            with pytest.raises(RtspClientError, match="404"):
                await play(nvr, f"rtsp://{nvr.host}:{nvr.rtsp_port}{path}")


async def test_wrong_passwords_on_rtsp_count_towards_the_lockout() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(lockout_after=1)) as nvr, OnvifRequests(nvr) as onvif:
        url = f"rtsp://{nvr.host}:{nvr.rtsp_port}{nvr.layout.profiles[0].rtsp}"
        with pytest.raises(RtspClientError, match="401"):
            await play(nvr, url, password="wrong")
        assert nvr.wrong_passwords == 1
        assert (await onvif.call("trt:GetProfiles")).subcodes == ["NotAuthorized"]
        with pytest.raises(RtspClientError, match="401"):
            await play(nvr, url)
        await nvr.restart(0)
        assert (await play(nvr, url)).counter.frames >= 3


async def test_a_restart_ends_the_streams() -> None:
    async with SimulatedNvr(channels=1) as nvr:
        url = f"rtsp://{nvr.host}:{nvr.rtsp_port}{nvr.layout.profiles[0].rtsp}"
        playing = asyncio.create_task(play(nvr, url, frames=100_000), name="player")
        while nvr.rtsp_sessions == 0:
            await asyncio.sleep(0)
        await nvr.restart(0)
        with pytest.raises((RtspClientError, OSError, EOFError)):
            await playing
        assert (await play(nvr, url)).counter.began_with_key
