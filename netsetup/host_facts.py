"""What there is to know of a host beside `model.Facts` (the links and rules of the kernel). Pure; `host` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

ANY = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits: TCP in state LISTEN, or UDP. `address` ANY: on every address of the host."""

    protocol: str  # tcp, udp
    address: IPv4Address
    port: int
    program: str = ""  # "" when it may not be known


@dataclass(frozen=True, slots=True)
class Connection:
    """An open TCP connection of a camera's port."""

    local: IPv4Address
    port: int
    remote: IPv4Address


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What the host's ARP cache says, complete entries only."""

    address: IPv4Address
    mac: str
    link: str


@dataclass(frozen=True, slots=True)
class HostFacts:
    root: bool = False
    container: str = ""  # docker, lxc …
    hypervisor: str = ""
    macvlan: bool | None = None  # None: nobody knows before it is tried
    listeners: tuple[Listener, ...] = ()
    connections: tuple[Connection, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    managers: tuple[str, ...] = ()  # that run now
    configured: tuple[str, ...] = ()  # netplan, ifupdown: they act when the machine starts, and through others
    told: frozenset[str] = frozenset()  # managers that have our file, so that they leave cameras alone
    firewalls: tuple[str, ...] = ()
    all_sysctls: Mapping[str, str] = field(default_factory=dict)  # of net.ipv4.conf.all
