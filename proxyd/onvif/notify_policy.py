"""To which addresses a camera may send notifications: no recorder makes it call what it should not reach. Pure.

Allowed are the address that subscribed, the camera's own LAN and the networks that the operator named; never this host
itself, loopback or link-local addresses (there are the NVR's and the cloud's inner services), save that in loopback
mode all recorders are on this host. Names are refused: what they mean is decided by whoever runs the name server, at
any time anew.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from proxyd.camera.spec import CameraSpec

MAX_URL_CHARS = 1024
Address = IPv4Address | IPv6Address


def refusal(url: str, client: str, spec: CameraSpec, is_own: Callable[[str], bool]) -> str:
    """Why `client` (an address) may not have notifications sent to `url`; "" when it may. `is_own`: whether an address
    is one of this host."""
    address = consumer_address(url)
    if isinstance(address, str):
        return address
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
    if address == _plain(client) or any(address in network for network in (lan, *named)):
        return ""
    return f"{address} is neither the subscriber's address nor in a network that is allowed"


def consumer_address(url: str) -> Address | str:
    """The address in an http URL, or why it cannot be used."""
    if len(url) > MAX_URL_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        return "the consumer's address is not a URL"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "the consumer's address is not a URL"
    if parts.scheme != "http":
        return "notifications can only be sent by http"
    if parts.username is not None or parts.password is not None or port == 0:
        return "the consumer's address must have neither user name nor port 0"
    address = _plain(parts.hostname or "")
    return "the consumer's address must be numeric, not a name" if address is None else address


def _plain(host: str) -> Address | None:
    """None for what is no address, or one with a zone."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return None
        return address.ipv4_mapped or address
    return address
