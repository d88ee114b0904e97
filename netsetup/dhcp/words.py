"""A lease machine's state in words for the installer. Pure.

The words change only with the state: no countdown, `DhcpState.next_try` is there for that.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from netsetup.dhcp.client import Client, Phase, Reason

SILENT_AFTER = 4  # transmissions; the fourth goes out about 28 s after the first
PASSED_OVER_AFTER = 3  # where others get answers it is less likely that a packet was lost: 12 s


def describe(client: Client, parent: str, *, server: IPv4Address | None, moved_from: str) -> str:
    """`server` answered other cameras of this parent meanwhile; `moved_from` is the address before the present one."""
    held = client.lease or client.granted
    address = str(held.address.ip) if held else ""
    if client.reason is Reason.UNUSABLE and client.phase in (Phase.SEARCHING, Phase.REQUESTING):
        return (
            f"the DHCP server offered {client.subject}, which no camera can use: check its address pool and lease time"
        )
    match client.phase:
        case Phase.WAITING:
            return _waiting(client)
        case Phase.SEARCHING:
            return _searching(client, parent, server)
        case Phase.REQUESTING:
            offer = client.offer
            return f"asking {offer.server} for {offer.address.ip}" if offer else ""
        case Phase.CHECKING:
            return f"checking that no other device uses {address}"
        case Phase.REBOOTING:
            return f"asking for {address} again" + ("" if client.sent < 2 else f"; no DHCP answer on {parent} so far")
        case Phase.BOUND | Phase.RENEWING | Phase.REBINDING:
            return _bound(client, parent, address, moved_from)
        case Phase.STOPPED:
            return "stopped"


def _waiting(client: Client) -> str:
    if client.reason is Reason.CONFLICT:
        return (
            f"address {client.subject} is already used by the device with MAC {client.defence.claimed_by}; "
            "another one will be asked for. Exclude it from the DHCP server's pool"
        )
    if client.reason is Reason.REFUSED:
        return f"the DHCP server refused {client.subject or 'the address'}; another one will be asked for"
    return "about to ask for an address"


def _searching(client: Client, parent: str, server: IPv4Address | None) -> str:
    before = f"the lease of {client.subject} has expired; " if client.reason is Reason.EXPIRED else ""
    if client.sent < (PASSED_OVER_AFTER if server else SILENT_AFTER):
        return f"{before}looking for a DHCP server on {parent}"
    if server is not None:
        return (
            f"{before}no DHCP answer on {parent} for this camera, but {server} answers others: "
            "its address pool may be used up, or it knows only certain MACs"
        )
    return (
        f"{before}no DHCP answer on {parent}: check that a DHCP server serves this network and that the switch or "
        "hypervisor lets several MACs through this port"
    )


def _bound(client: Client, parent: str, address: str, moved_from: str) -> str:
    assert client.lease
    if client.defence.claimed_by:
        return (
            f"address {address} is also claimed by the device with MAC {client.defence.claimed_by}: change that device"
        )
    if client.phase is Phase.REBINDING or (client.phase is Phase.RENEWING and client.sent > 1):
        return f"{address} is still valid, but {client.lease.server} does not renew it: check the DHCP server"
    if client.reason is Reason.UNCONFIRMED:
        return f"{address} is kept from before; no DHCP answer on {parent} yet"
    if moved_from:
        return (
            f"moved from {moved_from} to {address}; a reservation for MAC {client.mac} in the DHCP server avoids this"
        )
    return f"{address} from {client.lease.server}"


def describe_static(address: str, claimed_by: str | None) -> str:
    if claimed_by:
        return f"address {address} is already used by the device with MAC {claimed_by}: change one of the two"
    return f"{address}, set by hand"
