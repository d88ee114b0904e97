"""What the lease machine knows of one camera, what may happen to it and what it wants done. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address

from netsetup.dhcp.acd import STANDARD, UNDISPUTED, AcdTimes, Defence, Probing
from netsetup.dhcp.frames import Arp
from netsetup.dhcp.packet import Reply, Request
from netsetup.dhcp.terms import Terms, Uniform

START_SPREAD = 0.3  # seconds, so that 128 cameras do not ask in the same millisecond


class Phase(Enum):
    WAITING = "waiting"
    SEARCHING = "searching"  # SELECTING in the RFC
    REQUESTING = "requesting"
    CHECKING = "checking"  # granted, being probed
    BOUND = "bound"
    RENEWING = "renewing"
    REBINDING = "rebinding"
    REBOOTING = "rebooting"
    STOPPED = "stopped"


class Reason(Enum):
    """Why the client is where it is, when it is not the usual way."""

    NONE = ""
    REFUSED = "refused"  # NAK
    CONFLICT = "conflict"
    EXPIRED = "expired"
    UNUSABLE = "unusable offer"
    UNCONFIRMED = "unconfirmed"  # a remembered lease without a server's word


@dataclass(frozen=True, slots=True)
class Client:
    mac: str
    hostname: str = ""
    phase: Phase = Phase.WAITING
    since: float = 0.0  # when the phase began
    at: float | None = None  # the next step by itself, but for probing, announcing and expiry
    xid: int = 0
    sent: int = 0  # transmissions of the present message
    began: float = 0.0  # of the whole attempt, for `secs`
    asked: float = 0.0  # when the request was sent that an answer will count from
    wanted: IPv4Address | None = None  # asked for in DISCOVER
    offer: Terms | None = None
    granted: Terms | None = None  # being probed; the same address as `lease` when there is one
    probing: Probing | None = None
    lease: Terms | None = None  # may be used
    verified: bool = False  # `lease` went through Bind
    confirmed: bool = False  # `granted` or `lease` was confirmed by a server since the start
    reason: Reason = Reason.NONE
    subject: IPv4Address | None = None  # of the reason: the address refused, disputed, offered
    failures: int = 0  # in a row
    defence: Defence = UNDISPUTED
    announce_at: float | None = None
    announced: int = 0
    times: AcdTimes = STANDARD


# Events ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Answer:
    reply: Reply


@dataclass(frozen=True, slots=True)
class Heard:
    """An ARP packet from the parent's LAN."""

    arp: Arp


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The parent has its carrier back, perhaps on another network (§3.7)."""


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """A server answers somebody here after a silence: no need to wait for the end of a long delay."""


@dataclass(frozen=True, slots=True)
class Configured:
    """The address of the last Bind is on the interface."""


@dataclass(frozen=True, slots=True)
class Stop:
    release: bool = False


Event = Tick | Answer | Heard | LinkUp | ServerSeen | Configured | Stop

# Actions -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    request: Request


@dataclass(frozen=True, slots=True)
class Ask:
    """An ARP request: a probe (sender 0.0.0.0) or an announcement (sender = target)."""

    sender: IPv4Address
    target: IPv4Address


@dataclass(frozen=True, slots=True)
class Bind:
    terms: Terms


@dataclass(frozen=True, slots=True)
class Lose:
    reason: Reason


Action = Send | Ask | Bind | Lose


def new_client(
    mac: str,
    hostname: str,
    lease: Terms | None,
    wanted: IPv4Address | None,
    now: float,
    random: Uniform,
    times: AcdTimes = STANDARD,
) -> Client:
    """`lease` is a remembered one that has not expired; `wanted` the address of an older one."""
    start = now + random() * START_SPREAD
    return Client(mac, hostname, since=now, at=start, began=now, wanted=wanted, lease=lease, times=times)


def wake(client: Client) -> float | None:
    """When the machine wants a Tick at the latest; None only when it is stopped."""
    if client.phase is Phase.STOPPED:
        return None
    wanted = [client.at, client.announce_at]
    wanted += [client.probing.at if client.probing else None]
    wanted += [terms.expires for terms in (client.lease, client.granted) if terms]
    wanted += [client.defence.calm_at(client.times) if client.defence.claimed_by else None]
    return min((at for at in wanted if at is not None), default=None)


def held_address(client: Client) -> IPv4Address | None:
    """The one that is used, or being probed."""
    held = client.granted or client.lease
    return held.address.ip if held else None
