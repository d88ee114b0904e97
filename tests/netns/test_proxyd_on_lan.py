"""proxyd's cameras on a real LAN: discovery, taken ports, interfaces made anew, and the search for NVRs."""

from __future__ import annotations

import asyncio
import functools
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from proxyd.api import models as m
from proxyd.api.client import RpcClient

from .chain import Chain, all_running, new_chain, wait_for_cameras
from .frames import UDP, Frame, captured
from .lan import HOST, MACS, NVR, PATIENCE_S, Lan, flood, wait_until
from .recipe import Camera
from .recorder import GROUP, PORT, probe
from .talk import listening

CAMERAS = 2
_FIND = """
import asyncio, json, sys
from tests.netns import recorder
print(json.dumps(asyncio.run(recorder.find("eth0", int(sys.argv[1]), float(sys.argv[2])))))
"""


async def find(lan: Lan, count: int = CAMERAS, wait_s: float = 8.0) -> set[str]:
    """Addresses that answer a recorder's Probe."""
    words = [sys.executable, "-c", _FIND, str(count), str(wait_s)]
    done = await asyncio.to_thread(lan.recorder.run, words)
    return set(json.loads(done.stdout))


@asynccontextmanager
async def running(lan: Lan, *nvr_options: str) -> AsyncIterator[tuple[Chain, RpcClient, list[Camera]]]:
    with new_chain(lan) as chain:
        made = chain.netsetup.apply(CAMERAS)
        chain.start_arm()
        chain.start_nvr(CAMERAS, *nvr_options)
        chain.start_proxyd()
        async with chain.client() as client:
            await chain.adopt_nvr(client)
            await wait_for_cameras(client, "all run", all_running(CAMERAS))
            yield chain, client, made


def to_group(address: str, action: str) -> Callable[[Frame], bool]:
    """Tells frames of WS-Discovery from this address to the group."""

    def fits(frame: Frame) -> bool:
        to_all = (frame.protocol, frame.source, frame.target) == (UDP, address, GROUP)
        return to_all and action.encode() in frame.payload

    return fits


def index_of(lan: Lan, camera: Camera) -> str:
    return lan.host.run(["cat", f"/sys/class/net/{camera.name}/ifindex"], check=False).stdout


def _is_new(lan: Lan, camera: Camera, former: str) -> bool:
    return index_of(lan, camera) not in ("", former)


async def test_an_interface_made_anew_joins_the_group_again(lan: Lan) -> None:
    """Its index is another one: the kernel forgot the membership."""
    async with running(lan) as (_, client, made):
        assert await find(lan) == {camera.address for camera in made}
        for _ in range(2):
            former = index_of(lan, made[0])
            lan.host.ip(f"link del {made[0].name}")
            wait_until("it is restored", functools.partial(_is_new, lan, made[0], former))
            await wait_for_cameras(client, "all run", all_running(CAMERAS))
            async with asyncio.timeout(PATIENCE_S):
                while await find(lan) != {camera.address for camera in made}:
                    pass


async def test_lost_events_of_the_kernel_hide_nothing(lan: Lan) -> None:
    """An interface is made anew while more happens than fits into proxyd's socket (ENOBUFS)."""
    async with running(lan) as (chain, client, made):
        assert chain.proxyd
        former = index_of(lan, made[0])
        chain.proxyd.send_signal(signal.SIGSTOP)
        lan.host.ip(f"link del {made[0].name}")
        wait_until("it is restored", functools.partial(_is_new, lan, made[0], former))
        flood(lan.host, chain.proxyd)
        chain.proxyd.send_signal(signal.SIGCONT)
        wait_until("the loss is noticed", lambda: "lost the kernel's interface events" in chain.log_of("proxyd"))
        await wait_for_cameras(client, "all run", all_running(CAMERAS))
        async with asyncio.timeout(PATIENCE_S):
            while await find(lan) != {camera.address for camera in made}:
                pass


async def test_a_taken_port_is_told_and_waited_for(lan: Lan) -> None:
    with listening(lan.host, "0.0.0.0", 80) as holder, new_chain(lan) as chain:
        chain.netsetup.apply(CAMERAS)
        chain.start_nvr(CAMERAS)
        chain.start_proxyd()
        async with chain.client() as client:
            await chain.adopt_nvr(client)
            taken = m.CameraState.PORT_IN_USE
            cameras = await wait_for_cameras(client, "told", lambda all_: all(c.state is taken for c in all_))
            assert all("80" in camera.reason for camera in cameras)
            holder.close()
            await wait_for_cameras(client, "all run", all_running(CAMERAS))


async def test_hostile_datagrams_stop_nobody(lan: Lan) -> None:
    async with running(lan) as (_, _, made):
        entities = "".join(f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};&a{n - 1};">' for n in range(1, 13))
        bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "aaaaaaaa">{entities}]><x>&a12;</x>'.encode()
        big = probe().replace(b"<d:Types>", b"<d:Types>" + b" " * 40_000)
        deep = b"<a>" * 5000
        with lan.recorder.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for datagram in (bomb, big, deep, b"", b"\xff" * 1400, b"\x00", bomb[:700]):
                for _ in range(20):
                    out.sendto(datagram, (GROUP, PORT))
                    out.sendto(datagram, (made[0].address, PORT))
        assert await find(lan) == {camera.address for camera in made}


async def test_hello_and_bye_are_said_by_each_camera(lan: Lan) -> None:
    async with running(lan) as (chain, _, made):
        with captured(lan.bridge, "p-host") as cable:
            chain.kill_proxyd(signal.SIGTERM)
            chain.start_proxyd()
            async with chain.client() as again:
                await wait_for_cameras(again, "all run", all_running(CAMERAS))
                for camera in made:
                    cable.wait_for("bye", to_group(camera.address, "/Bye"))
                    cable.wait_for("hello", to_group(camera.address, "/Hello"))
    macs = {camera.address: camera.mac for camera in made}
    assert all(f.source_mac == macs[f.source] for f in cable.sent(lambda f: f.source in macs and f.protocol == UDP))


async def test_a_camera_that_shall_not_be_found_is_silent(lan: Lan) -> None:
    async with running(lan) as (_, client, made):
        (hidden, *_) = await client.call("camera.list")
        await client.call("camera.update", {"id": hidden.id, "discovery": False})
        assert await find(lan, wait_s=3.0) == {camera.address for camera in made} - {hidden.address}
        await client.call("camera.update", {"id": hidden.id, "discovery": True})
        assert await find(lan) == {camera.address for camera in made}


async def test_the_search_for_nvrs_is_the_hosts_own_and_finds_no_camera_of_ours(lan: Lan) -> None:
    async with running(lan, "--discovery-port", "3702") as (_, client, made):
        with captured(lan.bridge, "p-host") as cable:
            found: list[m.FoundNvr] = await client.call("nvr.discover", {})
            probes = cable.sent(lambda f: f.target == GROUP and b"/Probe" in f.payload)
    assert {nvr.host for nvr in found} == {NVR}
    assert {(frame.source, frame.source_mac) for frame in probes} == {(HOST, MACS["host"])}
    assert made
