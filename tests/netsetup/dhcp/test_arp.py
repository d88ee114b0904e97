"""Probing and asking on a real LAN, and what the kernel's filter lets through."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from netsetup.dhcp.arp import arp_reply, probe, probe_all
from netsetup.dhcp.frames import BROADCAST, Udp, arp_question, udp_frame
from netsetup.dhcp.wire import Wire
from netsetup.errors import KernelRefused, NetsetupError
from tests.netns.lan import HOST, MACS, RECORDER, ROUTER, Lan

from .camera_host import mac_of, packet_socket_in

FREE = IPv4Address("10.77.0.199")


async def test_taken_and_free(lan: Lan) -> None:
    factory = packet_socket_in(lan.host)
    wanted = {mac_of(1): IPv4Address(RECORDER), mac_of(2): FREE, mac_of(3): IPv4Address(ROUTER)}
    assert await probe_all("eth0", wanted, quick=True, factory=factory) == {
        mac_of(1): MACS["recorder"],
        mac_of(3): MACS["router"],
    }
    assert await probe("eth0", mac_of(1), FREE, quick=True, factory=factory) is None


async def test_a_taken_address_is_known_at_once(lan: Lan) -> None:
    """Not only after the seconds that a free one takes."""
    async with asyncio.timeout(3):
        assert await probe("eth0", mac_of(1), IPv4Address(RECORDER), factory=packet_socket_in(lan.host)) is not None


async def test_of_two_that_probe_at_once_one_steps_back_at_least(lan: Lan) -> None:
    """RFC 5227 §2.1.1."""
    ours, theirs = packet_socket_in(lan.host), packet_socket_in(lan.nvr)
    found = await asyncio.gather(
        probe("eth0", mac_of(1), FREE, quick=True, factory=ours),
        probe("eth0", mac_of(2), FREE, quick=True, factory=theirs),
    )
    assert found[0] == mac_of(2) or found[1] == mac_of(1)


async def test_who_answers(lan: Lan) -> None:
    factory = packet_socket_in(lan.host)
    router = IPv4Address(ROUTER)
    assert await arp_reply("eth0", MACS["host"], IPv4Address(HOST), router, factory=factory) == MACS["router"]
    assert await arp_reply("eth0", mac_of(1), FREE, router, factory=factory) == MACS["router"]
    assert await arp_reply("eth0", mac_of(1), FREE, IPv4Address("10.77.0.198"), 0.1, factory=factory) is None


async def test_no_such_interface_and_no_right(lan: Lan) -> None:
    with pytest.raises(NetsetupError, match="no network interface eth9"):
        await probe("eth9", mac_of(1), FREE, factory=packet_socket_in(lan.host))

    def refused() -> socket.socket:
        raise KernelRefused("A packet socket was refused.", "Run it as root.")

    with pytest.raises(KernelRefused):
        await arp_reply("eth0", mac_of(1), FREE, FREE, factory=refused)


@pytest.fixture
def talker(lan: Lan) -> Iterator[socket.socket]:
    with packet_socket_in(lan.recorder)() as made:
        made.bind(("eth0", 0))
        yield made


async def test_the_filter(lan: Lan, talker: socket.socket) -> None:
    frames: list[bytes] = []
    arrived = asyncio.Event()

    def received(frame: bytes) -> None:
        frames.append(frame)
        if frame[28:32] == FREE.packed:
            arrived.set()

    wire = Wire("eth0", received, packet_socket_in(lan.host))
    wire.open()
    wire.receive_for(frozenset({mac_of(1)}))
    wire.receive_for(frozenset({mac_of(1), mac_of(2)}))
    wire.receive_for(frozenset({mac_of(2)}))
    passed = lan.host.run(["bridge", "fdb", "show", "dev", "eth0"]).stdout
    assert (mac_of(1) in passed, mac_of(2) in passed) == (False, True)

    def udp(port: int, to: str = BROADCAST) -> bytes:
        return udp_frame(Udp(MACS["recorder"], IPv4Address(RECORDER), FREE, 67, port, b"x" * 30), to=to)

    good = udp(68)
    to_a_camera = udp(68, mac_of(2))
    fragment = good[:20] + b"\x20\x00" + good[22:]
    tagged = good[:12] + b"\x81\x00\x00\x07" + good[12:]
    tcp = good[:23] + b"\x06" + good[24:]
    for frame in (udp(67), udp(5353), fragment, tagged, tcp, b"\xff" * 60, good, to_a_camera):
        talker.send(frame)
    wire.send(arp_question(mac_of(1), FREE, FREE))  # our own is not heard
    talker.send(arp_question(MACS["recorder"], FREE, FREE))
    async with asyncio.timeout(30):
        await arrived.wait()
    wire.close()
    assert [frame for frame in frames if frame[12:14] == b"\x08\x00"] == [good, to_a_camera]
    assert [frame[6:12] for frame in frames if frame[28:32] == FREE.packed] == [bytes.fromhex("020000000020")]


async def test_a_wire_that_is_down_says_so_and_reopens(lan: Lan) -> None:
    wire = Wire("eth0", lambda frame: None, packet_socket_in(lan.host))
    question = arp_question(mac_of(1), FREE, FREE)
    assert not wire.send(question)  # never opened
    wire.open()
    wire.open()
    assert wire.send(question)
    lan.host.ip("link set eth0 down")
    assert not wire.send(question)
    lan.host.ip("link set eth0 up")
    assert wire.send(question)
    lan.host.ip("link del eth0")
    assert not wire.send(question)
    assert not wire.send(question)
    lan.plug(lan.host, "p-host", MACS["host"])
    lan.host.ip("link set eth0 up")
    assert wire.send(question)
    wire.close()
    wire.close()
    assert not wire.send(question)
