"""Frames of real cameras: whatever proxyd says to a recorder, near or behind a router, has the camera's own MAC.

`test_frames` shows the same of the interfaces alone, with more of them.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence

from .chain import all_running, new_chain, wait_for_cameras
from .frames import UDP, Frame, captured
from .lan import MACS, RECORDER, ROUTER, Lan, Namespace
from .recorder import GROUP, PORT
from .verdict import KINDS, ask_arp, judge

CAMERAS = 4
_FIND = """
import asyncio, json, sys
from tests.netns import recorder
print(json.dumps(asyncio.run(recorder.find("eth0", int(sys.argv[1])))))
"""
# Adopts each camera, plays it over TCP and over UDP, and asks what makes a machine send an ICMP reply, a reset and a
# ProbeMatch to one address. Prints the addresses that all of it worked with.
_VISIT = """
import asyncio, json, socket, sys
from tests.netns.recorder import PORT, adopt, parse_match, probe
from tests.netns.visitor import echo, refused
from tests.player.watch import watch

async def matches(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setblocking(False)
        asker.connect((address, PORT))
        asker.send(probe())
        answer = parse_match(await asyncio.get_running_loop().sock_recv(asker, 65535))
    return f"http://{address}/" in answer["xaddrs"]

async def visit(address):
    async with asyncio.timeout(120):
        main, sub = (await adopt(address, username, password))["streams"]
        for transport, url in (("tcp", main), ("udp", sub)):
            how = {"username": username, "password": password, "frames": 20, "deadline_s": 60.0}
            await watch(url, transport=transport, **how)
        return await matches(address) and await echo(address) and await refused(address)

async def visit_all():
    return [a for a, whole in zip(addresses, await asyncio.gather(*map(visit, addresses))) if whole]

username, password, addresses = json.load(sys.stdin)
print(json.dumps(asyncio.run(visit_all())))
"""


def is_hello(frame: Frame) -> bool:
    to_all = (frame.protocol, frame.source_port, frame.target) == (UDP, PORT, GROUP)
    return to_all and b"discovery/Hello<" in frame.payload


def visit(machine: Namespace, secret: tuple[str, str], addresses: Sequence[str]) -> set[str]:
    wish = json.dumps([*secret, addresses])
    return set(json.loads(machine.run([sys.executable, "-c", _VISIT], input=wish, timeout=240).stdout))


async def test_every_frame_of_every_real_camera_has_its_own_mac(lan: Lan) -> None:
    with new_chain(lan) as chain:
        made = chain.netsetup.apply(CAMERAS)
        addresses = [camera.address for camera in made]
        chain.start_arm()
        chain.start_nvr(CAMERAS)
        chain.start_proxyd()
        async with chain.client() as client:
            await chain.adopt_nvr(client)
            await wait_for_cameras(client, "all run", all_running(CAMERAS))
            secret = await chain.credentials(client)
        chain.kill_proxyd(signal.SIGTERM)
        with captured(lan.bridge, "p-host") as near:
            chain.start_proxyd()
            async with chain.client() as client:
                await wait_for_cameras(client, "all run again", all_running(CAMERAS))
            ask_arp(lan.recorder, addresses, MACS["recorder"], RECORDER)
            found = await asyncio.to_thread(lan.recorder.python, _FIND, str(CAMERAS))
            visited = await asyncio.to_thread(visit, lan.recorder, secret, addresses)
        with captured(lan.bridge, "p-host") as routed:
            ask_arp(lan.router, addresses, MACS["router"], ROUTER)
            visited_from_afar = await asyncio.to_thread(visit, lan.outside, secret, addresses)
    assert json.loads(found).keys() == set(addresses)
    assert visited == visited_from_afar == set(addresses)
    assert {frame.source for frame in near.sent(is_hello)} == set(addresses)
    verdict = judge(near, made)
    assert verdict.right, str(verdict)
    verdict = judge(routed, made, set(KINDS) - {"hello"})
    assert verdict.right, str(verdict)
