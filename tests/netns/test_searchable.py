"""Discovery on real interfaces: each camera speaks with its own MAC, one Probe costs one datagram per camera, and a
camera is found again after its interface was made anew."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proxyd.discovery.server import APP_MAX_DELAY_S

from .applied import Netsetup
from .frames import UDP, Capture, Frame, captured
from .lan import Lan
from .recipe import Camera
from .recorder import GROUP, PORT

CAMERAS = 32
_FIND = """
import asyncio, json, sys
from tests.netns.recorder import find
print(json.dumps(asyncio.run(find("eth0", int(sys.argv[1]), float(sys.argv[2])))))
"""

# A client of other people's making; with scopes, so that its idea of them meets ours.
_FOREIGN = """
import json, sys
from wsdiscovery import QName, Scope
from wsdiscovery.discovery import ThreadedWSDiscovery
client = ThreadedWSDiscovery()
client.start()
video = QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")
services = client.searchServices(types=[video], scopes=[Scope(sys.argv[1])], timeout=int(sys.argv[2]))
print(json.dumps({service.getEPR(): service.getXAddrs() for service in services}))
client.stop()
"""


class Searchable:
    """The cameras' program; `counts` are there after the end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.counts: dict[str, dict[str, int]] = {}


@contextmanager
def searchable(lan: Lan, cameras: Sequence[Camera]) -> Iterator[Searchable]:
    words = [f"{camera.name}={camera.address}" for camera in cameras]
    process = lan.host.popen([sys.executable, "-m", "tests.netns.searchable", *words], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    running = Searchable(process)
    try:
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        running.counts = json.loads(process.communicate(timeout=60)[0])


def find(lan: Lan, count: int, wait_s: float = 20.0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lan.recorder.python(_FIND, str(count), str(wait_s)))
    return found


def said(cable: Capture, action: str) -> list[Frame]:
    """Frames of discovery from the host; SOAP's action names what it is."""
    words = f"discovery/{action}<".encode()
    return cable.sent(lambda frame: frame.protocol == UDP and frame.source_port == PORT and words in frame.payload)


def is_hello(frame: Frame) -> bool:
    return frame.protocol == UDP and b"discovery/Hello<" in frame.payload


def test_one_probe_is_one_datagram_per_camera_and_all_speak_with_their_own_mac(lan: Lan, tmp_path: Path) -> None:
    cameras = Netsetup(lan, tmp_path).apply(CAMERAS)
    macs = {camera.address: camera.mac for camera in cameras}
    with captured(lan.bridge, "p-host") as cable:
        with searchable(lan, cameras) as running:
            cable.wait_for("two Hellos of each camera", is_hello, count=2 * CAMERAS)
            found = find(lan, CAMERAS)
        cable.wait_for("a Bye of each camera", lambda f: b"discovery/Bye<" in f.payload, count=CAMERAS)
    assert found.keys() == macs.keys()
    for action, times in (("Hello", 2), ("ProbeMatches", 1), ("Bye", 1)):
        frames = said(cable, action)
        assert sorted(frame.source for frame in frames) == sorted([*macs] * times), action
        assert all(frame.source_mac == macs[frame.source] for frame in frames), action
        assert all((frame.target == GROUP) == (action != "ProbeMatches") for frame in frames)
    asked = next(frame.time_s for frame in cable.frames if b"discovery/Probe<" in frame.payload)
    delays = sorted(frame.time_s - asked for frame in said(cable, "ProbeMatches"))
    # 32 random moments: all in one half of the time would be one case in 2**31.
    assert delays[0] < APP_MAX_DELAY_S / 2 < delays[-1] < 4 * APP_MAX_DELAY_S
    # Without IP_MULTICAST_ALL=0 each would have received every datagram once per camera. Their own Hellos stay away.
    assert {counts["received"] for counts in running.counts.values()} == {1}
    assert {counts["answered"] for counts in running.counts.values()} == {1}


def test_a_client_of_other_people_finds_them(lan: Lan, tmp_path: Path) -> None:
    cameras = Netsetup(lan, tmp_path).apply(8)
    with searchable(lan, cameras):
        found = json.loads(lan.recorder.python(_FOREIGN, "onvif://www.onvif.org/Profile/Streaming", "6"))
        assert json.loads(lan.recorder.python(_FOREIGN, "onvif://www.onvif.org/Profile/Nothing", "3")) == {}
    assert sorted(found.values()) == sorted([f"http://{camera.address}/onvif/device_service"] for camera in cameras)
    assert all(endpoint.startswith("urn:uuid:") for endpoint in found)


def test_a_camera_is_found_again_after_its_interface_was_made_anew(lan: Lan, tmp_path: Path) -> None:
    netsetup = Netsetup(lan, tmp_path)
    one, other = netsetup.apply(2)
    with searchable(lan, [one, other]):
        assert find(lan, 2).keys() == {one.address, other.address}
        lan.host.ip(f"link del {one.name}")
        assert find(lan, 2, wait_s=3.0).keys() == {other.address}
        with captured(lan.bridge, "p-host") as cable:
            netsetup.again()
            cable.wait_for("a Hello of the new interface", is_hello)
            assert find(lan, 2).keys() == {one.address, other.address}
        assert {frame.source_mac for frame in said(cable, "ProbeMatches")} == {one.mac, other.mac}


def test_a_parent_that_was_unplugged_needs_no_new_start(lan: Lan, tmp_path: Path) -> None:
    cameras = Netsetup(lan, tmp_path).apply(2)
    with searchable(lan, cameras):
        lan.host.ip("link set eth0 down")
        lan.host.ip("link set eth0 up")
        assert find(lan, 2).keys() == {camera.address for camera in cameras}
