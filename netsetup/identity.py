"""What proxyd may not change through the arm: names and MACs are for ever, and no other device's are taken. Pure.

Root may, at the command line; through the arm everything new is as this host would derive it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .accept import accept_parent
from .addressing import host_mac_prefix, slot_mac
from .desired import number
from .errors import BadRequest
from .model import Facts, Plan, Slot


def keep_identity(before: Sequence[Plan], after: Sequence[Plan], facts: Facts, neighbours: Collection[str]) -> None:
    """`neighbours`: MACs that were seen on the network. Raises BadRequest for the first thing that is wrong."""
    present = {plan.parent: plan for plan in before}
    for plan in after:
        if plan != present.get(plan.parent):
            _keep(present.get(plan.parent), plan, facts)
            known = present[plan.parent].slots if plan.parent in present else ()
            for slot in _new(known, plan.slots):
                _accept_mac(plan, slot, neighbours)


def _keep(present: Plan | None, plan: Plan, facts: Facts) -> None:
    if present is None:
        usual = host_mac_prefix(accept_parent(plan.parent, facts).mac)
        if plan.mac_prefix != usual:
            raise BadRequest(
                f"MAC addresses on {plan.parent} begin with {usual} here.",
                "Root can choose another begin: netsetup plan --mac-prefix",
            )
    elif _names(plan) != _names(present):
        raise BadRequest(
            f"The interfaces on {plan.parent} keep their names and MAC addresses: recorders know them by these.",
            "Root can begin anew: netsetup remove, then netsetup apply.",
        )


def _names(plan: Plan) -> tuple[object, ...]:
    return plan.block, plan.name_prefix, plan.mac_prefix


def _new(known: Sequence[Slot], slots: Sequence[Slot]) -> list[Slot]:
    there = {(slot.index, slot.mac) for slot in known}
    return [slot for slot in slots if (slot.index, slot.mac) not in there]


def _accept_mac(plan: Plan, slot: Slot, neighbours: Collection[str]) -> None:
    derived = slot_mac(plan.mac_prefix, number(plan, slot))
    if slot.mac != derived:
        raise BadRequest(f"{slot.name} has the MAC address {derived}, not {slot.mac}.", "Make the plan again.")
    if slot.mac in neighbours:
        raise BadRequest(
            f"The MAC address {slot.mac} of {slot.name} is used by another device on the network.",
            "Is there a second host with the same plan? Root can choose another begin: netsetup plan --mac-prefix",
        )
