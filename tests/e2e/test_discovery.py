"""Recorders find what the daemon runs; the search for NVRs finds the NVR and none of our own cameras."""

from __future__ import annotations

import asyncio
import signal

from proxyd.api import models as m
from proxyd.discovery.sockets import PORT
from tests.proxyd.discovery.wire import Recorder, Said, probe

from .stack import running_stack, wait_for_states


async def from_each(recorder: Recorder, kind: str, addresses: set[str]) -> dict[str, Said]:
    """The first of this kind from each; what other programs on lo say is passed over."""
    heard: dict[str, Said] = {}
    async with asyncio.timeout(60):
        while heard.keys() != addresses:
            said = await recorder.hears(kind, timeout_s=60)
            if said.sender[0] in addresses:
                heard.setdefault(said.sender[0], said)
    return heard


async def test_recorders_find_all_cameras_and_hear_them_come_and_go() -> None:
    async with running_stack("--channels", "3", "--discovery-port", "0") as stack, Recorder(PORT) as recorder:
        async with stack.client() as client:
            await stack.scan(client, await stack.add_nvr(client))
            cameras = await wait_for_states(client, m.CameraState.RUNNING)
            addresses = {camera.address for camera in cameras if camera.address}
            hello = await from_each(recorder, "Hello", addresses)
            recorder.ask(probe())
            for address, match in (await from_each(recorder, "ProbeMatches", addresses)).items():
                assert match.text("Address") == hello[address].text("Address")
                assert match.text("XAddrs") in [camera.onvif_url for camera in cameras]
            # The cameras answer this search, too, on lo.
            asked = f"{stack.nvr_address}:{stack.said['discovery_port']}"
            found: list[m.FoundNvr] = await client.call("nvr.discover", {"timeout_s": 0.5, "probe": [asked]})
            assert not {one.host for one in found} & addresses
            assert stack.nvr_address in {one.host for one in found}
            hidden: m.Camera = await client.call("camera.update", {"id": cameras[0].id, "discovery": False})
            assert not hidden.discovery
            await from_each(recorder, "Bye", {str(hidden.address)})
            log: list[m.LogEntry] = await client.call("log.tail", {"limit": 1})
            assert log[-1].message == f"Switched discovery of {hidden.name} off."
        stack.kill_daemon(signal.SIGTERM)
        visible = addresses - {hidden.address}
        await from_each(recorder, "Bye", visible)
        stack.start_daemon()
        again = await from_each(recorder, "Hello", visible)
        assert all(again[address].instance > hello[address].instance for address in visible)
        async with stack.client() as client:
            assert [c.discovery for c in await client.call("camera.list")] == [False, True, True]
