"""The recipe as data: what each kind of plan and lease wants of the kernel."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from netsetup.desired import desired, merge
from netsetup.diff import diff
from netsetup.model import UNREACHABLE_METRIC, Address, Lease, Link, Plan, Route, Rule, Slot, Sysctl
from netsetup.steps import AddAddress, AddLink, AddRule, PutRoute, SetAlias, SetState, SetSysctl, words
from tests.netsetup.fake_kernel import HOST

LAN = IPv4Network("10.77.0.0/24")
CAMERA = Slot(7, "vcam7", "a2:6f:00:00:00:07", IPv4Interface("10.77.0.107/24"))
PLAN = Plan("eth0", 0, "static", (CAMERA,), IPv4Address("10.77.0.1"))
DYNAMIC = replace(PLAN, method="dhcp", gateway=None, slots=(replace(CAMERA, address=None), Slot(8, "vcam8", "a2:00")))


def lease(address: str, gateway: str | None = "10.77.0.1", mac: str = CAMERA.mac) -> Lease:
    way_out = IPv4Address(gateway) if gateway else None
    return Lease(mac, IPv4Interface(address), way_out, IPv4Address("10.77.0.2"), 0, 1, 2, 3)


def test_one_static_camera_is_the_recipe() -> None:
    wish = desired(PLAN, {}, host_lan=None)
    assert wish.links == (Link("vcam7", "eth0", CAMERA.mac, "onviftui:camera 7"),)
    assert wish.addresses == (Address("vcam7", IPv4Interface("10.77.0.107/24")),)
    ip = IPv4Address("10.77.0.107")
    assert wish.routes == (
        Route(7007, LAN, "vcam7", ip),
        Route(7007, IPv4Network("0.0.0.0/0"), "vcam7", ip, IPv4Address("10.77.0.1")),
        Route(7007, IPv4Network("0.0.0.0/0"), None, None, None, UNREACHABLE_METRIC),
    )
    host = IPv4Network("10.77.0.107/32")
    assert set(wish.rules) == {
        Rule(10000, "goto", LAN, target=15000, invert=True),
        Rule(10007, "lookup", host, LAN, 7007),
        Rule(11500, "lookup", LAN, table=254, suppress_prefixlength=0),
        Rule(12007, "lookup", host, table=7007),
        Rule(15000, "nop"),
    }
    assert Sysctl("ipv4", "eth0", "arp_ignore", "1") in wish.sysctls
    assert not any(sysctl.link == "all" for sysctl in wish.sysctls)


def test_the_second_parent_has_its_own_tables_and_preferences() -> None:
    wish = desired(replace(PLAN, block=1, parent="eth1"), {}, host_lan=None)
    assert {route.table for route in wish.routes} == {8007}
    assert sorted(rule.preference for rule in wish.rules) == [16000, 16007, 17500, 18007, 21000]
    assert wish.links[0].alias == "onviftui:camera 1007"


def test_without_lease_there_is_only_the_interface() -> None:
    wish = desired(DYNAMIC, {}, host_lan=None)
    assert [link.up for link in wish.links] == [True, True]
    assert not (wish.addresses or wish.routes or wish.rules)


def test_a_lease_brings_its_lan_and_way_out() -> None:
    wish = desired(DYNAMIC, {7: lease("10.77.0.150/24")}, host_lan=None)
    assert wish.addresses == (Address("vcam7", IPv4Interface("10.77.0.150/24")),)
    assert [route.via for route in wish.routes] == [None, IPv4Address("10.77.0.1"), None]


def test_a_gateway_outside_the_lan_is_no_way_out() -> None:
    wish = desired(DYNAMIC, {7: lease("10.77.0.150/24", "192.0.2.1")}, host_lan=None)
    assert [route.link for route in wish.routes] == ["vcam7", None]


def test_a_server_that_gives_no_mask_means_the_hosts_lan() -> None:
    host = IPv4Interface("10.77.0.10/24")
    wish = desired(DYNAMIC, {7: lease("10.77.0.150/32")}, host_lan=host)
    assert wish.addresses[0].address == IPv4Interface("10.77.0.150/24")
    wish = desired(DYNAMIC, {7: lease("10.99.0.150/32")}, host_lan=host)
    assert wish.addresses[0].address == IPv4Interface("10.99.0.150/32")


def test_two_lans_have_no_common_skip() -> None:
    leases = {7: lease("10.77.0.150/24"), 8: lease("10.78.0.150/24", "10.78.0.1", "a2:00")}
    wish = desired(DYNAMIC, leases, host_lan=None)
    assert not any(rule.action == "goto" for rule in wish.rules)
    assert {rule.source for rule in wish.rules if rule.preference == 11500} == {LAN, IPv4Network("10.78.0.0/24")}


def test_the_order_is_the_recipes() -> None:
    """Mark, settings and address before `up`, so that the gratuitous ARP is the camera's own; then routes, rules."""
    steps = diff(HOST, desired(PLAN, {}, host_lan=None))
    of_camera = [step for step in steps if "vcam7" in words(step) or "7007" in words(step)]
    kinds = list(dict.fromkeys(type(step) for step in of_camera))
    assert kinds == [AddLink, SetAlias, SetSysctl, AddAddress, SetState, PutRoute, AddRule]
    assert isinstance(steps[0], SetSysctl) and steps[0].sysctl.link == "eth0"
    assert words(steps[1]) == "add rule 15000: from all nop"
    assert words(steps[-1]) == "add rule 10000: not from 10.77.0.0/24 goto 15000"


def test_what_two_parents_want_alike_is_wanted_once() -> None:
    shared = desired(PLAN, {}, host_lan=None, shared_lan=True)
    again = desired(replace(PLAN, block=1, parent="eth1", slots=()), {}, host_lan=None, shared_lan=True)
    wish = merge([shared, again])
    assert sum(sysctl.link == "all" for sysctl in wish.sysctls) == 1
