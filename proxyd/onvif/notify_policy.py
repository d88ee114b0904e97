"""To which addresses a camera may send notifications: no recorder makes it call what it should not reach. Pure.

Allowed are the address that subscribed, the camera's own LAN and the networks that the operator named; never this host
itself, loopback or link-local addresses (there are the NVR's and the cloud's inner services), save that in loopback
mode all recorders are on this host. What a name means is decided by whoever runs the name server, at any time anew: so
not the name is judged, but the very address that is called, each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from proxyd.camera.spec import CameraSpec

MAX_URL_CHARS = 1024
_MAX_NAME_CHARS = 253
Address = IPv4Address | IPv6Address
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(?:\[[^\[\]]*\]|[^\[\]:\\]*)(?::[0-9]{0,5})?")  # else readers of URLs differ
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)  # resolvers take a name that ends so for an odd address


@dataclass(frozen=True, slots=True)
class Consumer:
    """Where a recorder wants its notifications: at an address, or at a `name`."""

    name: str
    address: Address | None


def refusal(address: Address, client: str, spec: CameraSpec, is_own: Callable[[str], bool]) -> str:
    """Why `client` (an address) may not have notifications sent to `address`; "" when it may. `is_own`: whether an
    address is one of this host."""
    camera = ip_address(spec.address)
    reserved = address.is_reserved and not address.is_loopback  # ::1 is both
    if address.is_unspecified or address.is_multicast or address.is_link_local or reserved:
        return f"{address} is not the address of a recorder"
    lan = ip_network(f"{spec.address}/{spec.prefix_length}", strict=False)
    if address.version == 4 and address in lan and address == lan.broadcast_address and lan.num_addresses > 2:
        return f"{address} is not the address of a recorder"
    if not camera.is_loopback and (address == camera or address.is_loopback or is_own(str(address))):
        return f"{address} is the host of the camera"
    named = [ip_network(text, strict=False) for text in spec.settings.notify]
    if address == plain_address(client) or any(address in network for network in (lan, *named)):
        return ""
    return f"{address} is neither the subscriber's address nor in a network that is allowed"


def consumer_of(url: str) -> Consumer | str:
    """Who is meant by an http URL, or why it cannot be used."""
    if len(url) > MAX_URL_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        return "the consumer's address is not a URL"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "the consumer's address is not a URL"
    if parts.scheme != "http":
        return "notifications can only be sent by http"
    if not _HOST_AND_PORT.fullmatch(parts.netloc.rpartition("@")[2]):
        return "the consumer's address is not a URL"
    if parts.username is not None or parts.password is not None or port == 0:
        return "the consumer's address must have neither user name nor port 0"
    host = parts.hostname or ""
    if (address := plain_address(host)) is not None:
        return Consumer("", address)
    return Consumer(host, None) if _is_name(host) else "the consumer is not at an address and not at a name"


def _is_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    named = len(host) <= _MAX_NAME_CHARS and all(map(_LABEL.fullmatch, labels))
    return named and not _NUMBER.fullmatch(labels[-1])


def plain_address(host: str) -> Address | None:
    """An IPv4 address in IPv6 clothes is that. None for what is no address, or one with a zone."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return None
        return address.ipv4_mapped or address
    return address
