"""What a plan that comes through the arm may not change, and a real arm that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest

from netsetup.addressing import host_mac_prefix
from netsetup.errors import BadRequest
from netsetup.identity import keep_identity
from netsetup.model import Facts, HostLink, Plan, Slot
from netsetup.plan import PlanWish, make_plan
from netsetup.protocol import digest_of
from tests.netns.lan import RECORDER, Lan, skip_unless_possible

from .arm import Arm

ETH0 = HostLink("eth0", 2, "02:00:00:00:00:10", "veth", True, True)
FACTS = Facts((ETH0,))
OTHER = "02:00:00:00:00:20"


def planned(count: int, *before: Plan, mac_prefix: str | None = None) -> Plan:
    return make_plan(PlanWish("eth0", count, mac_prefix=mac_prefix), before, FACTS)[0]


def first(plan: Plan, **changes: Any) -> Plan:
    return replace(plan, slots=(replace(plan.slots[0], **changes), *plan.slots[1:]))


def test_growing_shrinking_and_new_addresses_are_free() -> None:
    three = planned(3)
    for before, after in (
        ((), (three,)),
        ((three,), (planned(5, three),)),
        ((three,), (planned(1, three),)),
        ((three,), ()),
        ((three,), (first(replace(three, method="static"), address=IPv4Interface("10.77.0.5/24")),)),
    ):
        keep_identity(before, after, FACTS, {OTHER})


def test_what_root_made_otherwise_may_stay_and_grow() -> None:
    roots = first(planned(2, mac_prefix="a6:00"), mac="a6:99:00:00:00:77")
    keep_identity((roots,), (planned(4, roots),), FACTS, set())
    keep_identity((roots,), (roots,), FACTS, {"a6:99:00:00:00:77"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plan: replace(plan, block=1, slots=()), "keep their names"),
        (lambda plan: replace(plan, mac_prefix="a6:00:00"), "keep their names"),
        (lambda plan: replace(plan, name_prefix="cam"), "keep their names"),
        (lambda plan: first(plan, mac=OTHER), "has the MAC address"),
        (lambda plan: replace(plan, slots=tuple(replace(s, index=s.index + 1) for s in plan.slots)), "has the MAC"),
        (lambda plan: replace(plan, parent="eth1"), "There is no interface eth1"),
    ],
)
def test_cameras_keep_their_names_and_macs(change: Callable[[Plan], Plan], words: str) -> None:
    three = planned(3)
    with pytest.raises(BadRequest, match=words):
        keep_identity((three,), (change(three),), FACTS, set())


def test_new_interfaces_take_this_hosts_macs_and_nobody_elses() -> None:
    with pytest.raises(BadRequest, match=f"begin with {host_mac_prefix(ETH0.mac)} here"):
        keep_identity((), (planned(1, mac_prefix="02:00:00:00:00:1f"),), FACTS, set())
    one = planned(1)
    with pytest.raises(BadRequest, match="used by another device on the network"):
        keep_identity((), (one,), FACTS, {one.slots[0].mac})
    keep_identity((one,), (planned(2, one),), FACTS, {one.slots[0].mac})


def test_the_arm_gives_no_camera_the_mac_of_another_device(tmp_path: Path) -> None:
    skip_unless_possible()
    with Lan() as lan:
        arm = Arm(lan, tmp_path).start()
        lan.recorder.ip("link set eth0 address a2:6f:00:00:00:aa")
        assert lan.host.ping(RECORDER)
        plan = Plan.from_json(arm.done("plan", parent="eth0", count=2, method="dhcp")["plans"][0])
        stolen = first(plan, mac="a2:6f:00:00:00:aa")
        begun = replace(plan, mac_prefix="a2:6f:00:00:00:a9", slots=(Slot(1, "vcam1", "a2:6f:00:00:00:aa"),))
        for wrong in (stolen, begun, replace(plan, mac_prefix="\x1b[2J")):
            refused = arm.ask("apply", plans=[wrong.to_json()], digest=digest_of([wrong]))
            assert (refused["ok"], refused["kind"]) == (False, "BadRequest"), refused
        lan.recorder.ip(f"link set eth0 address {plan.slots[1].mac}")
        lan.host.ip("neighbour flush dev eth0")
        assert lan.host.ping(RECORDER)
        refused = arm.ask("apply", plans=[plan.to_json()], digest=digest_of([plan]))
        assert "vcam2 is used by another device" in refused["error"]
        assert arm.addresses() == {} and arm.status()["parents"] == []
