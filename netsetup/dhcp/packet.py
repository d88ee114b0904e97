"""DHCP messages (RFC 2131 §2, options of RFC 2132): what we write and what we read. Pure.

pyroute2's codec writes. Reading is ours, because packets come from anybody on the LAN: options may be split or lie in
the `sname` and `file` fields (RFC 3396, RFC 2131 §4.1), and broken ones must neither raise nor fill the log.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from pyroute2.dhcp.dhcp4msg import dhcp4msg

from netsetup.dhcp.frames import ANY, mac_text

SERVER_PORT, CLIENT_PORT = 67, 68
LONGEST_MESSAGE = 1472  # what one Ethernet frame carries, offered to the server by option 57
_FEWEST_BYTES = 300  # RFC 1542 §2.1: older servers and relays drop shorter ones
_COOKIE = b"\x63\x82\x53\x63"
_WANTED_OPTIONS = (1, 3, 28, 51, 54, 58, 59, 121)


class Kind(IntEnum):
    """Option 53."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7


@dataclass(frozen=True, slots=True)
class Request:
    """Client to server. Unicast when `server_mac` is known and `to_server` is wanted, else broadcast."""

    kind: Kind
    mac: str
    xid: int
    secs: int = 0
    in_use: IPv4Address = ANY  # ciaddr: the address we answer ARP for
    requested: IPv4Address | None = None  # option 50
    server: IPv4Address | None = None  # option 54
    hostname: str = ""
    want_broadcast: bool = False  # ask that the answer be broadcast
    to: IPv4Address | None = None  # unicast to this server …
    to_mac: str = ""  # … through this station


@dataclass(frozen=True, slots=True)
class Reply:
    """Server to client, only what a camera needs. Seconds as sent; None where the server said nothing."""

    kind: Kind
    mac: str
    xid: int
    address: IPv4Address
    server: IPv4Address | None
    server_mac: str  # the station that sent the frame: the server or its relay
    prefix: int | None = None
    gateway: IPv4Address | None = None
    lease_s: int | None = None
    t1_s: int | None = None
    t2_s: int | None = None
    text: str = ""  # option 56, shown to people

    def interface(self) -> IPv4Interface | None:
        """The address with its network, None when no host can have it."""
        first = self.address.packed[0]
        # Without option 1 its class is all that an address tells of its network; other DHCP clients go by it, too.
        prefix = self.prefix if self.prefix is not None else 8 if first < 128 else 16 if first < 192 else 24
        interface = IPv4Interface((self.address, prefix))
        edges = (interface.network.network_address, interface.network.broadcast_address) if prefix < 31 else ()
        # A LAN wider than /8 or of two stations is a mistake, and its rules and routes would be refused by the kernel.
        unusable = first in (0, 127) or first >= 224 or self.address in edges or prefix < 8 or prefix == 31
        return None if unusable else interface


def encode(request: Request) -> bytes:
    """The UDP payload."""
    options: dict[str, object] = {
        "message_type": int(request.kind),
        "client_id": {"type": 1, "key": request.mac},
    }
    if request.requested is not None:
        options["requested_ip"] = str(request.requested)
    if request.server is not None:
        options["server_id"] = str(request.server)
    if request.kind in (Kind.DISCOVER, Kind.REQUEST):  # RFC 2131 table 5: not in DECLINE and RELEASE
        if request.hostname:
            options["host_name"] = request.hostname
        options["max_msg_size"] = LONGEST_MESSAGE
        options["parameter_list"] = list(_WANTED_OPTIONS)
    message = dhcp4msg(
        {
            "op": 1,
            "htype": 1,
            "hlen": 6,
            "xid": request.xid,
            "secs": min(request.secs, 0xFFFF),
            "flags": 0x8000 if request.want_broadcast else 0,
            "ciaddr": str(request.in_use),
            "chaddr": request.mac,
            "options": options,
        }
    )
    return bytes(message.encode().buf).ljust(_FEWEST_BYTES, b"\0")


def decode(payload: bytes, server_mac: str) -> Reply | None:
    """None for everything that is not a whole server's message to an Ethernet client."""
    if len(payload) < 241 or payload[:3] != b"\2\1\6" or payload[236:240] != _COOKIE:
        return None
    options = _options(payload)
    kind = options.get(53, b"")
    if len(kind) != 1 or kind[0] not in (Kind.OFFER, Kind.ACK, Kind.NAK):
        return None
    return Reply(
        Kind(kind[0]),
        mac_text(payload[28:34]),
        struct.unpack_from("!I", payload, 4)[0],
        IPv4Address(payload[16:20]),
        _address(options.get(54)),
        server_mac,
        _prefix(options.get(1)),
        _gateway(options),
        _seconds(options.get(51)),
        _seconds(options.get(58)),
        _seconds(options.get(59)),
        _printable(options.get(56, b"")),
    )


def _options(payload: bytes) -> dict[int, bytes]:
    """All parts of an option joined in the order of RFC 3396 §5: options, then file, then sname."""
    found: dict[int, bytes] = {}
    _walk(payload[240:], found)
    overload = found.get(52, b"")
    if overload in (b"\1", b"\3"):
        _walk(payload[108:236], found)
    if overload in (b"\2", b"\3"):
        _walk(payload[44:108], found)
    return found


def _walk(area: bytes, found: dict[int, bytes]) -> None:
    """A last option that is cut off is left out."""
    at = 0
    while at < len(area) and area[at] != 255:
        if area[at] == 0:
            at += 1
            continue
        if at + 1 >= len(area) or at + 2 + area[at + 1] > len(area):
            return
        found[area[at]] = found.get(area[at], b"") + area[at + 2 : at + 2 + area[at + 1]]
        at += 2 + area[at + 1]


def _address(option: bytes | None) -> IPv4Address | None:
    """The first of a list."""
    if option is None or len(option) < 4 or option[:4] in (b"\0" * 4, b"\xff" * 4):
        return None
    return IPv4Address(option[:4])


def _seconds(option: bytes | None) -> int | None:
    return struct.unpack("!I", option)[0] if option is not None and len(option) == 4 else None


def _prefix(option: bytes | None) -> int | None:
    if option is None or len(option) != 4:
        return None
    try:
        return IPv4Network(f"0.0.0.0/{IPv4Address(option)}").prefixlen if option != b"\0" * 4 else None
    except ValueError:
        return None


def _gateway(options: dict[int, bytes]) -> IPv4Address | None:
    """Classless routes replace the router option (RFC 3442); of them only the default route matters to a camera."""
    routes = options.get(121)
    if routes is None:
        return _address(options.get(3))
    at = 0
    while at < len(routes):
        octets = (routes[at] + 7) // 8
        router = routes[at + 1 + octets : at + 5 + octets]
        if routes[at] > 32 or len(router) < 4:
            return None
        if routes[at] == 0:
            return _address(router)
        at += 5 + octets
    return None


def _printable(option: bytes) -> str:
    """A server's words, safe for a terminal."""
    return "".join(c if c.isprintable() else " " for c in option[:120].decode("utf-8", "replace")).strip()


def host_name(name: str) -> str:
    """A camera's name as a DNS label (RFC 1123 §2.1), "" when nothing of it can be one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].rstrip("-")
