"""How parents and cameras stand, as the arm's status says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .model import Lease, Plan, Slot
from .parents import State, words_of

if TYPE_CHECKING:
    from .dhcp.state import DhcpState

_UNSURE = ("no DHCP answer", "does not renew")  # the camera has its address, but not for ever


def parent_json(plan: Plan, state: State) -> dict[str, Any]:
    return {
        "name": plan.parent,
        "method": plan.method,
        "count": len(plan.slots),
        "digest": plan.digest(),
        "state": state,
        "message": words_of(state, plan.parent),
    }


def camera_json(
    plan: Plan,
    slot: Slot,
    *,
    parent: State,
    lease: Lease | None,
    dhcp: DhcpState | None,
    held_by: str | None,
) -> dict[str, Any]:
    """`message` says what keeps the camera from its address, or what threatens it, in a sentence; "" while all is well.
    `detail` is what its lease machine does, also then."""
    address = slot.address if plan.method == "static" else (lease.address if lease else None)
    if held_by:
        address = None
    trouble = _trouble(plan, slot, parent, dhcp, held_by, in_use=plan.method == "static" or lease is not None)
    return {
        "slot": slot.index,
        "name": slot.name,
        "mac": slot.mac,
        "parent": plan.parent,
        "method": plan.method,
        "address": str(address) if address else None,
        "phase": "waiting" if held_by else (dhcp.phase if dhcp else ("static" if slot.address else "stopped")),
        "message": trouble,
        "detail": dhcp.message if dhcp else "",
        "next_try": dhcp.next_try if dhcp and parent == "up" else None,
        "server": str(dhcp.server) if dhcp and dhcp.server else None,
        "expires": lease.expires if lease else None,
        "claimed_by": held_by or (dhcp.claimed_by if dhcp else None),
    }


def _trouble(
    plan: Plan, slot: Slot, parent: State, dhcp: DhcpState | None, held_by: str | None, *, in_use: bool
) -> str:
    if words := words_of(parent, plan.parent):
        return words
    if held_by and slot.address:
        return conflict_words(str(slot.address.ip), held_by)
    if dhcp is None or (in_use and not dhcp.claimed_by and not any(words in dhcp.message for words in _UNSURE)):
        return ""
    words = dhcp.message.rstrip(".")
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def conflict_words(address: str, mac: str) -> str:
    return f"Address {address} is already used by the device with MAC {mac}. Give one of the two another address."


def names_of(names: Sequence[str]) -> str:
    """ "vcam7", "vcam7 and vcam9", "32 interfaces (vcam1 … vcam32)" """
    if len(names) <= 3:
        return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
    return f"{len(names)} interfaces ({names[0]} … {names[-1]})"


def repair_words(removed: Sequence[str], down: Sequence[str], changes: Sequence[str]) -> list[str]:
    """What another program did, and that it was undone."""
    said = []
    if removed:
        was = "was" if len(removed) == 1 else "were"
        has = "has" if len(removed) == 1 else "have"
        said.append(f"{names_of(removed)} {was} removed by another program and {has} been restored.")
    if down:
        was, has = ("was", "has") if len(down) == 1 else ("were", "have")
        said.append(f"{names_of(down)} {was} switched off by another program and {has} been restored.")
    if not said and changes:
        more = f" and {len(changes) - 2} more" if len(changes) > 2 else ""
        said.append(f"Another program changed the cameras' network; put back: {', '.join(changes[:2])}{more}.")
    return said


def moved_words(camera: str, before: Lease, after: Lease) -> str:
    return (
        f"{camera} moved from {before.address.ip} to {after.address.ip}. "
        f"A reservation for MAC {after.mac} in the DHCP server avoids this."
    )


def lost_words(camera: str, before: Lease) -> str:
    return f"{camera} lost its address {before.address.ip}: the DHCP server did not renew it, or gave it away."


def still_valid(leases: Mapping[str, Lease], now: float) -> dict[str, Lease]:
    return {mac: lease for mac, lease in leases.items() if lease.expires > now}
