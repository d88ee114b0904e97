"""The daemon's side of the data plane: how many processes there are, and what the end of one means."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from proxyd import config
from proxyd.camera.settings import CameraSettings
from proxyd.errors import InvalidInput
from proxyd.rtsp.media_process import MediaSettings, MediaUnavailable
from proxyd.rtsp.plane import Plane, PlaneSettings
from tests.proxyd.rtsp.cameras import DEADLINE_S, camera, recorder, simulated_nvr


@asynccontextmanager
async def plane_of(settings: PlaneSettings) -> AsyncIterator[Plane]:
    plane = Plane(settings)
    await plane.start()
    try:
        yield plane
    finally:
        await plane.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            await asyncio.sleep(0.01)


async def test_more_streams_than_one_process_takes_start_another_and_each_ends_alone() -> None:
    alone = CameraSettings(share=False)
    async with (
        plane_of(PlaneSettings(processes=2, feeds_each=2)) as plane,
        simulated_nvr() as nvr,
        camera(nvr.port, plane=plane, settings=alone) as (server, _, url),
        AsyncExitStack() as stack,
    ):
        clients = [await stack.enter_async_context(recorder(server)) for _ in range(6)]
        (first,) = plane.pids
        for client in clients:
            await client.start(f"{url}/main")
            if client is clients[2]:
                await until(lambda: len(plane.pids) == 2)
        assert len(plane.pids) == 2  # not three: there are no more processors
        os.kill(first, signal.SIGKILL)
        await asyncio.gather(*(client.until_closed() for client in clients[:3]))
        await asyncio.gather(*(client.until_packets(len(client.packets) + 60) for client in clients[3:]))
        await until(lambda: nvr.sessions == 3)
        assert first not in plane.pids
        # The one that is left takes who comes back, until it has enough.
        again = await stack.enter_async_context(recorder(server))
        await again.start(f"{url}/main")
        await again.until_packets(10)


async def test_a_process_that_dies_again_and_again_is_started_again() -> None:
    async with plane_of(PlaneSettings(processes=1)) as plane:
        for _ in range(4):
            (pid,) = plane.pids
            os.kill(pid, signal.SIGKILL)
            await until(lambda: bool(plane.pids) and plane.pids != [pid])  # noqa: B023 - used at once
        (pid,) = plane.pids
    await until(lambda: not Path(f"/proc/{pid}").exists())


async def test_a_process_that_hangs_without_streams_is_replaced_when_the_first_recorder_comes() -> None:
    async with (
        plane_of(PlaneSettings(processes=1)) as plane,
        simulated_nvr() as nvr,
        camera(nvr.port, plane=plane) as (server, seen, url),
        recorder(server) as one,
        recorder(server) as other,
    ):
        (hanging,) = plane.pids
        os.kill(hanging, signal.SIGSTOP)
        await until(lambda: not plane._homes[0].process.awake)  # it has nothing to report, so nobody has noticed
        async with asyncio.timeout(MediaSettings().silent_s / 2):  # what has streams is given longer
            await asyncio.gather(one.start(f"{url}/main"), other.start(f"{url}/sub"))
            await asyncio.gather(one.until_packets(10), other.until_packets(10))
        assert plane.pids != [hanging] and len(plane.pids) == 1
        assert seen.refusals() == []


async def test_nothing_can_be_played_before_the_start_and_after_the_end() -> None:
    plane = Plane(PlaneSettings(processes=1))
    async with simulated_nvr() as nvr, camera(nvr.port, plane=plane) as (server, seen, url):
        for _ in range(2):
            async with recorder(server) as client:
                assert (await client.ask("SETUP", f"{url}/main", Transport="RTP/AVP/TCP")).status == 200
                assert (await client.ask("PLAY", f"{url}/main")).status == 503
                assert str(MediaUnavailable("is not started")) in seen.refusals()[-1]
            await plane.start()
            await plane.stop()
        assert seen.reports == []  # the NVR is not to blame


def test_settings_of_streams(tmp_path: Path) -> None:
    file = tmp_path / "proxyd.toml"
    file.write_text("[streams]\nkeep_s = 120\nlogins_per_nvr = 2\nmoderation_ms = 0\n")
    streams = config.load(file).streams
    assert (streams.keep_s, streams.logins_per_nvr, streams.moderation_ms, streams.linger_s) == (120, 2, 0, 5)
    assert streams.udp_ports == (32768, 60999)
    file.write_text("[streams]\nudp_ports = [40000, 40099]\n")
    assert config.load(file).streams.udp_ports == (40000, 40099)
    for wrong_ports in ("[40000, 40003]", "[0, 40000]", "[40000, 70000]", "[40000]", '"40000-40100"'):
        file.write_text(f"[streams]\nudp_ports = {wrong_ports}\n")
        with pytest.raises(InvalidInput, match="streams"):
            config.load(file)
    file.write_text("[streams]\nmoderation_ms = 1000\nlogins_per_nvr = 0\n")
    with pytest.raises(InvalidInput) as wrong:
        config.load(file)
    assert "streams.moderation_ms" in wrong.value.message and "streams.logins_per_nvr" in wrong.value.message
