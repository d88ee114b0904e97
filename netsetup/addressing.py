"""MAC and IP addresses of slots: derived, carried across octets, never one that is taken. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Interface

from .errors import BadRequest

_PREFIX = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){0,5}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_MULTICAST, _LOCAL = 0x01, 0x02  # bits of the first octet (IEEE 802-2014, 8.2)
MOST_LOOKED_AT = 65536


def host_mac_prefix(parent_mac: str) -> str:
    """Three octets of this host's own: two hosts on one LAN differ, and one host always gets the same."""
    digest = hashlib.sha256(f"onviftui {parent_mac.lower()}".encode()).digest()
    return f"a2:{digest[0]:02x}:{digest[1]:02x}"


def parse_mac_prefix(text: str) -> str:
    """Raises BadRequest unless it is one to six octets of a locally administered unicast MAC."""
    prefix = text.strip().lower().replace("-", ":").rstrip(":")
    if not _PREFIX.fullmatch(prefix):
        raise BadRequest(f"{text} is not the begin of a MAC address.", "Use one such as a2:6f:00.")
    first = int(prefix[:2], 16)
    if first & _MULTICAST or not first & _LOCAL:
        better = (first & ~_MULTICAST) | _LOCAL
        raise BadRequest(
            f"MAC addresses that begin with {prefix[:2]} are not for own use (locally administered, unicast).",
            f"Use one that begins with {better:02x}, such as {better:02x}{prefix[2:] or ':6f:00'}.",
        )
    return prefix


def slot_mac(prefix: str, number: int) -> str:
    """The prefix, filled up with zeros, plus the slot's number: it carries into every octet that it needs.

    Raises BadRequest when that goes beyond the addresses for own use.
    """
    octets = prefix.split(":")
    value = int.from_bytes(bytes(int(octet, 16) for octet in octets).ljust(6, b"\0"), "big") + number
    mac = value.to_bytes(7, "big")
    if mac[0] or not is_own_mac(":".join(f"{octet:02x}" for octet in mac[1:])):
        raise BadRequest(f"There is no room for slot {number} after {prefix}.", "Use a shorter --mac-prefix.")
    return ":".join(f"{octet:02x}" for octet in mac[1:])


def is_own_mac(mac: str) -> bool:
    """A whole MAC, lower case, locally administered, unicast."""
    return bool(_MAC.fullmatch(mac)) and int(mac[:2], 16) & (_LOCAL | _MULTICAST) == _LOCAL


def usable(address: IPv4Interface) -> bool:
    """A host's address in its network: not the network's own, not its broadcast, nothing reserved."""
    network = address.network
    if network.prefixlen > 30 or address.ip in (network.network_address, network.broadcast_address):
        return False
    return not (address.is_multicast or address.is_loopback or address.is_unspecified or int(address.ip) >= 0xF0000000)


def addresses_from(first: IPv4Interface, free: Callable[[IPv4Address], bool]) -> Iterator[IPv4Interface]:
    """Every usable and free address of the network, from `first` on (looking at MOST_LOOKED_AT)."""
    network = first.network
    for value in range(int(first.ip), min(int(network.broadcast_address), int(first.ip) + MOST_LOOKED_AT)):
        address = IPv4Interface((value, network.prefixlen))
        if usable(address) and free(address.ip):
            yield address
