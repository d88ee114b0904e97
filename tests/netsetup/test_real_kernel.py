"""The recipe on the real kernel: what ip(8) and /proc say before, between and after. `case_…` run in a namespace."""

from __future__ import annotations

import asyncio
import errno
import json
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any

from netsetup.errors import KernelRefused
from netsetup.execute import converge
from netsetup.journal import Journal
from netsetup.kernel import Kernel
from netsetup.model import Facts, Guard, Lease, Link, Plan, Slot
from netsetup.nft import read_guard
from netsetup.steps import RemoveLinks, Step
from tests.netsetup.conftest import Inside


def test_the_recipe_is_in_the_kernel(inside: Inside) -> None:
    inside(__file__, "case_recipe")


def test_a_failure_at_every_step_puts_everything_back(inside: Inside) -> None:
    tried = inside(__file__, "case_failure_at_every_step", timeout_s=280)
    assert int(tried) > 70


def test_an_interrupted_run_is_taken_back_by_its_journal(inside: Inside) -> None:
    inside(__file__, "case_interrupted")


def test_the_kernels_refusals_are_said_in_words(inside: Inside) -> None:
    inside(__file__, "case_refusals")


def test_a_changed_lease_moves_without_a_gap(inside: Inside) -> None:
    inside(__file__, "case_moved_lease")


def test_a_renamed_adapter_keeps_its_cameras(inside: Inside) -> None:
    inside(__file__, "case_renamed")


def test_rules_and_closed_ends_of_a_removed_interface_are_repaired(inside: Inside) -> None:
    inside(__file__, "case_removed_by_hand")


def plan(count: int, net: str = "10.77.0", parent: str = "p0", block: int = 0, first: int = 1) -> Plan:
    slots = []
    for index in range(first, first + count):
        address = IPv4Interface(f"{net}.{100 + index}/24")
        number = 1000 * block + index
        slots.append(Slot(index, f"vcam{number}", f"a2:6f:00:0{block}:00:{index:02x}", address))
    return Plan(parent, block, "static", tuple(slots), IPv4Address(f"{net}.1"))


def ip(*words: str) -> list[dict[str, Any]]:
    """`ip -j …`."""
    return list(json.loads(subprocess.run(["ip", "-j", *words], check=True, capture_output=True, text=True).stdout))


def everything() -> dict[str, Any]:
    """All links, addresses, routes, rules and per-interface settings, without numbers that change by themselves."""
    links = {link["ifname"]: link for link in ip("-d", "link")}
    for link in links.values():
        for counting in ("ifindex", "link_index", "operstate", "flags", "stats64"):
            link.pop(counting, None)
    for row in ip("link"):
        links[row["ifname"]]["up"] = "UP" in row["flags"]
    addresses = {
        (row["ifname"], info["local"], info["prefixlen"], info.get("noprefixroute", False), info.get("broadcast"))
        for row in ip("-4", "addr")
        for info in row["addr_info"]
    }
    settings = {
        str(file): file.read_text()
        for family in ("ipv4", "ipv6")
        for file in Path(f"/proc/sys/net/{family}/conf").glob("*/*")
        if file.name != "stable_secret"  # unreadable until it is set
    }
    return {
        "links": links,
        "addresses": addresses,
        "routes": sorted(json.dumps(route, sort_keys=True) for route in ip("-4", "route", "show", "table", "all")),
        "rules": [json.dumps(rule, sort_keys=True) for rule in ip("rule")],
        "settings": settings,
        "guard": guard(),
    }


def guard() -> Guard | None:
    """In a thread: those who ask are in an event loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, read_guard()).result()


class Refusing:
    """The real kernel, but for one step that is refused."""

    def __init__(self, kernel: Kernel, refused: int) -> None:
        self.kernel = kernel
        self.left = refused

    async def facts(self, parents: Sequence[str]) -> Facts:
        return await self.kernel.facts(parents)

    async def do(self, step: Step) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(errno.ENOBUFS, "No buffer space available")
        await self.kernel.do(step)


def case_recipe(folder: Path) -> None:
    async def run() -> None:
        before = everything()
        journal = folder / "journal"
        assert await converge([plan(4)], {}, journal=journal)
        assert await converge([plan(4)], {}, journal=journal) == []
        rules = subprocess.run(["ip", "rule"], check=True, capture_output=True, text=True).stdout
        for line in (
            "10000:\tnot from 10.77.0.0/24 goto 15000",
            "10002:\tfrom 10.77.0.102 to 10.77.0.0/24 lookup 7002",
            "11500:\tfrom 10.77.0.0/24 lookup main suppress_prefixlength 0",
            "12002:\tfrom 10.77.0.102 lookup 7002",
            "15000:\tfrom all nop",
        ):
            assert line in rules, rules
        routes = subprocess.run(["ip", "route", "show", "table", "7002"], check=True, capture_output=True, text=True)
        assert [" ".join(line.split()) for line in routes.stdout.splitlines()] == [
            "default via 10.77.0.1 dev vcam2 proto kernel src 10.77.0.102",
            "unreachable default proto kernel metric 4278198272",
            "10.77.0.0/24 dev vcam2 proto kernel scope link src 10.77.0.102",
        ]
        (link,) = ip("-d", "addr", "show", "vcam2")
        assert link["address"] == "a2:6f:00:00:00:02" and link["ifalias"] == "onviftui:camera 2"
        assert link["linkinfo"]["info_data"]["mode"] == "bridge" and "UP" in link["flags"]
        (address,) = link["addr_info"]
        assert address["noprefixroute"] and address["broadcast"] == "10.77.0.255" and address["local"] == "10.77.0.102"
        settings = Path("/proc/sys/net/ipv4/conf/vcam2")
        values = {name: (settings / name).read_text().strip() for name in ("arp_ignore", "arp_announce", "rp_filter")}
        assert values == {"arp_ignore": "1", "arp_announce": "2", "rp_filter": "2"}
        assert Path("/proc/sys/net/ipv4/conf/p0/arp_ignore").read_text() == "1\n"
        assert Path("/proc/sys/net/ipv4/conf/all/arp_ignore").read_text() == "0\n"
        # The host's own traffic keeps its way.
        (own,) = ip("route", "get", "10.77.0.50")
        assert own["dev"] == "p0" and own["prefsrc"] == "10.77.0.10"
        (of_camera,) = ip("route", "get", "198.51.100.1", "from", "10.77.0.102")
        assert of_camera["dev"] == "vcam2"
        await converge([], {}, journal=journal)
        assert everything() == before

    asyncio.run(run())


def case_failure_at_every_step(folder: Path) -> None:
    """Growing from nothing, from one shape to quite another, and back to nothing."""

    async def run() -> int:
        nothing: list[Plan] = []
        small = [plan(2)]
        guarded = replace(plan(1, net="10.78.0", first=2), guard=(80, 554))
        other = [guarded, plan(1, net="10.79.0", parent="p2", block=1)]
        tried = 0
        async with Kernel() as kernel:
            for start, end in ((nothing, small), (small, other), (other, nothing)):
                journal = folder / "journal"
                await converge(start, {}, journal=journal)
                before = everything()
                for refused in range(1, 1000):
                    refusing = Refusing(kernel, refused)
                    try:
                        await converge(end, {}, journal=journal, kernel=refusing)
                    except KernelRefused as error:
                        assert "Everything was put back" in str(error), error
                        now = everything()
                        for part, was in before.items():
                            assert now[part] == was, f"step {refused}: {part}: {now[part]} instead of {was}"
                        tried += 1
                    else:
                        assert refusing.left > 0
                        break
        return tried

    print(asyncio.run(run()))


def case_interrupted(folder: Path) -> None:
    """Killed between making an interface and marking it."""

    async def run() -> None:
        journal = folder / "journal"
        before = everything()
        lines = "ip link add vcam1 link p0 address a2:6f:00:00:00:01 type macvlan mode bridge"
        subprocess.run(lines.split(), check=True)
        half = everything()
        # Without the journal it could be anybody's.
        assert await converge([], {}, journal=journal) == []
        assert everything() == half
        one = plan(1)
        Journal(journal).begin([], [Link("vcam1", "p0", one.slots[0].mac, "")])
        assert await converge([], {}, journal=journal) == ["remove interface vcam1"]
        assert everything() == before
        assert Journal(journal).entries() == []
        subprocess.run(lines.split(), check=True)
        changes = await converge([one], {}, journal=journal)
        assert "mark vcam1 as ours (onviftui:camera 1)" in changes and not any("add interface" in x for x in changes)
        await converge([], {}, journal=journal)
        assert everything() == before

    asyncio.run(run())


def case_refusals(folder: Path) -> None:
    async def run() -> None:
        def sh(line: str) -> None:
            subprocess.run(line.split(), check=True)

        async def refusal(wish: Plan) -> str:
            before = everything()
            try:
                await converge([wish], {}, journal=folder / "journal")
            except KernelRefused as error:
                assert everything() == before
                return str(error)
            raise AssertionError("not refused")

        # A duplicate MAC is accepted at create and refused at up.
        sh("ip link set stranger down")
        sh("ip link set stranger address a2:6f:00:00:00:02 up")
        assert "The MAC address of vcam2 is used on this host already" in await refusal(plan(3))
        sh("ip link add br0 type bridge")
        sh("ip link set p2 master br0")
        assert "use the bridge or bond itself as parent" in await refusal(plan(1, parent="p2", block=1))

    asyncio.run(run())


def case_moved_lease(folder: Path) -> None:
    async def run() -> None:
        wish = Plan("p0", 0, "dhcp", (Slot(1, "vcam1", "a2:6f:00:00:00:01"),))

        def lease(address: str) -> Lease:
            router = IPv4Address("10.77.0.1")
            return Lease(wish.slots[0].mac, IPv4Interface(address), router, router, 0, 1, 2, 3)

        await converge([wish], {}, journal=None)
        (link,) = ip("addr", "show", "vcam1")
        assert link["addr_info"] == [] and "UP" in link["flags"]
        old, new = lease("10.77.0.150/24"), lease("10.77.0.160/24")
        mac = wish.slots[0].mac
        await converge([wish], {mac: old}, journal=None)
        await converge([wish], {mac: new}, journal=None, old={mac: [old]})
        (link,) = ip("addr", "show", "vcam1")
        assert [info["local"] for info in link["addr_info"]] == ["10.77.0.150", "10.77.0.160"]
        for source in ("10.77.0.150", "10.77.0.160"):
            (route,) = ip("route", "get", "198.51.100.1", "from", source)
            assert route["dev"] == "vcam1"
        # Removing the first address must not take the second with it.
        await converge([wish], {mac: new}, journal=None)
        (link,) = ip("addr", "show", "vcam1")
        assert [info["local"] for info in link["addr_info"]] == ["10.77.0.160"]
        assert await converge([wish], {mac: new}, journal=None) == []
        (route,) = ip("route", "get", "198.51.100.1", "from", "10.77.0.160")
        assert route["dev"] == "vcam1"

    asyncio.run(run())


def case_renamed(folder: Path) -> None:
    """The plan still has the old name: the arm writes the new one later."""

    async def run() -> None:
        journal = folder / "journal"
        await converge([plan(2)], {}, journal=journal)
        for line in ("ip link set p0 down", "ip link set p0 name lan0", "ip link set lan0 up"):
            subprocess.run(line.split(), check=True)
        assert await converge([plan(2)], {}, journal=journal) == []
        Journal(journal).rename({"p0": "lan0"})
        assert await converge([plan(2, parent="lan0")], {}, journal=journal) == []
        await converge([], {}, journal=journal)
        assert Path("/proc/sys/net/ipv4/conf/lan0/arp_ignore").read_text() == "0\n"
        assert [link["ifname"] for link in ip("link") if link["ifname"].startswith("vcam")] == []

    asyncio.run(run())


def case_removed_by_hand(folder: Path) -> None:
    async def run() -> None:
        await converge([plan(3)], {}, journal=None)
        whole = everything()
        for damage in (
            "ip link del vcam2",
            "ip link set vcam2 down",
            "ip addr flush dev vcam2",
            "ip rule del pref 12002",
            "ip rule del pref 15000",
            "ip route flush table 7002",
            "ip addr add 10.99.0.1/24 dev vcam2",
        ):
            subprocess.run(damage.split(), check=True)
            assert await converge([plan(3)], {}, journal=None), damage
            assert everything() == whole, damage

        async with Kernel() as kernel:  # as `ip link del` does: rules and closed ends stay
            await kernel.do(RemoveLinks(("vcam1", "vcam3")))
        left = subprocess.run(["ip", "route", "show", "table", "7003"], check=True, capture_output=True, text=True)
        assert left.stdout.startswith("unreachable default")

    asyncio.run(run())
