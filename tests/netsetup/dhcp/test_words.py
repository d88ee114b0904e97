"""What the installer reads, and the small machines beside the lease machine."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsetup.dhcp.acd import STANDARD, UNDISPUTED, Probing, advance, begin_probing
from netsetup.dhcp.client import Phase
from netsetup.dhcp.frames import Arp
from netsetup.dhcp.packet import Kind
from netsetup.dhcp.static import Static
from netsetup.dhcp.telling import Telling
from netsetup.dhcp.terms import lease_of, remembered
from netsetup.dhcp.words import describe, describe_static
from netsetup.model import Lease

from .bench_client import ADDRESS, MAC, OTHER_MAC, SERVER, Bench, claim


def words(bench: Bench, server: IPv4Address | None = None, moved_from: str = "") -> str:
    return describe(bench.client, "eth0", server=server, moved_from=moved_from)


def test_a_search_in_words() -> None:
    bench = Bench.new()
    assert words(bench) == "about to ask for an address"
    bench.run_until(lambda: bench.sent)
    assert words(bench) == "looking for a DHCP server on eth0"
    bench.run_to(bench.now + 31)
    assert words(bench).startswith("no DHCP answer on eth0: check that a DHCP server serves this network")
    assert "but 10.77.0.1 answers others: its address pool may be used up" in words(bench, SERVER)
    bench.answer(Kind.OFFER, lease_s=0)
    assert "offered 10.77.0.100, which no camera can use" in words(bench)
    bench.answer(Kind.OFFER)
    assert words(bench) == "asking 10.77.0.1 for 10.77.0.100"
    bench.answer(Kind.ACK)
    assert words(bench) == "checking that no other device uses 10.77.0.100"


def test_an_acknowledgement_of_something_else_in_words() -> None:
    bench = Bench.new()
    bench.run_until(lambda: bench.sent)
    bench.answer(Kind.OFFER)
    bench.answer(Kind.ACK, address=IPv4Address("10.77.0.66"))
    assert bench.phase == "requesting"
    assert words(bench).startswith("the DHCP server offered 10.77.0.66, which no camera can use")
    bench.answer(Kind.ACK, lease_s=None)
    assert words(bench).startswith("the DHCP server offered 10.77.0.100, which no camera can use")
    bench.answer(Kind.ACK)
    assert words(bench) == "checking that no other device uses 10.77.0.100"


def test_a_lease_in_words() -> None:
    bench = Bench.new()
    bench.lease()
    assert words(bench) == "10.77.0.100 from 10.77.0.1"
    assert words(bench, moved_from="10.77.0.9").startswith("moved from 10.77.0.9 to 10.77.0.100; a reservation for MAC")
    bench.do(claim())
    assert f"10.77.0.100 is also claimed by the device with MAC {OTHER_MAC}" in words(bench)
    bench.do(claim())
    assert f"10.77.0.100 is already used by the device with MAC {OTHER_MAC}" in words(bench)


def test_a_renewal_that_stays_unanswered_in_words() -> None:
    bench = Bench.new()
    bench.lease()
    bench.run_until(lambda: bench.phase == "renewing")
    assert words(bench) == "10.77.0.100 from 10.77.0.1", "the answer is on its way"
    bench.run_until(lambda: bench.client.sent == 2)
    assert words(bench) == "10.77.0.100 is still valid, but 10.77.0.1 does not renew it: check the DHCP server"
    assert bench.phase == "renewing"
    bench.run_until(lambda: bench.phase == "rebinding")
    assert words(bench) == "10.77.0.100 is still valid, but 10.77.0.1 does not renew it: check the DHCP server"
    bench.answer(Kind.ACK)
    assert words(bench) == "10.77.0.100 from 10.77.0.1"


def test_a_refusal_and_a_reboot_in_words() -> None:
    bench = Bench.new()
    bench.lease()
    known = bench.client.lease
    assert known
    again = Bench.new(replace(known, server_mac=""))
    again.run_until(lambda: again.sent)
    assert words(again) == "asking for 10.77.0.100 again"
    again.run_until(lambda: again.told)
    assert words(again) == "asking for 10.77.0.100 again; no DHCP answer on eth0 so far"
    again.run_until(lambda: again.client.phase is Phase.BOUND)
    assert words(again) == "10.77.0.100 is kept from before; no DHCP answer on eth0 yet"
    again.run_until(lambda: again.client.phase is Phase.RENEWING)
    again.answer(Kind.NAK)
    assert words(again) == "the DHCP server refused 10.77.0.100; another one will be asked for"


@given(st.randoms(use_true_random=False))
def test_probing_takes_four_to_seven_seconds(chance: random.Random) -> None:
    """RFC 5227 §2.1.1: three probes, one to two seconds apart, then two seconds of silence."""
    probing: Probing | None = begin_probing(MAC, ADDRESS, 0.0, chance.random)
    sent: list[float] = []
    now = 0.0
    while probing is not None:
        now = probing.at
        probing, send = advance(probing, now, chance.random)
        sent += [now] if send else []
    assert len(sent) == 3
    assert 4 <= now <= 7
    assert now == sent[-1] + 2


def test_static_addresses() -> None:
    static = Static(MAC, IPv4Interface((ADDRESS, 24)), 0.0)
    assert static.heard(Arp(2, MAC, ADDRESS, MAC, ADDRESS), 1.0) == (static, False)
    disputed, announce = static.heard(Arp(2, OTHER_MAC, ADDRESS, MAC, ADDRESS), 1.0)
    assert announce
    disputed, announce = disputed.heard(Arp(2, OTHER_MAC, ADDRESS, MAC, ADDRESS), 2.0)
    assert not announce
    assert disputed.calm(30.0) is disputed
    assert disputed.calm(31.0) == static
    assert OTHER_MAC in describe_static(str(ADDRESS), disputed.defence.claimed_by)
    assert STANDARD.defend_interval == 10
    assert UNDISPUTED.claimed_by is None


def lease(obtained: float = 100.0) -> Lease:
    server = IPv4Address("10.77.0.1")
    return Lease(
        MAC, IPv4Interface("10.77.0.5/24"), server, server, obtained, obtained + 50, obtained + 80, obtained + 100
    )


@pytest.mark.parametrize(("now", "usable"), [(100.0, True), (199.0, True), (200.0, False), (30.0, False), (50.0, True)])
def test_remembered_leases(now: float, usable: bool) -> None:
    """Until they expire; not when the clock stands before they began."""
    known = remembered(lease(), now, 0.0)
    assert (known is not None) == usable
    shifted = remembered(lease(), now - 1000, 1000.0)
    assert (shifted is not None) == usable
    if shifted:
        assert lease_of(shifted, MAC, 1000.0) == lease()


async def test_the_newest_change_is_told_and_one_at_a_time() -> None:
    told: list[tuple[str, float | None]] = []
    done: list[str] = []
    gate = asyncio.Event()
    running = 0

    async def changed(mac: str, new: Lease | None) -> None:
        nonlocal running
        running += mac == "a"
        assert running <= 1
        told.append((mac, new.obtained if new else None))
        await gate.wait()
        running -= mac == "a"

    telling = Telling("dhcp eth0", changed, lambda mac, new: done.append(mac))
    telling.tell("a", lease(1))
    telling.tell("b", lease(2))
    await asyncio.sleep(0)
    for obtained in (3, 4, 5):
        telling.tell("a", lease(obtained))
    telling.tell("c", lease(6))
    telling.forget("c")
    await asyncio.sleep(0)
    assert told == [("a", 1), ("b", 2)]
    assert not done
    gate.set()
    telling.tell("d", None)
    while len(done) < 3:
        await asyncio.sleep(0)
    assert told == [("a", 1), ("b", 2), ("a", 5), ("d", None)]
    await telling.close()
    assert sorted(done) == ["a", "b", "d"]


async def test_closing_waits_for_what_has_begun() -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def changed(mac: str, new: Lease | None) -> None:
        begun.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        ended.append(mac)

    telling = Telling("dhcp eth0", changed, lambda mac, new: None)
    telling.tell("a", None)
    await begun.wait()
    telling.tell("a", lease())
    await telling.close()
    assert ended == ["a"]
    await telling.close()
