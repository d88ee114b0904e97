"""Loopback ranges, and real macvlan interfaces seen by netlink in a namespace of our own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxyd.errors import InvalidInput
from proxyd.links.loopback import MOST, LoopbackLinks
from proxyd.links.shared import SharedLinks
from proxyd.store.rows import FoundInterface

ROOT = Path(__file__).resolve().parents[3]


def test_every_camera_gets_an_address_and_a_mac_of_its_own() -> None:
    found = LoopbackLinks("127.0.77.0/24").interfaces()
    assert [found[0].address, found[-1].address, len(found)] == ["127.0.77.1", "127.0.77.254", 254]
    assert found[0].mac == "a2:6f:7f:00:4d:01"
    assert len({interface.mac for interface in found}) == len({interface.name for interface in found}) == 254
    assert all(int(interface.mac[:2], 16) & 3 == 2 for interface in found)  # locally administered, unicast


def test_a_large_range_is_bounded() -> None:
    assert len(LoopbackLinks("127.0.0.0/8").interfaces()) == MOST


@pytest.mark.parametrize("cidr", ["10.0.0.0/24", "127.0.0.1/24", "nonsense", "0.0.0.0/0"])
def test_only_loopback_ranges(cidr: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        LoopbackLinks(cidr)
    assert "127.0.77.0/24" in caught.value.hint


async def test_shared_mode_gives_one_address_and_ports_of_their_own() -> None:
    links = SharedLinks("127.0.0.1")
    told: list[list[FoundInterface]] = []

    async def changed(found: list[FoundInterface]) -> None:
        told.append(found)

    await links.start(changed)
    await links.stop()
    (found,) = told
    assert {interface.address for interface in found} == {"127.0.0.1"}
    assert found[0].name == "lo:1"
    assert [interface.port_offset for interface in found] == list(range(1, len(found) + 1))
    assert len({interface.mac for interface in found}) == len(found)
    assert {interface.address for interface in links.interfaces(None)} == {None}


@pytest.mark.parametrize("address", ["0.0.0.0", "239.1.1.1", "fe80::1", "wlan0", "10.0.0.0/24"])
def test_shared_mode_wants_an_address_of_this_machine(address: str) -> None:
    with pytest.raises(InvalidInput):
        SharedLinks(address)


_IN_NAMESPACE = """
import asyncio, subprocess
from proxyd.links.netlink import NetlinkLinks

def ip(words):
    subprocess.run(["ip", *words.split()], check=True)

def mark(name, words):
    subprocess.run(["ip", "link", "set", name, "alias", words], check=True)

async def main():
    seen = asyncio.Queue()

    async def until(condition):
        while True:
            found = await asyncio.wait_for(seen.get(), 10)
            if condition(found):
                print([(i.name, i.mac, i.address) for i in found])
                return

    ip("link add eth9 type veth peer name lan9")
    ip("link set eth9 up"); ip("link set lan9 up")
    for name in ("gate", "vcam1", "vcam2"):
        ip(f"link add link eth9 name {name} type macvlan mode bridge")
    ip("link set gate address a2:00:00:00:00:01")
    mark("gate", "onviftui:camera 1")
    mark("vcam2", "somebody else's onviftui:camera")
    links = NetlinkLinks()
    await links.start(seen.put)
    await until(lambda found: True)
    ip("addr add 10.77.0.101/24 dev gate noprefixroute"); ip("link set gate up")
    await until(lambda found: found and found[0].address)
    ip("addr add 10.77.0.201/24 dev gate noprefixroute")  # a lease moves: the younger address counts
    await until(lambda found: found[0].address == "10.77.0.201")
    ip("addr change 10.77.0.201/24 dev gate preferred_lft 0 noprefixroute")  # and one on its way out does not
    await until(lambda found: found[0].address == "10.77.0.101")
    ip("addr change 10.77.0.101/24 dev gate preferred_lft 0 noprefixroute")
    await until(lambda found: found[0].address is None)
    ip("link del gate")
    await until(lambda found: not found)
    await links.stop()

asyncio.run(main())
"""


def test_marked_interfaces_are_seen_whatever_they_are_called() -> None:
    probe = subprocess.run(["unshare", "-Urn", "ip", "link"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("this machine allows no user namespaces, or has no ip(8)")
    result = subprocess.run(
        ["unshare", "-Urn", sys.executable, "-c", _IN_NAMESPACE],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    mac = "a2:00:00:00:00:01"
    assert result.stdout.splitlines() == [
        f"[('gate', '{mac}', None)]",
        f"[('gate', '{mac}', '10.77.0.101')]",
        f"[('gate', '{mac}', '10.77.0.201')]",
        f"[('gate', '{mac}', '10.77.0.101')]",
        f"[('gate', '{mac}', None)]",
        "[]",
    ], result.stderr
