"""From a plan and its leases to everything that the kernel should hold: the recipe of N MAC addresses. Pure.

Why each part is needed: a recorder tells cameras apart by MAC, so every frame of a camera must leave by the camera's
own interface, and nobody else may answer ARP for it. Sysctls do the second, rules and tables the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from .guard import merge_guards
from .model import (
    END_RULE,
    LAN_RULE,
    MAIN_RULE,
    MARK,
    OUT_RULE,
    RULE_BLOCK,
    SKIP_RULE,
    TABLE,
    TABLE_BLOCK,
    UNREACHABLE_METRIC,
    Address,
    Desired,
    Facts,
    Family,
    Guard,
    Lease,
    Link,
    Plan,
    Route,
    Rule,
    Slot,
    Sysctl,
)

MAIN_TABLE = 254
DEFAULT = IPv4Network("0.0.0.0/0")

# arp_announce: ask with the camera's own IP. rp_filter 2: `all.rp_filter=1` would drop multicast Probes.
# arp_notify: one gratuitous ARP on `up`. promote_secondaries: removing the old address keeps the new one.
CAMERA_SYSCTLS: tuple[tuple[Family, str, str], ...] = (
    ("ipv6", "disable_ipv6", "1"),
    ("ipv4", "arp_ignore", "1"),
    ("ipv4", "arp_announce", "2"),
    ("ipv4", "rp_filter", "2"),
    ("ipv4", "arp_notify", "1"),
    ("ipv4", "promote_secondaries", "1"),
)
# Of the parent; of `all` when another host NIC is on the same LAN.
HOST_SYSCTL: tuple[Family, str, str] = ("ipv4", "arp_ignore", "1")


@dataclass(frozen=True, slots=True)
class _Home:
    """One address of a slot, with its LAN and way out."""

    address: IPv4Interface
    gateway: IPv4Address | None


def number(plan: Plan, slot: Slot) -> int:
    """The slot's number over all parents: 7 for the first parent's slot 7, 1007 for the second's."""
    return TABLE_BLOCK * plan.block + slot.index


def mark(plan: Plan, slot: Slot) -> str:
    """The ifalias that says whose the interface is."""
    return f"{MARK} {number(plan, slot)}"


def desired(
    plan: Plan,
    leases: Mapping[int, Lease],
    *,
    host_lan: IPv4Interface | None,
    old: Mapping[int, Sequence[Lease]] | None = None,
    shared_lan: bool = False,
) -> Desired:
    """`leases` and `old` by slot index; a DHCP slot without lease is a link without address.

    `host_lan`: the parent's own address, used when a DHCP server gave no subnet mask. `old`: former leases that stay
    in use until proxyd has moved on. `shared_lan`: another host NIC has an address on the cameras' LAN.
    """
    links, sysctls, addresses, routes, rules = [], [], [], [], []
    lans: set[IPv4Network] = set()
    sysctls.append(Sysctl(HOST_SYSCTL[0], plan.parent, HOST_SYSCTL[1], HOST_SYSCTL[2]))
    if shared_lan:
        sysctls.append(Sysctl(HOST_SYSCTL[0], "all", HOST_SYSCTL[1], HOST_SYSCTL[2]))
    for slot in plan.slots:
        links.append(Link(slot.name, plan.parent, slot.mac, mark(plan, slot)))
        sysctls += [Sysctl(family, slot.name, key, value) for family, key, value in CAMERA_SYSCTLS]
        homes = _homes(plan, slot, leases, host_lan, old or {})
        addresses += [Address(slot.name, home.address) for home in homes]
        routes += _routes(TABLE + number(plan, slot), slot.name, homes)
        rules += _camera_rules(plan, slot, homes)
        lans |= {home.address.network for home in homes}
    if lans:
        rules += _parent_rules(plan.block, sorted(lans))
    guard = Guard((plan.name_prefix,), plan.guard) if plan.guard else None
    return Desired(tuple(links), tuple(sysctls), tuple(addresses), tuple(routes), tuple(rules), guard)


def merge(parts: Iterable[Desired]) -> Desired:
    """Everything of all parents; what two of them want alike appears once."""
    parts = tuple(parts)
    return Desired(
        tuple(dict.fromkeys(link for part in parts for link in part.links)),
        tuple(dict.fromkeys(sysctl for part in parts for sysctl in part.sysctls)),
        tuple(dict.fromkeys(address for part in parts for address in part.addresses)),
        tuple(dict.fromkeys(route for part in parts for route in part.routes)),
        tuple(dict.fromkeys(rule for part in parts for rule in part.rules)),
        merge_guards(part.guard for part in parts),
    )


def snapshot(facts: Facts, *, also: Collection[str] = ()) -> Desired:
    """What of ours the kernel holds, as a wish: where a failed change goes back to. `also`: unmarked ones to keep."""
    ours = {link.name for link in facts.links if link.ours or link.name in also}
    return Desired(
        tuple(Link(x.name, x.parent, x.mac, x.alias, x.up) for x in facts.links if x.name in ours),
        facts.sysctls,
        tuple(address for address in facts.addresses if address.link in ours),
        facts.routes,
        facts.rules,
        facts.guard,
    )


def _homes(
    plan: Plan,
    slot: Slot,
    leases: Mapping[int, Lease],
    host_lan: IPv4Interface | None,
    old: Mapping[int, Sequence[Lease]],
) -> list[_Home]:
    """The present address first."""
    if plan.method == "static":
        return [_Home(slot.address, plan.gateway)] if slot.address else []
    present = [leases[slot.index]] if slot.index in leases else []
    homes: dict[IPv4Interface, _Home] = {}
    for lease in [*present, *old.get(slot.index, ())]:
        address = _with_mask(lease.address, host_lan)
        homes.setdefault(address, _Home(address, plan.gateway or lease.gateway))
    return list(homes.values())


def _with_mask(address: IPv4Interface, host_lan: IPv4Interface | None) -> IPv4Interface:
    if address.network.prefixlen == 32 and host_lan and address.ip in host_lan.network:
        return IPv4Interface((address.ip, host_lan.network.prefixlen))
    return address


def _routes(table: int, link: str, homes: Sequence[_Home]) -> list[Route]:
    """One LAN route per LAN, the present address as source; the way out; and the end that fails closed."""
    lan_routes: dict[IPv4Network, Route] = {}
    for home in homes:
        lan_routes.setdefault(home.address.network, Route(table, home.address.network, link, home.address.ip))
    routes = list(lan_routes.values())
    for home in homes[:1]:
        if home.gateway and home.gateway in home.address.network:
            routes.append(Route(table, DEFAULT, link, home.address.ip, via=home.gateway))
        routes.append(Route(table, DEFAULT, None, None, metric=UNREACHABLE_METRIC))
    return routes


def _camera_rules(plan: Plan, slot: Slot, homes: Sequence[_Home]) -> list[Rule]:
    table = TABLE + number(plan, slot)
    offset = RULE_BLOCK * plan.block + slot.index
    rules = []
    for home in homes:
        host = IPv4Network(home.address.ip)
        rules.append(Rule(LAN_RULE + offset, "lookup", host, home.address.network, table))
        rules.append(Rule(OUT_RULE + offset, "lookup", host, table=table))
    return rules


def _parent_rules(block: int, lans: Sequence[IPv4Network]) -> list[Rule]:
    """The skip for unrelated traffic exists only with one LAN: two of them would skip each other's cameras."""
    base = RULE_BLOCK * block
    rules = [Rule(base + END_RULE, "nop")]
    if len(lans) == 1:
        rules.append(Rule(base + SKIP_RULE, "goto", lans[0], target=base + END_RULE, invert=True))
    # docker0, VPNs and other NICs stay reachable: more specific routes of the main table win, its default does not.
    rules += [Rule(base + MAIN_RULE, "lookup", lan, table=MAIN_TABLE, suppress_prefixlength=0) for lan in lans]
    return rules
