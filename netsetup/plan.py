"""Plans from wishes. Pure.

A slot is one camera's interface for ever: growing adds slots and keeps the others as they are, shrinking drops the
last, and growing again gives the same ones back. A slot removed by name stays free until no number after it is left,
so that a recorder does not meet a new camera under an old MAC.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from itertools import chain, islice
from typing import Literal

from .accept import accept, accept_count, accept_parent
from .addressing import addresses_from, host_mac_prefix, parse_mac_prefix, slot_mac, usable
from .errors import BadRequest
from .known import Known, other_holder
from .model import MOST_PARENTS, MOST_SLOTS, TABLE_BLOCK, Facts, Limits, Plan, Slot


@dataclass(frozen=True, slots=True)
class PlanWish:
    """What somebody asks for. None: as the parent's present plan has it, else the usual.

    `first` is the first static address with its prefix length; `count` is of all interfaces on the parent.
    """

    parent: str
    count: int
    method: Literal["dhcp", "static"] | None = None
    first: IPv4Interface | None = None
    gateway: IPv4Address | None = None
    exclude: tuple[IPv4Network, ...] = ()
    mac_prefix: str | None = None
    name_prefix: str | None = None
    guard: tuple[int, ...] | None = None


def make_plan(
    wish: PlanWish,
    plans: Sequence[Plan],
    facts: Facts,
    limits: Limits | None = None,
    *,
    taken_macs: Collection[str] = (),
    known: Mapping[str, Known] | None = None,
) -> tuple[Plan, ...]:
    """All plans as they would be: the wish's parent changed or added, the others as they are.

    `taken_macs`: seen on the network; `known`: proxyd's database by MAC, where only the interface of the same name has
    a right to its MAC. New slots avoid both. `limits` None: root asks.
    Raises BadRequest with the next step to try.
    """
    present = next((plan for plan in plans if plan.parent == wish.parent), None)
    others = [plan for plan in plans if plan.parent != wish.parent]
    frame = _frame(wish, present, others, facts, limits)
    if not 0 <= wish.count <= MOST_SLOTS:
        raise BadRequest(f"{wish.count} interfaces are not possible: 0 to {MOST_SLOTS} fit on one parent.")
    if limits:
        accept_count(wish.count + sum(len(plan.slots) for plan in others), limits)
    slots = list(present.slots if present else ())[: wish.count]
    taken = _taken(frame, others, facts, taken_macs)
    slots += _new_slots(frame, wish.count - len(slots), slots, taken, known or {})
    if frame.method == "static":
        slots = _with_addresses(frame, wish, slots, _taken_ips(others, facts))
    else:
        slots = [replace(slot, address=None) for slot in slots]
    made = [replace(frame, slots=tuple(sorted(slots)))] if slots else []
    result = tuple(sorted([*others, *made], key=lambda plan: plan.block))
    accept(result, facts, limits)
    return result


def without(plans: Sequence[Plan], names: Iterable[str]) -> tuple[Plan, ...]:
    """The plans without these interfaces; a plan that loses its last slot goes. Raises BadRequest for unknown names."""
    gone = set(names)
    unknown = gone - {slot.name for plan in plans for slot in plan.slots}
    if unknown:
        raise BadRequest(
            f"There is no interface {', '.join(sorted(unknown))} in the plan.", "`netsetup status` lists them."
        )
    kept = (replace(plan, slots=tuple(slot for slot in plan.slots if slot.name not in gone)) for plan in plans)
    return tuple(plan for plan in kept if plan.slots)


def kept_before(wish: PlanWish, before: Iterable[Plan], after: Iterable[Plan]) -> list[str]:
    """Names of those that keep an address below the first one of the wish: that is only for new ones."""
    if wish.first is None:
        return []
    old = {slot for plan in before for slot in plan.slots}
    kept = [slot for plan in after if plan.parent == wish.parent for slot in plan.slots if slot in old]
    return [slot.name for slot in kept if slot.address and slot.address < wish.first]


def usual_guard(plans: Sequence[Plan]) -> tuple[int, ...]:
    """Of a new plan beside these: the guard is by interface name, so that theirs holds for its cameras, too."""
    return next((plan.guard for plan in plans if plan.guard), ())


def _frame(wish: PlanWish, present: Plan | None, others: Sequence[Plan], facts: Facts, limits: Limits | None) -> Plan:
    """The plan without slots: everything that holds for the whole parent."""
    parent = accept_parent(wish.parent, facts)
    mac_prefix = parse_mac_prefix(wish.mac_prefix) if wish.mac_prefix else None
    method = wish.method or ("static" if wish.first else None)
    if present:
        for option, new, old in (
            ("--mac-prefix", mac_prefix, present.mac_prefix),
            ("--name-prefix", wish.name_prefix, present.name_prefix),
        ):
            if new and new != old:
                raise BadRequest(
                    f"The interfaces on {wish.parent} have {option} {old}, and recorders know them by it.",
                    "Run `netsetup remove --all` first to change it.",
                )
        method = method or present.method
        gateway = wish.gateway or (present.gateway if method == present.method else None)
        guard = present.guard if wish.guard is None else wish.guard
        return replace(present, method=method, gateway=gateway, slots=(), guard=guard)
    used = {plan.block for plan in others}
    block = next((block for block in range(MOST_PARENTS) if block not in used), None)
    if block is None:
        raise BadRequest(
            f"At most {MOST_PARENTS} parents can have cameras.", "Remove the plan of another parent first."
        )
    return Plan(
        wish.parent,
        block,
        method or "dhcp",
        gateway=wish.gateway,
        name_prefix=wish.name_prefix or (limits.name_prefix if limits else "vcam"),
        mac_prefix=mac_prefix or host_mac_prefix(parent.mac),
        guard=usual_guard(others) if wish.guard is None else wish.guard,
    )


def _taken(frame: Plan, others: Sequence[Plan], facts: Facts, taken_macs: Collection[str]) -> set[str]:
    """Names and MACs that a new slot may not have."""
    taken = {mac.lower() for mac in taken_macs} | {slot.mac for plan in others for slot in plan.slots}
    for link in facts.links:
        # A macvlan on the parent with exactly a slot's name and MAC was left by an interrupted run.
        if not link.ours and not (link.kind == "macvlan" and link.parent == frame.parent and not link.alias):
            taken |= {link.name, link.mac}
    return taken


def _new_slots(
    frame: Plan, count: int, slots: Sequence[Slot], taken: set[str], known: Mapping[str, Known]
) -> list[Slot]:
    """After the last, then in the gaps."""
    used = {slot.index for slot in slots}
    last = max(used, default=0)
    new: list[Slot] = []
    for index in [*range(last + 1, MOST_SLOTS + 1), *range(1, last)]:
        if len(new) >= count:
            break
        number = TABLE_BLOCK * frame.block + index
        slot = Slot(index, f"{frame.name_prefix}{number}", slot_mac(frame.mac_prefix, number))
        if index not in used and not {slot.name, slot.mac} & taken and not other_holder(slot, known):
            new.append(slot)
    if len(new) < max(0, count):
        raise BadRequest(f"Only {len(slots) + len(new)} interfaces fit on {frame.parent}.")
    return new


def _taken_ips(others: Sequence[Plan], facts: Facts) -> set[IPv4Address]:
    ours = {link.name for link in facts.links if link.ours}
    taken = {address.address.ip for address in facts.addresses if address.link not in ours}
    return taken | {slot.address.ip for plan in others for slot in plan.slots if slot.address}


def _with_addresses(frame: Plan, wish: PlanWish, slots: Sequence[Slot], taken: set[IPv4Address]) -> list[Slot]:
    """Slots keep the address they have, as long as it may be used; the others get the next free ones."""
    held = [slot.address for slot in slots if slot.address]
    first = wish.first or (min(held) if held else None)
    if first is None:
        raise BadRequest("Static addresses need the first one.", "Use --static 10.77.0.101/24 with your own network.")
    network = first.network
    if not usable(IPv4Interface((int(network.network_address) + 1, network.prefixlen))):
        raise BadRequest(f"{network} is no network for cameras.", "Use a prefix length of 30 or less, such as /24.")
    if frame.gateway and frame.gateway not in network:
        raise BadRequest(f"The gateway {frame.gateway} is not in {network}.")

    def free(ip: IPv4Address) -> bool:
        return ip not in taken and ip != frame.gateway and not any(ip in excluded for excluded in wish.exclude)

    kept = {s.index: s.address for s in slots if s.address and s.address.network == network and free(s.address.ip)}
    used = {address.ip for address in kept.values()}
    # New slots continue after the last address in use; gaps before it are for the time when nothing else is left.
    start = max([first, *kept.values()])
    after = (a for a in addresses_from(start, free) if a.ip not in used)
    before = (a for a in addresses_from(first, free) if a.ip not in used and a < start)
    coming = list(islice(chain(after, before), len(slots)))
    result = []
    supply = iter(coming)
    for slot in slots:
        address = kept.get(slot.index) or next(supply, None)
        if address is None:
            room = len(kept) + len(coming)
            lowest = first.ip == network.network_address + 1
            raise BadRequest(
                f"From {first.ip} on, {network} has room for {room} cameras, not for {len(slots)}.",
                f"Make fewer, or is your LAN not a /{network.prefixlen}?"
                if lowest
                else "Begin at a lower address, or use DHCP.",
            )
        result.append(replace(slot, address=address))
    return result
