"""How a camera stands with its address, as everybody outside the lease engine sees it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from netsetup.dhcp.client import Client, Phase
from netsetup.dhcp.static import Static
from netsetup.dhcp.words import describe, describe_static


@dataclass(frozen=True, slots=True)
class DhcpState:
    """Times are CLOCK_REALTIME; `message` is for people and changes only with the state, never with the clock.
    `claimed_by` is the MAC of another device that uses the same address."""

    phase: str  # waiting, searching, requesting, checking, bound, renewing, rebinding, rebooting, static
    since: float
    next_try: float | None = None
    server: IPv4Address | None = None
    address: IPv4Interface | None = None
    message: str = ""
    claimed_by: str | None = None


def client_state(
    client: Client, parent: str, shift: float, *, server: IPv4Address | None, moved_from: str
) -> DhcpState:
    """`shift` is what CLOCK_REALTIME is ahead of the client's clock; `server` one that answers others here."""
    held = client.lease or client.granted or client.offer
    waits = client.at is not None and client.phase not in (Phase.BOUND, Phase.CHECKING)
    return DhcpState(
        client.phase.value,
        client.since + shift,
        client.at + shift if client.at is not None and waits else None,
        held.server if held else None,
        held.address if held else None,
        describe(client, parent, server=server, moved_from=moved_from),
        client.defence.claimed_by,
    )


def static_state(static: Static, shift: float) -> DhcpState:
    claimed_by = static.defence.claimed_by
    since = static.defence.since if claimed_by else static.since
    message = describe_static(str(static.address.ip), claimed_by)
    return DhcpState("static", since + shift, None, None, static.address, message, claimed_by)
