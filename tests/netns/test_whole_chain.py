"""The main job on a real LAN: NVR, netsetup, its arm, proxyd, and a recorder that knows nothing but its own cable."""

from __future__ import annotations

import asyncio

from .chain import all_running, new_chain, wait_for_cameras
from .frames import ARP, IPV4, captured
from .lan import HOST, MACS, RECORDER, Lan
from .verdict import ask_arp, judge

CAMERAS = 32
_PLAY_S = 3.0
_FRAMES = 31
_SEEN = {"HTTP", "RTSP over TCP", "answer to a probe"}


async def test_a_recorder_finds_adopts_and_plays_all_cameras_at_once(lan: Lan) -> None:
    with new_chain(lan) as chain:
        made = chain.netsetup.apply(CAMERAS)
        macs = {camera.address: camera.mac for camera in made}
        chain.start_arm()
        chain.start_nvr(CAMERAS)
        chain.start_proxyd()
        async with chain.client() as client:
            await chain.adopt_nvr(client)
            cameras = await wait_for_cameras(client, "all run", all_running(CAMERAS))
            assert {camera.address: camera.mac for camera in cameras} == macs
            username, password = await chain.credentials(client)
            with captured(lan.bridge, "p-host") as cable:
                ask_arp(lan.recorder, sorted(macs), MACS["recorder"], RECORDER)
                seen = await asyncio.to_thread(
                    chain.record, count=CAMERAS, username=username, password=password, play_s=_PLAY_S, frames=_FRAMES
                )
    assert seen["found"].keys() == macs.keys()
    assert len({match["uuid"] for match in seen["found"].values()}) == CAMERAS
    for address, match in seen["found"].items():
        assert f"http://{address}/" in match["xaddrs"]
        assert "onvif://www.onvif.org/Profile/Streaming" in match["scopes"]
    channels = set()
    for address, camera in seen["cameras"].items():
        assert "error" not in camera, (address, camera["error"])
        assert camera["macs"] == [macs[address]]
        assert camera["lost"] == [0, 0]
        assert min(camera["frames"]) >= _FRAMES
        (main,), (sub,) = camera["sources"]
        assert (main[0], main[1], sub[1]) == (sub[0], 0, 1)
        channels.add(main[0])
    assert channels == set(range(1, CAMERAS + 1))
    verdict = judge(cable, made, _SEEN)
    assert verdict.right, str(verdict)
    # Towards the NVR the host speaks as itself.
    assert {frame.source for frame in cable.sent(lambda f: f.ethertype in (ARP, IPV4))} == {*macs, HOST}
