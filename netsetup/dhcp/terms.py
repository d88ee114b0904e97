"""What a server grants, and the times that follow from it (RFC 2131 §4.4.1, §4.4.5). Pure.

Times are seconds of a clock that nobody sets; a `Lease` carries CLOCK_REALTIME. `shift` is realtime minus ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from netsetup.dhcp.packet import Reply
from netsetup.model import Lease

Uniform = Callable[[], float]  # uniform in [0, 1)

FIRST_DELAY, LONGEST_DELAY = 4.0, 64.0
RENEWAL_FLOOR = 60.0
CLOCK_SLACK = 60.0  # a lease obtained that far in the future: the realtime clock was set back


@dataclass(frozen=True, slots=True)
class Terms:
    address: IPv4Interface
    gateway: IPv4Address | None
    server: IPv4Address
    server_mac: str  # "" when only a file remembers the lease
    obtained: float
    t1: float
    t2: float
    expires: float


def terms_of(reply: Reply, asked: float, random: Uniform) -> Terms | None:
    """None when the reply is no use. The lease counts from `asked`, when the request was sent (§4.4.1); T1 comes up to
    4 % early at random, so that cameras that started together do not renew together (§4.4.5)."""
    address = reply.interface()
    if address is None or reply.server is None or not reply.lease_s:
        return None
    lease = float(reply.lease_s)
    t1 = float(reply.t1_s) if reply.t1_s else lease / 2
    t2 = float(reply.t2_s) if reply.t2_s else lease * 7 / 8
    if not t1 < t2 < lease:
        t1, t2 = lease / 2, lease * 7 / 8
    t1 *= 1 - 0.04 * random()
    # A router outside the network, or our own address, would be a route that the kernel refuses.
    usable = reply.gateway is not None and reply.gateway in address.network and reply.gateway != address.ip
    gateway = reply.gateway if usable else None
    return Terms(address, gateway, reply.server, reply.server_mac, asked, asked + t1, asked + t2, asked + lease)


def lease_of(terms: Terms, mac: str, shift: float) -> Lease:
    return Lease(
        mac,
        terms.address,
        terms.gateway,
        terms.server,
        terms.obtained + shift,
        terms.t1 + shift,
        terms.t2 + shift,
        terms.expires + shift,
    )


def remembered(lease: Lease, now: float, shift: float) -> Terms | None:
    """None when it has expired, or when the realtime clock stands before the lease was obtained: then nobody knows."""
    if lease.obtained - shift > now + CLOCK_SLACK or lease.expires - shift <= now:
        return None
    return Terms(
        lease.address,
        lease.gateway,
        lease.server,
        "",
        lease.obtained - shift,
        lease.t1 - shift,
        lease.t2 - shift,
        lease.expires - shift,
    )


def retransmission(sent: int, random: Uniform) -> float:
    """Seconds after the `sent`-th transmission (§4.1): 4, 8, 16, 32, 64, 64 …, each ±1."""
    return min(FIRST_DELAY * 2.0 ** min(sent - 1, 8), LONGEST_DELAY) + 2 * random() - 1


def renewal_delay(now: float, deadline: float, began: float) -> float:
    """Half of what is left, at least 60 s (§4.4.5); less for leases of minutes, which would get one attempt only."""
    floor = min(RENEWAL_FLOOR, max(1.0, (deadline - began) / 8))
    return max((deadline - now) / 2, floor)
