"""The cameras' interfaces made with ip(8) alone: the recipe as a yardstick, and two set-ups that must fail.

`defaults` is what plain macvlan interfaces do, `arp` adds the ARP sysctls that are usually recommended, `full` is the
whole recipe (docs/netsetup.md) as netsetup has to make it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from .lan import LAN, ROUTER, Namespace

Way = Literal["defaults", "arp", "full"]
_ARP = {"arp_ignore": 1, "arp_announce": 2}
_FULL = {**_ARP, "rp_filter": 2, "arp_notify": 1, "promote_secondaries": 1}


@dataclass(frozen=True, slots=True)
class Camera:
    """What a recorder must see: this address has this MAC."""

    name: str
    mac: str
    address: str


def cameras(count: int, first: str = "10.77.0.101") -> list[Camera]:
    start = IPv4Address(first)
    return [
        Camera(f"vcam{i}", f"a2:6f:00:00:{i // 256:02x}:{i % 256:02x}", str(start + i - 1)) for i in range(1, count + 1)
    ]


def batch(chosen: Sequence[Camera], way: Way, *, parent: str = "eth0") -> tuple[str, str, str]:
    """Lines for ip(8) before the sysctls can be set, the sysctls (`path value`), and lines for ip(8) after."""
    links = [f"link add link {parent} name {c.name} address {c.mac} type macvlan mode bridge" for c in chosen]
    if way != "full":
        sysctls = [
            f"net/ipv4/conf/{link}/{key} {value}"
            for link in ["all", parent, *(c.name for c in chosen)]
            for key, value in _ARP.items()
        ]
        ups = [f"address add {c.address}/24 brd + dev {c.name}\nlink set {c.name} up" for c in chosen]
        return "\n".join(links), "\n".join(sysctls) if way == "arp" else "", "\n".join(ups)
    sysctls = [f"net/ipv4/conf/{parent}/arp_ignore 1"]
    sysctls += [f"net/ipv4/conf/{c.name}/{key} {value}" for c in chosen for key, value in _FULL.items()]
    sysctls += [f"net/ipv6/conf/{c.name}/disable_ipv6 1" for c in chosen]
    rest = [
        "rule add pref 15000 nop protocol kernel",
        f"rule add pref 10000 not from {LAN} goto 15000 protocol kernel",
        f"rule add pref 11500 from {LAN} lookup main suppress_prefixlength 0 protocol kernel",
    ]
    for index, camera in enumerate(chosen, start=1):
        table, source = 7000 + index, camera.address
        rest += [
            f"link set dev {camera.name} alias onviftui:camera-{index}",
            f"address add {source}/24 brd + dev {camera.name} noprefixroute",
            f"link set {camera.name} up",
            f"route add {LAN} dev {camera.name} src {source} table {table} protocol kernel",
            f"route add default via {ROUTER} dev {camera.name} src {source} table {table} protocol kernel",
            f"route add unreachable default metric 4278198272 table {table} protocol kernel",
            f"rule add pref {10000 + index} from {source} to {LAN} lookup {table} protocol kernel",
            f"rule add pref {12000 + index} from {source} lookup {table} protocol kernel",
        ]
    return "\n".join(links), "\n".join(sysctls), "\n".join(rest)


def make(host: Namespace, chosen: Sequence[Camera], way: Way, *, parent: str = "eth0") -> None:
    links, sysctls, rest = batch(chosen, way, parent=parent)
    host.ip(links)
    if sysctls:
        host.run(
            ["sh", "-c", 'while read -r key value; do echo "$value" >"/proc/sys/$key"; done'], input=sysctls + "\n"
        )
    host.ip(rest)
