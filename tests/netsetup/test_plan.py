"""Wishes to plans: stable slots, addresses carried over octets, refusals in words."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsetup.accept import accept
from netsetup.addressing import is_own_mac, slot_mac
from netsetup.errors import BadRequest
from netsetup.model import MARK, Address, Facts, HostLink, Limits, Plan, Slot
from netsetup.plan import PlanWish, kept_before, make_plan, without
from tests.netsetup.fake_kernel import ETH0, HOST

WIDE = replace(HOST, addresses=(Address("eth0", IPv4Interface("10.77.0.10/16"), False),))


def static(count: int, first: str = "10.77.0.101/24", gateway: str | None = "10.77.0.1", **more: object) -> PlanWish:
    way_out = IPv4Address(gateway) if gateway else None
    return PlanWish("eth0", count, "static", IPv4Interface(first), way_out, **more)  # type: ignore[arg-type]  # fields by name


def dhcp(count: int, parent: str = "eth0", **more: object) -> PlanWish:
    return PlanWish(parent, count, "dhcp", **more)  # type: ignore[arg-type]  # fields by name


def addresses(plan: Plan) -> list[str]:
    return [str(slot.address.ip) for slot in plan.slots if slot.address]


def test_names_and_macs_follow_the_slot() -> None:
    (plan,) = make_plan(dhcp(3, mac_prefix="a2:6f:00"), (), HOST)
    assert plan.slots == (
        Slot(1, "vcam1", "a2:6f:00:00:00:01"),
        Slot(2, "vcam2", "a2:6f:00:00:00:02"),
        Slot(3, "vcam3", "a2:6f:00:00:00:03"),
    )


def test_the_usual_macs_are_the_hosts_own_and_always_the_same() -> None:
    (one,) = make_plan(dhcp(1), (), HOST)
    assert make_plan(dhcp(1), (), HOST) == (one,)
    other_host = replace(HOST, links=(replace(ETH0, mac="52:54:00:00:00:77"),))
    (other,) = make_plan(dhcp(1), (), other_host)
    assert one.slots[0].mac != other.slots[0].mac
    assert one.slots[0].mac.startswith("a2:")


def test_addresses_carry_into_the_next_octet_and_leave_out_what_is_taken() -> None:
    wish = static(
        10, "10.77.0.250/16", "10.77.0.252", exclude=(IPv4Network("10.77.0.254"), IPv4Network("10.77.1.2/31"))
    )
    facts = replace(WIDE, addresses=(*WIDE.addresses, Address("docker0", IPv4Interface("10.77.0.251/32"), False)))
    (plan,) = make_plan(wish, (), facts)
    last = ["10.77.0.250", "10.77.0.253", "10.77.0.255", "10.77.1.0", "10.77.1.1"]
    assert addresses(plan) == [*last, *(f"10.77.1.{n}" for n in range(4, 9))]


def test_a_full_network_says_how_many_fit() -> None:
    with pytest.raises(BadRequest, match="has room for 4 cameras, not for 5"):
        make_plan(static(5, "10.77.0.251/24"), (), HOST)


def test_the_least_prefix_of_all_is_doubted() -> None:
    with pytest.raises(BadRequest, match=r"room for 13 cameras, not for 200\. Make fewer, or is your LAN not a /28"):
        make_plan(static(200, "10.77.0.1/28", None), (), HOST)


def test_those_that_are_there_keep_their_addresses_and_that_can_be_said() -> None:
    before = make_plan(static(2, "10.77.0.101/24"), (), HOST)
    wish = static(3, "10.77.0.150/24")
    after = make_plan(wish, before, HOST)
    assert addresses(after[0]) == ["10.77.0.101", "10.77.0.102", "10.77.0.150"]
    assert kept_before(wish, before, after) == ["vcam1", "vcam2"]
    moved = static(3, "10.77.0.150/24", exclude=(IPv4Network("10.77.0.101"), IPv4Network("10.77.0.102")))
    assert addresses(make_plan(moved, before, HOST)[0]) == ["10.77.0.150", "10.77.0.151", "10.77.0.152"]
    assert kept_before(moved, before, make_plan(moved, before, HOST)) == []


def test_network_and_broadcast_are_never_given() -> None:
    (plan,) = make_plan(static(5, "192.168.9.0/29", None), (), replace(HOST, addresses=()))
    assert addresses(plan) == [f"192.168.9.{n}" for n in range(1, 6)]
    with pytest.raises(BadRequest, match="no network for cameras"):
        make_plan(static(1, "192.168.9.0/31", None), (), HOST)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.booleans())
def test_slots_are_for_ever_whatever_grows_and_shrinks(counts: list[int], dynamic: bool) -> None:
    seen: dict[str, Slot] = {}
    plans: tuple[Plan, ...] = ()
    for count in counts:
        plans = make_plan(dhcp(count) if dynamic else static(count), plans, HOST)
        slots = plans[0].slots if plans else ()
        assert [slot.index for slot in slots] == list(range(1, count + 1))
        for slot in slots:
            assert seen.setdefault(slot.name, slot) == slot
        if count == 0:
            assert plans == ()


def test_a_removed_slot_is_given_out_last() -> None:
    plans = make_plan(static(4), (), HOST)
    plans = without(plans, ["vcam2"])
    (plan,) = make_plan(PlanWish("eth0", 4), plans, HOST)
    assert [slot.name for slot in plan.slots] == ["vcam1", "vcam3", "vcam4", "vcam5"]
    assert addresses(plan) == ["10.77.0.101", "10.77.0.103", "10.77.0.104", "10.77.0.105"]
    with pytest.raises(BadRequest, match="no interface vcam9"):
        without(plans, ["vcam9"])
    assert without(plans, ["vcam1", "vcam3", "vcam4"]) == ()


def test_gaps_are_used_when_nothing_else_is_left() -> None:
    plans = make_plan(static(4, "10.77.0.251/24"), (), HOST)
    plans = without(plans, ["vcam2"])
    (plan,) = make_plan(PlanWish("eth0", 4), plans, HOST)
    assert addresses(plan) == ["10.77.0.251", "10.77.0.253", "10.77.0.254", "10.77.0.252"]


def test_changing_the_method_keeps_names_and_macs() -> None:
    (before,) = make_plan(dhcp(3), (), HOST)
    (after,) = make_plan(static(3), (before,), HOST)
    assert [(s.name, s.mac) for s in after.slots] == [(s.name, s.mac) for s in before.slots]
    assert addresses(after) == ["10.77.0.101", "10.77.0.102", "10.77.0.103"]
    assert make_plan(dhcp(3), (after,), HOST) == (before,)


def test_what_is_not_said_stays_as_it_was() -> None:
    (before,) = make_plan(static(2), (), HOST)
    (after,) = make_plan(PlanWish("eth0", 3), (before,), HOST)
    assert after.gateway == before.gateway and after.slots[:2] == before.slots
    assert addresses(after)[2] == "10.77.0.103"


def test_moving_to_another_network_moves_everybody() -> None:
    (before,) = make_plan(static(2), (), HOST)
    (after,) = make_plan(static(2, "10.78.0.50/24", "10.78.0.1"), (before,), HOST)
    assert addresses(after) == ["10.78.0.50", "10.78.0.51"]


def test_a_second_parent_has_its_own_block_and_names() -> None:
    plans = make_plan(dhcp(1), (), HOST)
    plans = make_plan(dhcp(1, "eth1", mac_prefix="a2:6f:00"), plans, HOST)
    assert [plan.block for plan in plans] == [0, 1]
    assert plans[1].slots == (Slot(1, "vcam1001", "a2:6f:00:00:03:e9"),)
    wish = dhcp(1, "docker0")
    plans = make_plan(wish, plans, HOST)
    spare = HostLink("eth9", 20, "52:54:00:00:00:20", "", True, True)
    with pytest.raises(BadRequest, match="At most 3 parents"):
        make_plan(dhcp(1, "eth9"), plans, replace(HOST, links=(*HOST.links, spare)))


def test_macs_and_names_of_others_are_avoided() -> None:
    neighbour = "a2:6f:00:00:00:02"
    stranger = HostLink("vcam3", 30, "52:54:00:00:00:30", "dummy", True, True)
    facts = replace(HOST, links=(*HOST.links, stranger))
    (plan,) = make_plan(dhcp(3, mac_prefix="a2:6f:00"), (), facts, taken_macs=[neighbour.upper()])
    assert [slot.name for slot in plan.slots] == ["vcam1", "vcam4", "vcam5"]


def test_two_parents_never_share_an_address() -> None:
    plans = make_plan(static(2), (), HOST)
    (_, second) = make_plan(replace(static(2), parent="eth1"), plans, HOST)
    assert addresses(second) == ["10.77.0.103", "10.77.0.104"]


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (replace(ETH0, name="p", wireless=True), "Wi-Fi"),
        (replace(ETH0, name="p", kind="macvlan", parent="eth0"), "Use the adapter below it .eth0. as parent"),
        (replace(ETH0, name="p", master="br0"), "Use br0 as parent"),
        (replace(ETH0, name="p", kind="macvlan", alias=f"{MARK} 4"), "one of the cameras' interfaces"),
        (replace(ETH0, name="q"), "There is no interface p. There are: eth0"),
    ],
)
def test_parents_that_cannot_carry_cameras(link: HostLink, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        make_plan(dhcp(1, "p"), (), replace(HOST, links=(*HOST.links, link)))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (dhcp(513), "0 to 512 fit"),
        (dhcp(-1), "0 to 512 fit"),
        (dhcp(1, "lo"), "leads nowhere"),
        (dhcp(1, mac_prefix="a1:6f"), "not for own use.*begins with a2, such as a2:6f"),
        (dhcp(1, mac_prefix="00"), "such as 02:6f:00"),
        (dhcp(1, mac_prefix="zz"), "not the begin of a MAC"),
        (dhcp(2, mac_prefix="fe:ff:ff:ff:ff:fe"), "no room for slot 2"),
        (dhcp(1, name_prefix="eth"), "cannot begin the names"),
        (dhcp(1, name_prefix="docker"), "cannot begin the names"),
        (dhcp(1, name_prefix="much-too-long"), "cannot begin the names"),
        (PlanWish("eth0", 2, "static"), "need the first one"),
        (static(1, gateway="10.99.0.1"), "gateway 10.99.0.1 is not in 10.77.0.0/24"),
        (static(1, gateway="10.77.0.255"), "10.77.0.255 cannot be a gateway"),
        (static(1, gateway="10.77.0.10"), "10.77.0.10 is this host's own address"),
    ],
)
def test_impossible_wishes(wish: PlanWish, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        make_plan(wish, (), HOST)


def test_prefixes_are_for_ever() -> None:
    plans = make_plan(dhcp(1, mac_prefix="a2:6f:00"), (), HOST)
    with pytest.raises(BadRequest, match="recorders know them by it"):
        make_plan(dhcp(2, mac_prefix="a2:6f:01"), plans, HOST)
    assert make_plan(dhcp(1, mac_prefix="A2-6F-00"), plans, HOST) == plans


@pytest.mark.parametrize(
    ("limits", "wish", "words"),
    [
        (
            Limits(("eth1",)),
            static(1),
            "not allowed as parent here, only eth1. .* install --parent eth1 --parent eth0 --yes",
        ),
        (Limits(("eth0",), most=2), static(3), "At most 2 interfaces .* --most 3 --yes"),
        (Limits(("eth0",), name_prefix="cam"), static(1, name_prefix="vcam"), "must begin with cam"),
        (Limits(("eth0",)), static(1, "10.78.0.5/24", None), "outside the allowed addresses .10.77.0.0/24"),
        (Limits(("eth0",)), static(1, "10.77.0.101/16", None), "wider than the network of eth0"),
        (Limits(("eth0",), (IPv4Network("10.77.0.64/27"),)), static(1), "outside the allowed addresses"),
    ],
)
def test_the_limits_of_the_config(limits: Limits, wish: PlanWish, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        make_plan(wish, (), HOST, limits)


def test_inside_the_limits_everything_goes() -> None:
    limits = Limits(("eth0",), (IPv4Network("10.77.0.100/30"), IPv4Network("10.77.0.104/29")), "cam", 4)
    (plan,) = make_plan(static(4), (), HOST, limits)
    assert [slot.name for slot in plan.slots] == ["cam1", "cam2", "cam3", "cam4"]


GOOD = make_plan(static(2), (), HOST)[0]


@pytest.mark.parametrize(
    ("plans", "words"),
    [
        ((GOOD, GOOD), "parent eth0 is there twice"),
        ((GOOD, replace(GOOD, parent="eth1")), "block 0 is there twice"),
        ((replace(GOOD, block=7),), "Block 7"),
        (
            (replace(GOOD, slots=(GOOD.slots[0], replace(GOOD.slots[1], mac=GOOD.slots[0].mac))),),
            "MAC address .* twice",
        ),
        ((replace(GOOD, slots=(replace(GOOD.slots[0], index=600),)),), "Slot 600"),
        ((replace(GOOD, slots=(replace(GOOD.slots[0], name="eth7"),)),), "not named eth7 but vcam1"),
        ((replace(GOOD, slots=(replace(GOOD.slots[0], mac="00:11:22:33:44:55"),)),), "not a locally administered"),
        ((replace(GOOD, slots=(replace(GOOD.slots[0], address=None),)),), "vcam1 has no address"),
        ((replace(GOOD, method="dhcp"),), "may not have an address"),
        ((replace(GOOD, slots=(replace(GOOD.slots[0], address=IPv4Interface("10.77.0.1/24")),)),), "the gateway's"),
        ((replace(GOOD, slots=(replace(GOOD.slots[0], address=IPv4Interface("10.77.0.10/24")),)),), "own address"),
        ((replace(GOOD, slots=(replace(GOOD.slots[0], address=IPv4Interface("10.77.0.255/24")),)),), "not a host's"),
        ((replace(GOOD, slots=(replace(GOOD.slots[0], mac="a2:99:00:00:00:07"),)),), "used on this host already"),
    ],
)
def test_plans_from_elsewhere_are_looked_through(plans: tuple[Plan, ...], words: str) -> None:
    accept((GOOD,), HOST, None)
    with pytest.raises(BadRequest, match=words):
        accept(plans, HOST, None)


def test_an_unplugged_adapter_keeps_its_plan() -> None:
    accept((GOOD,), Facts(), None)


@given(st.integers(1, 2**24 - 2), st.sampled_from(["a2", "a2:6f", "a2:6f:00", "06:ff:ff", "a2:6f:00:ff"]))
def test_macs_are_unicast_local_and_carry(number: int, prefix: str) -> None:
    mac = slot_mac(prefix, number)
    assert is_own_mac(mac)
    base = int(prefix.replace(":", "").ljust(12, "0"), 16)
    assert int(mac.replace(":", ""), 16) == base + number
