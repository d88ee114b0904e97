"""Shared-address mode: one address, ports of their own, and it is said which recorders that does not suit."""

from __future__ import annotations

import signal

from proxyd.api import models as m
from tests.player.play import play

from .stack import credentials, running_stack, wait_for_states


async def test_cameras_on_one_address_differ_by_their_ports_and_keep_them() -> None:
    async with running_stack("--channels", "3", shared=True) as stack:
        async with stack.client() as client:
            await stack.scan(client, await stack.add_nvr(client))
            cameras = await wait_for_states(client, m.CameraState.RUNNING)
            assert len({camera.address for camera in cameras}) == 1
            urls = {stream.url for camera in cameras for stream in camera.streams}
            assert len(urls) == 6
            secret = await credentials(client, cameras[0])
            for camera in cameras:
                player = await play(camera.streams[0].url, secret, 0, frames=10)
                assert player.counter.sources == {(camera.channel, 0)}
            status = await client.call("status")
            assert status.mode == "shared" and "UniFi Protect" in status.warning
            warnings = [entry.message for entry in await client.call("log.tail") if entry.level == "warning"]
            assert any("UniFi Protect" in message for message in warnings)
        stack.kill_daemon(signal.SIGTERM)
        stack.start_daemon()
        async with stack.client() as client:
            cameras = await wait_for_states(client, m.CameraState.RUNNING)
            assert {stream.url for camera in cameras for stream in camera.streams} == urls
