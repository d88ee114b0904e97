"""Whether plans may be applied here: well formed, free of contradictions, inside the limits. Pure.

Plans come from a file, from a socket or from `make_plan`; all pass through here before anything is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Interface, IPv4Network

from .addressing import is_own_mac, usable
from .desired import number
from .errors import BadRequest
from .guard import MOST_TCP, USUAL_TCP
from .model import MOST_PARENTS, MOST_SLOTS, Facts, HostLink, Limits, Plan, Slot
from .parents import wireless_finding

_PREFIX = re.compile(r"[a-z][a-z0-9_-]{1,9}")
# What other programs take for real adapters, or manage themselves.
_FOREIGN = re.compile(r"(e|en|eth|wl|br|docker|veth|lo|tun|tap|wg|virbr|vmbr)\d*$|eth|en[opsx]|wl|br-|docker")
_INSTALL = "sudo netsetup install"
NOT_PARENTS = ("macvlan", "macvtap", "ipvlan", "ipvtap")


def accept(plans: Sequence[Plan], facts: Facts, limits: Limits | None) -> None:
    """Raises BadRequest for the first thing that is wrong. `limits` None: root itself asks."""
    if len(plans) > MOST_PARENTS:
        raise BadRequest(f"At most {MOST_PARENTS} parents can have cameras.")
    _once((plan.parent for plan in plans), "parent")
    _once((str(plan.block) for plan in plans), "block")
    _once((slot.name for plan in plans for slot in plan.slots), "name")
    _once((slot.mac for plan in plans for slot in plan.slots), "MAC address")
    _once((str(slot.address.ip) for plan in plans for slot in plan.slots if slot.address), "address")
    if limits:
        accept_count(sum(len(plan.slots) for plan in plans), limits)
    for plan in plans:
        _accept_plan(plan, facts, limits)


def accept_parent(name: str, facts: Facts) -> HostLink:
    """The parent's link. Raises BadRequest when cameras cannot be put on it."""
    link = facts.link(name)
    if link is None:
        there = ", ".join(x.name for x in facts.links if x.name != "lo" and not x.ours)
        raise BadRequest(f"There is no interface {name}.", f"There are: {there}.")
    if link.ours:
        raise BadRequest(f"{name} is one of the cameras' interfaces.", "Use the adapter below it as parent.")
    if link.kind in NOT_PARENTS:
        below = f" ({link.parent})" if link.parent else ""
        raise BadRequest(f"{name} is a {link.kind} itself.", f"Use the adapter below it{below} as parent.")
    if link.master:
        raise BadRequest(f"{name} is a port of {link.master}.", f"Use {link.master} as parent.")
    if link.wireless:
        wireless = wireless_finding(name)
        raise BadRequest(f"{wireless.what} {wireless.why}", wireless.todo)
    if name == "lo":
        raise BadRequest("lo leads nowhere.", "Use the adapter that is on the recorder's LAN.")
    return link


def accept_count(count: int, limits: Limits) -> None:
    """Of all adapters together. Raises BadRequest for more than root allows."""
    if count > limits.most:
        todo = f"Root can allow more: {_INSTALL} --most {count} --yes" if count <= MOST_SLOTS else ""
        raise BadRequest(f"At most {limits.most} interfaces are allowed here.", todo)


def accept_name_prefix(prefix: str) -> None:
    """Raises BadRequest for what other programs would take for theirs."""
    if not _PREFIX.fullmatch(prefix) or _FOREIGN.match(prefix):
        raise BadRequest(
            f"{prefix} cannot begin the names of the interfaces.",
            "Use 2 to 10 of a-z, 0-9, _ and -, and nothing that looks like an adapter: vcam is a good one.",
        )


def _accept_plan(plan: Plan, facts: Facts, limits: Limits | None) -> None:
    if limits and plan.parent not in limits.parents:
        words = " ".join(f"--parent {name}" for name in (*filter(facts.link, limits.parents), plan.parent))
        raise BadRequest(
            f"{plan.parent} is not allowed as parent here, only {', '.join(limits.parents)}.",
            f"Root can allow it: {_INSTALL} {words} --yes",
        )
    if limits and plan.name_prefix != limits.name_prefix:
        raise BadRequest(f"Names must begin with {limits.name_prefix} here.", "Leave --name-prefix out.")
    accept_name_prefix(plan.name_prefix)
    _accept_guard(plan.guard)
    if not 0 <= plan.block < MOST_PARENTS:
        raise BadRequest(f"Block {plan.block} is not one of 0 to {MOST_PARENTS - 1}.")
    if len(plan.slots) > MOST_SLOTS:
        raise BadRequest(f"At most {MOST_SLOTS} interfaces fit on one parent.")
    # An adapter that is unplugged for now keeps its plan: its cameras wait.
    parent = accept_parent(plan.parent, facts) if facts.link(plan.parent) else None
    host_ips = facts.host_macs().keys()
    if plan.gateway in host_ips:
        raise BadRequest(f"The gateway {plan.gateway} is this host's own address.", "Leave --gateway out.")
    host_macs = {link.mac for link in facts.links if not link.ours}
    for slot in plan.slots:
        _accept_slot(plan, slot)
        if slot.mac in host_macs and not _half_made(slot, parent, facts):
            raise BadRequest(f"The MAC address {slot.mac} is used on this host already.", "Use another --mac-prefix.")
        if slot.address and slot.address.ip in host_ips:
            raise BadRequest(f"{slot.address.ip} is this host's own address.", "Leave it out with --exclude.")
        if slot.address and limits:
            _accept_range(slot.address.network, slot, plan, facts, limits)


def _accept_guard(ports: Sequence[int]) -> None:
    if len(ports) > MOST_TCP or list(ports) != sorted({port for port in ports if 0 < port < 1 << 16}):
        raise BadRequest(
            f"The guard can leave open at most {MOST_TCP} different TCP ports from 1 to 65535.",
            f"Give those of the cameras, such as --guard {','.join(map(str, USUAL_TCP))}.",
        )


def _accept_slot(plan: Plan, slot: Slot) -> None:
    if not 1 <= slot.index <= MOST_SLOTS:
        raise BadRequest(f"Slot {slot.index} is not one of 1 to {MOST_SLOTS}.")
    if slot.name != f"{plan.name_prefix}{number(plan, slot)}":
        raise BadRequest(f"Slot {slot.index} is not named {slot.name} but {plan.name_prefix}{number(plan, slot)}.")
    if not is_own_mac(slot.mac):
        raise BadRequest(f"{slot.mac} is not a locally administered unicast MAC address.")
    if (slot.address is None) != (plan.method == "dhcp"):
        raise BadRequest(f"{slot.name} {'has no' if slot.address is None else 'may not have an'} address of its own.")
    if slot.address is None:
        return
    if not usable(slot.address):
        raise BadRequest(f"{slot.address} is not a host's address in its network.")
    if plan.gateway == slot.address.ip:
        raise BadRequest(f"{slot.address.ip} is the gateway's address.", "Leave it out with --exclude.")
    if plan.gateway and plan.gateway not in slot.address.network:
        raise BadRequest(f"The gateway {plan.gateway} is not in {slot.address.network}.")
    if plan.gateway and not usable(IPv4Interface((plan.gateway, slot.address.network.prefixlen))):
        raise BadRequest(f"{plan.gateway} cannot be a gateway.", "Take the router's address, such as 10.77.0.1.")


def _accept_range(network: IPv4Network, slot: Slot, plan: Plan, facts: Facts, limits: Limits) -> None:
    own = tuple(a.address.network for a in facts.addresses if a.link == plan.parent)
    allowed = limits.ranges or own
    if not any(slot.address in allowed_range for allowed_range in allowed):
        ranges = ", ".join(str(allowed_range) for allowed_range in allowed) or "none"
        raise BadRequest(
            f"{slot.address} is outside the allowed addresses ({ranges}).",
            f"Begin at one of these. Root can set others: {_INSTALL} --range NETWORK --yes",
        )
    # A wide mask would draw the whole range into the cameras' tables and past the host's own routes.
    if own and not any(network == x or network.subnet_of(x) for x in (*own, *limits.ranges)):
        raise BadRequest(f"{network} is wider than the network of {plan.parent}.", f"Use /{own[0].prefixlen}.")


def _half_made(slot: Slot, parent: HostLink | None, facts: Facts) -> bool:
    """Made by a run that was interrupted before it could mark it."""
    link = facts.link(slot.name)
    return bool(link and parent and link.mac == slot.mac and link.parent == parent.name and not link.alias)


def _once(values: Iterable[str], what: str) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise BadRequest(f"The {what} {value} is there twice.")
        seen.add(value)
