"""The lease machine: RFC 2131's ways one by one, then anything in any order."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netsetup.dhcp.client import Answer, Ask, Configured, Heard, LinkUp, Phase, Reason, ServerSeen, Stop, Tick, wake
from netsetup.dhcp.frames import ANY, Arp
from netsetup.dhcp.packet import Kind, Request
from netsetup.dhcp.terms import Terms, retransmission

from .bench_client import ADDRESS, MAC, OTHER_MAC, SERVER, SERVER_MAC, START, Bench, answer, claim


def remembered(left: float = 1000.0, t1: float = 500.0) -> Terms:
    return Terms(
        IPv4Interface((ADDRESS, 24)), SERVER, SERVER, "", START - 100, START + t1, START + left * 7 / 8, START + left
    )


def gaps(bench: Bench, kind: Kind) -> list[float]:
    times = [at for at, request in bench.sent if request.kind is kind]
    return [later - earlier for earlier, later in pairwise(times)]


def test_the_way_to_an_address() -> None:
    bench = Bench.new(wanted=IPv4Address("10.77.0.7"))
    bench.run_until(lambda: bench.sent)
    discover = bench.last()
    assert discover == Request(
        Kind.DISCOVER, MAC, bench.client.xid, requested=IPv4Address("10.77.0.7"), hostname="camera"
    )
    bench.answer(Kind.OFFER)
    request = bench.last()
    assert (request.kind, request.xid, request.requested, request.server) == (
        Kind.REQUEST,
        discover.xid,
        ADDRESS,
        SERVER,
    )
    assert (request.in_use, request.to) == (ANY, None)
    asked = bench.now
    bench.now += 1
    bench.answer(Kind.ACK)
    assert bench.phase == "checking"
    assert not bench.told
    bench.run_until(lambda: bench.told)
    ((bound_at, terms),) = bench.told
    assert terms
    assert (terms.address, terms.gateway, terms.server_mac) == (IPv4Interface("10.77.0.100/24"), SERVER, SERVER_MAC)
    assert (terms.obtained, terms.t2, terms.expires) == (asked, asked + 3150, asked + 3600)
    assert asked + 1800 * 0.96 <= terms.t1 <= asked + 1800
    first, second, third = (at for at, _ in bench.asked)
    assert asked + 1 <= first <= asked + 2  # RFC 5227 §2.1.1
    assert 1 <= second - first <= 2
    assert 1 <= third - second <= 2
    assert bound_at == pytest.approx(third + 2)
    bench.do(Configured())
    bench.run_to(bench.now + 10)
    assert [ask for _, ask in bench.asked[3:]] == [Ask(ADDRESS, ADDRESS)] * 2
    assert bench.asked[4][0] - bench.asked[3][0] == pytest.approx(2)  # §2.3


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_retransmission_times(sent: int, chance: float) -> None:
    expected = (4, 8, 16, 32, 64)[min(sent, 5) - 1]
    assert expected - 1 <= retransmission(sent, lambda: chance) <= expected + 1


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_discover_goes_on_for_ever(seed: int) -> None:
    bench = Bench.new(seed=seed)
    bench.run_to(START + 600)
    for gap, expected in zip(gaps(bench, Kind.DISCOVER), [4, 8, 16, 32] + [64] * 50, strict=False):
        assert expected - 1 <= gap <= expected + 1
    requests = [request for _, request in bench.sent]
    assert len(requests) > 10
    assert [request.want_broadcast for request in requests[:6]] == [False, False, True, True, False, False]
    assert requests[-1].secs > 500


def test_a_server_that_offers_and_dies_is_left() -> None:
    bench = Bench.new()
    bench.run_until(lambda: bench.sent)
    bench.answer(Kind.OFFER)
    bench.run_until(lambda: bench.client.phase is Phase.SEARCHING)
    assert gaps(bench, Kind.REQUEST) == pytest.approx([4, 8, 16], abs=1)
    assert bench.sent[-1][0] - bench.sent[1][0] == pytest.approx(60, abs=4)


def test_renewal_is_unicast_and_counts_from_the_request() -> None:
    bench = Bench.new()
    bench.lease()
    first = bench.client.lease
    assert first
    bench.run_until(lambda: bench.client.phase is Phase.RENEWING)
    assert bench.now == first.t1
    request = bench.last()
    assert (request.in_use, request.requested, request.server) == (ADDRESS, None, None)
    assert (request.to, request.to_mac) == (SERVER, SERVER_MAC)
    bench.now += 0.5
    bench.answer(Kind.ACK)
    assert bench.phase == "bound"
    assert bench.client.lease
    assert bench.client.lease.expires == first.t1 + 3600
    assert [terms and terms.address.ip for _, terms in bench.told] == [ADDRESS] * 2


def test_renewing_rebinding_expiry() -> None:
    bench = Bench.new()
    bench.lease()
    lease = bench.client.lease
    assert lease
    bench.run_to(lease.t2 - 0.01)
    renewals = [at for at, request in bench.sent if request.to == SERVER]
    assert renewals[0] == lease.t1
    for earlier, later in pairwise(renewals):  # RFC 2131 §4.4.5
        assert later - earlier == pytest.approx(max((lease.t2 - earlier) / 2, 60))
    bench.run_to(lease.expires - 0.01)
    assert bench.phase == "rebinding"
    rebinds = [(at, request) for at, request in bench.sent if at >= lease.t2]
    assert rebinds[0][0] == lease.t2
    assert all(request.to is None and request.in_use == ADDRESS and request.server is None for _, request in rebinds)
    assert len({request.xid for _, request in rebinds}) == len(rebinds)
    bench.run_to(lease.expires)
    assert bench.told[-1] == (lease.expires, None)
    assert bench.phase == "searching"
    assert bench.last().requested == ADDRESS


def test_short_leases_are_asked_for_more_than_once() -> None:
    bench = Bench.new()
    bench.run_until(lambda: bench.sent)
    bench.answer(Kind.OFFER, lease_s=120)
    bench.answer(Kind.ACK, lease_s=120)
    bench.run_until(lambda: bench.told and bench.told[-1][1] is None)
    assert len([request for _, request in bench.sent if request.to]) >= 3
    assert len([request for _, request in bench.sent if request.in_use != ANY and not request.to]) >= 2
    assert len(bench.sent) < 25


def test_any_server_may_rebind() -> None:
    bench = Bench.new()
    bench.lease()
    bench.run_until(lambda: bench.client.phase is Phase.REBINDING)
    bench.answer(Kind.ACK, server=IPv4Address("10.77.0.2"))
    assert bench.phase == "bound"
    assert bench.client.lease
    assert bench.client.lease.server == IPv4Address("10.77.0.2")


def test_a_remembered_lease_is_confirmed() -> None:
    bench = Bench.new(remembered())
    bench.run_until(lambda: bench.sent)
    request = bench.last()
    assert (request.kind, request.requested, request.server, request.in_use) == (Kind.REQUEST, ADDRESS, None, ANY)
    bench.answer(Kind.ACK)
    assert bench.phase == "checking"
    bench.run_until(lambda: bench.client.phase is Phase.BOUND)
    assert len(bench.told) == 1


def test_a_remembered_lease_is_used_while_no_server_answers() -> None:
    """After a power cut the router is slower than we are."""
    bench = Bench.new(remembered(), seed=3)
    bench.run_until(lambda: bench.told)
    assert bench.now < START + 25
    assert bench.phase == "rebooting"
    assert bench.client.reason is Reason.UNCONFIRMED
    bench.answer(Kind.ACK)
    bench.run_until(lambda: bench.client.phase is Phase.BOUND)
    assert not bench.client.reason.value
    assert [terms is None for _, terms in bench.told] == [False, False]


def test_a_remembered_lease_ends_in_time_without_a_server() -> None:
    bench = Bench.new(remembered())
    bench.run_until(lambda: bench.client.phase is Phase.RENEWING)
    assert bench.now == START + 500
    assert bench.last().to_mac == ""
    bench.run_to(START + 1000)
    assert bench.told[-1] == (START + 1000, None)


def test_a_refusal_frees_at_once_and_forgets() -> None:
    bench = Bench.new(remembered())
    bench.run_until(lambda: bench.sent)
    bench.answer(Kind.NAK)
    assert bench.told == [(bench.now, None)]
    bench.run_until(lambda: bench.client.phase is Phase.SEARCHING)
    assert bench.last().requested is None
    assert bench.now < START + 1


def test_a_server_that_always_refuses_is_not_flooded() -> None:
    bench = Bench.new()
    for _ in range(8):
        bench.run_until(lambda: bench.client.phase is Phase.SEARCHING)
        bench.answer(Kind.OFFER)
        bench.answer(Kind.NAK)
    assert bench.now - START > 60


def test_refusals_of_others_do_not_count() -> None:
    bench = Bench.new()
    bench.lease()
    for kind in (Kind.NAK, Kind.OFFER, Kind.ACK):
        bench.answer(kind)  # nothing was asked
    assert bench.phase == "bound"
    bench.run_until(lambda: bench.client.phase is Phase.RENEWING)
    bench.answer(Kind.NAK, server=IPv4Address("10.77.0.66"))
    assert bench.phase == "renewing"
    bench.do(Answer(answer(Kind.NAK, bench.client.xid ^ 1)))
    bench.answer(Kind.NAK, mac=OTHER_MAC)
    bench.answer(Kind.ACK, address=IPv4Address("10.77.0.101"))
    assert bench.phase == "renewing"


def test_only_the_server_that_offered_may_acknowledge() -> None:
    bench = Bench.new()
    bench.run_until(lambda: bench.sent)
    bench.answer(Kind.OFFER)
    bench.answer(Kind.ACK, server=IPv4Address("10.77.0.66"))
    bench.answer(Kind.NAK, server=IPv4Address("10.77.0.66"))
    bench.answer(Kind.ACK, lease_s=None)
    assert bench.phase == "requesting"
    bench.answer(Kind.ACK, server=None)
    assert bench.phase == "checking"


@pytest.mark.parametrize(
    "fields",
    [
        {"lease_s": None},
        {"lease_s": 0},
        {"server": None},
        {"address": IPv4Address(0)},
        {"address": IPv4Address("10.77.0.255")},
        {"lease_s": 1},
        {"lease_s": 7},  # asking who has the address may take as long
    ],
)
def test_useless_offers_are_passed_over(fields: dict[str, object]) -> None:
    bench = Bench.new()
    bench.run_until(lambda: bench.sent)
    bench.answer(Kind.OFFER, **fields)
    assert bench.phase == "searching"
    assert bench.client.reason is Reason.UNUSABLE
    bench.answer(Kind.OFFER)
    assert bench.phase == "requesting"


@pytest.mark.parametrize(
    "arp",
    [
        Arp(2, OTHER_MAC, ADDRESS, MAC, ANY),  # answers the probe
        Arp(1, OTHER_MAC, ADDRESS, MAC, SERVER),  # uses the address
        Arp(1, OTHER_MAC, ANY, "00:00:00:00:00:00", ADDRESS),  # probes for it too
    ],
)
def test_a_dispute_before_use_is_declined(arp: Arp) -> None:
    bench = Bench.new()
    bench.run_until(lambda: bench.sent)
    bench.answer(Kind.OFFER)
    bench.answer(Kind.ACK)
    bench.do(Heard(Arp(1, MAC, ANY, "00:00:00:00:00:00", ADDRESS)))  # our own, reflected
    assert bench.phase == "checking"
    bench.do(Heard(arp))
    decline = bench.last()
    assert (decline.kind, decline.requested, decline.server, decline.to) == (Kind.DECLINE, ADDRESS, SERVER, None)
    assert not bench.told
    bench.do(LinkUp())  # no reason to hurry
    bench.run_until(lambda: bench.client.phase is Phase.SEARCHING)
    assert 10 <= bench.now - bench.sent[-2][0] <= 12
    assert bench.last().requested is None


def test_many_conflicts_slow_it_down() -> None:
    bench = Bench.new()
    for _ in range(11):
        bench.run_until(lambda: bench.client.phase is Phase.SEARCHING)
        bench.answer(Kind.OFFER)
        bench.answer(Kind.ACK)
        bench.do(claim())
    assert (bench.client.at or 0) - bench.now >= 60


def test_an_address_in_use_is_defended_once_in_ten_seconds() -> None:
    bench = Bench.new()
    bench.lease()
    bench.asked.clear()
    bench.do(claim())
    bench.run_to(bench.now + 10.1)
    bench.do(claim())
    assert len(bench.asked) == 2
    assert bench.client.defence.claimed_by == OTHER_MAC
    bench.run_to(bench.now + 5)
    bench.do(claim())
    assert bench.last().kind is Kind.DECLINE
    assert bench.told[-1][1] is None
    assert bench.phase == "waiting"


def test_a_conflict_that_is_over_is_forgotten() -> None:
    bench = Bench.new()
    bench.lease()
    bench.do(claim())
    bench.run_to(bench.now + 31)
    assert bench.client.defence.claimed_by is None


def test_a_link_that_comes_back_keeps_the_address_while_asking() -> None:
    bench = Bench.new()
    bench.lease()
    bench.do(LinkUp())
    assert bench.phase == "rebooting"
    bench.run_to(bench.now + 100)
    assert bench.phase == "bound"  # no server: the rest of the lease is still ours (§3.7)
    assert [terms is None for _, terms in bench.told] == [False]


def test_a_link_that_comes_back_ends_a_long_wait() -> None:
    for event in (LinkUp(), ServerSeen()):
        bench = Bench.new()
        bench.run_to(START + 300)
        bench.do(event)
        at = wake(bench.client)
        assert at is not None
        assert at - bench.now <= 1


def test_release() -> None:
    bench = Bench.new()
    bench.lease()
    bench.do(Stop(release=True))
    request = bench.last()
    assert (request.kind, request.in_use, request.server, request.requested) == (Kind.RELEASE, ADDRESS, SERVER, None)
    assert (request.to, request.to_mac) == (SERVER, SERVER_MAC)
    count = len(bench.sent)
    bench.do(LinkUp())
    bench.do(Tick())
    assert len(bench.sent) == count


def test_stopping_keeps_the_lease_at_the_server() -> None:
    bench = Bench.new()
    bench.lease()
    count = len(bench.sent)
    bench.do(Stop())
    assert len(bench.sent) == count
    assert wake(bench.client) is None


@given(st.integers(), st.floats(0.0, 0.8), st.integers(20, 5000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_it_gets_there_whatever_is_lost(seed: int, loss: float, lease_s: int, known: bool) -> None:
    """An honest server behind a bad cable: an address in the end, and again for ever."""
    chance = random.Random(seed)
    bench = Bench.new(remembered() if known else None, seed=chance.randrange(2**32))
    seen = 0
    while bench.now < START + 20_000 and len(bench.told) < 30:
        at = wake(bench.client)
        assert at is not None
        bench.now = max(at, bench.now)
        bench.do(Tick())
        for _, request in bench.sent[seen:]:
            if request.kind in (Kind.DISCOVER, Kind.REQUEST) and chance.random() >= loss:
                bench.now += chance.random() * 0.01
                kind = Kind.OFFER if request.kind is Kind.DISCOVER else Kind.ACK
                bench.do(Answer(answer(kind, request.xid, lease_s=lease_s)))
        seen = len(bench.sent)
    assert any(terms for _, terms in bench.told)


ADDRESSES = st.sampled_from([ADDRESS, IPv4Address("10.77.0.101"), IPv4Address(0)])
MACS = st.sampled_from([MAC, OTHER_MAC])
REPLIES = st.fixed_dictionaries(
    {"kind": st.sampled_from([Kind.OFFER, Kind.ACK, Kind.NAK]), "xid_right": st.integers(0, 9)},
    optional={
        "address": ADDRESSES,
        "server": st.sampled_from([SERVER, IPv4Address("10.77.0.2"), None]),
        "lease_s": st.sampled_from([None, 0, 1, 5, 120, 2**32 - 1]),
        "t1_s": st.sampled_from([0, 1, 60, 2**32 - 1]),
        "t2_s": st.sampled_from([0, 1, 90, 2**32 - 1]),
        "mac": MACS,
    },
)
ARPS = st.builds(Arp, st.sampled_from((1, 2)), MACS, ADDRESSES, MACS, ADDRESSES)
EVENTS = st.one_of(
    REPLIES,
    ARPS.map(Heard),
    st.sampled_from([Tick(), LinkUp(), ServerSeen(), Configured(), "go on", "go on", "go on"]),
    st.sampled_from([Stop(), Stop(release=True)]),
)
PAUSES = st.sampled_from([0.0, 0.0, 0.5, 5.0, 20.0, 70.0, 4000.0])


@given(
    st.lists(st.tuples(PAUSES, st.booleans(), EVENTS), max_size=40),
    st.none() | st.builds(remembered, st.floats(1, 5000), st.floats(-50, 50)),
    st.integers(0, 100),
)
@settings(max_examples=300, deadline=None)
def test_any_events_in_any_order(events: list[tuple[float, bool, object]], lease: Terms | None, seed: int) -> None:
    """What must hold is in Bench.check; `False` lets time jump without the Ticks that were due, as a suspend does."""
    if lease is not None:
        lease = replace(lease, t1=min(lease.t1, lease.t2 - 0.01))
    bench = Bench.new(lease, seed)
    for pause, on_time, event in events:
        if on_time:
            bench.run_to(bench.now + pause)
        else:
            bench.now += pause
        match event:
            case dict():
                fields = dict(event)
                kind, right = fields.pop("kind"), fields.pop("xid_right")
                xid = bench.client.xid if right else 77
                bench.do(Answer(answer(kind, xid, **fields)))
            case "go on":
                if bench.client.phase is not Phase.STOPPED:
                    bench.run_until(lambda: True)
                    bench.run_to(max(bench.now, wake(bench.client) or 0))
            case _:
                bench.do(event)  # type: ignore[arg-type]  # drawn from a mixed list
