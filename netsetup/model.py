"""What is planned, what is desired of the kernel, what the kernel says: frozen data, pure.

One `Plan` per parent. A plan names *slots*; a slot is one camera's interface for ever: its index gives name, MAC,
routing table and rule preferences. The addresses of a DHCP plan are not in the plan but in the leases.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any, Literal

MARK = "onviftui:camera"  # ifalias of every interface that is ours: "onviftui:camera <slot>"
MOST_SLOTS = 512  # per parent
MOST_PARENTS = 3

# Rule preferences and tables, one block per parent. Slot i of block b has table
# TABLE + 1000*b + i, rules LAN_RULE + 6000*b + i and OUT_RULE + 6000*b + i.
TABLE, TABLE_BLOCK = 7000, 1000
SKIP_RULE, LAN_RULE, MAIN_RULE, OUT_RULE, END_RULE, RULE_BLOCK = 10000, 10000, 11500, 12000, 15000, 6000
UNREACHABLE_METRIC = 4278198272


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One camera's interface. `address` is None in a DHCP plan."""

    index: int  # 1…MOST_SLOTS
    name: str  # at most 15 characters, such as vcam7
    mac: str  # lower case, colons; locally administered, unicast
    address: IPv4Interface | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The wish for one parent. `gateway` None: no way out of the LAN (static), or whatever the lease says (DHCP)."""

    parent: str
    block: int  # 0…MOST_PARENTS-1
    method: Literal["dhcp", "static"]
    slots: tuple[Slot, ...] = ()
    gateway: IPv4Address | None = None
    name_prefix: str = "vcam"
    mac_prefix: str = "a2:6f:00"  # the octets before the slot's number
    guard: tuple[int, ...] = ()  # TCP ports that others may reach, in their order; (): all that listens, no guard

    def digest(self) -> str:
        """12 hex digits that name exactly this plan."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        data["gateway"] = str(self.gateway) if self.gateway else None
        data["guard"] = list(self.guard)
        data["slots"] = [
            {"index": s.index, "name": s.name, "mac": s.mac, "address": str(s.address) if s.address else None}
            for s in self.slots
        ]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Raises KeyError, TypeError or ValueError for anything that to_json() did not write."""
        slots = tuple(
            Slot(
                _number(s["index"]),
                str(s["name"]),
                str(s["mac"]),
                IPv4Interface(s["address"]) if s["address"] else None,
            )
            for s in data["slots"]
        )
        if data["method"] not in ("dhcp", "static"):
            raise ValueError(data["method"])
        method: Literal["dhcp", "static"] = "dhcp" if data["method"] == "dhcp" else "static"
        gateway = IPv4Address(data["gateway"]) if data["gateway"] else None
        return cls(
            str(data["parent"]),
            _number(data["block"]),
            method,
            slots,
            gateway,
            str(data["name_prefix"]),
            str(data["mac_prefix"]),
            tuple(_number(port) for port in data.get("guard", ())),
        )


def _number(value: object) -> int:
    """JSON also knows 1.5, 1e400 and true."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


@dataclass(frozen=True, slots=True)
class Lease:
    """What a DHCP server gave a slot. Times are seconds of CLOCK_REALTIME, so that they survive a reboot."""

    mac: str
    address: IPv4Interface
    gateway: IPv4Address | None
    server: IPv4Address
    obtained: float
    t1: float
    t2: float
    expires: float


Family = Literal["ipv4", "ipv6"]

# What the kernel should hold (desired) and does hold (facts): the same words for both ------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    parent: str
    mac: str
    alias: str
    up: bool = True


@dataclass(frozen=True, slots=True)
class Address:
    """`IFA_F_NOPREFIXROUTE`, scope global, with its broadcast address."""

    link: str
    address: IPv4Interface
    noprefixroute: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """`via` None: on the link. `link` None: unreachable. Protocol kernel."""

    table: int
    destination: IPv4Network
    link: str | None
    source: IPv4Address | None
    via: IPv4Address | None = None
    metric: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """`action` is lookup (with table), nop, or goto (with target). `invert` is `not`. Protocol kernel."""

    preference: int
    action: Literal["lookup", "nop", "goto"]
    source: IPv4Network | None = None
    destination: IPv4Network | None = None
    table: int | None = None
    target: int | None = None
    invert: bool = False
    suppress_prefixlength: int | None = None


@dataclass(frozen=True, slots=True)
class Sysctl:
    """`key` below net.ipv4 or net.ipv6, with the interface's name as its own part: ("ipv4", "vcam1", "rp_filter")."""

    family: Family
    link: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Guard:
    """What may arrive at interfaces whose names begin so; everything else is dropped. Both in their order."""

    prefixes: tuple[str, ...]
    tcp: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything of ours in the kernel, for one parent. Order of creation is the differ's business."""

    links: tuple[Link, ...] = ()
    sysctls: tuple[Sysctl, ...] = ()
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    guard: Guard | None = None


@dataclass(frozen=True, slots=True)
class HostLink:
    """Any interface of the host, as `check`, `plan` and the differ need it."""

    name: str
    index: int
    mac: str
    kind: str  # "" for hardware, else macvlan, veth, bridge, …
    up: bool
    carrier: bool
    master: str = ""  # the bridge or bond it belongs to
    parent: str = ""  # of a macvlan
    alias: str = ""
    wireless: bool = False

    @property
    def ours(self) -> bool:
        return self.alias.startswith(MARK)


@dataclass(frozen=True, slots=True)
class Facts:
    """One full dump. `rules` and `routes` hold those inside our preference and table ranges only; `host_routes` the
    host's own default routes as (link, gateway, metric)."""

    links: tuple[HostLink, ...] = ()
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    sysctls: tuple[Sysctl, ...] = ()  # of our links and of the parent, the keys that the recipe sets
    host_routes: tuple[tuple[str, IPv4Address | None, int], ...] = ()
    guard: Guard | None = None

    def link(self, name: str) -> HostLink | None:
        return next((link for link in self.links if link.name == name), None)

    def host_macs(self) -> dict[IPv4Address, str]:
        """By the addresses of the host itself, not of its cameras; zeros where the interface has none (a tunnel)."""
        macs = {link.name: link.mac or "00:00:00:00:00:00" for link in self.links if not link.ours}
        return {address.address.ip: macs[address.link] for address in self.addresses if address.link in macs}


@dataclass(frozen=True, slots=True)
class Limits:
    """What only root's config file sets; the arm does nothing outside it."""

    parents: tuple[str, ...]
    ranges: tuple[IPv4Network, ...] = ()  # for static addresses; empty: the parent's own network
    name_prefix: str = "vcam"
    most: int = 128
    user: str = "proxyd"  # may ask the arm, beside root


Severity = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence each: what is, why it matters, what to do. `camera` is an interface's name, "" for the host."""

    id: str  # stable, such as "parent-wireless"
    severity: Severity
    what: str
    why: str = ""
    todo: str = ""
    camera: str = ""
