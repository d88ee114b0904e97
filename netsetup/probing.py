"""What the LAN says before addresses are used: who has them already, which MACs are there."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from .dhcp.arp import probe_all
from .errors import BadRequest
from .model import Facts, Plan

_NEIGHBOURS = Path("/proc/net/arp")
_NAMED = 5  # conflicts in one message


def unused_addresses(plans: Sequence[Plan], facts: Facts) -> dict[str, dict[str, IPv4Address]]:
    """Static addresses that are not on their interface yet, by parent and MAC. Pure."""
    present = {(address.link, address.address.ip) for address in facts.addresses}
    found: dict[str, dict[str, IPv4Address]] = {}
    for plan in plans:
        parent = facts.link(plan.parent)
        if parent is None or not (parent.up and parent.carrier):
            continue  # nobody can answer; the arm asks again when the cable is there
        for slot in plan.slots:
            if slot.address and (slot.name, slot.address.ip) not in present:
                found.setdefault(plan.parent, {})[slot.mac] = slot.address.ip
    return found


async def probe_addresses(plans: Sequence[Plan], facts: Facts) -> None:
    """RFC 5227 for every static address that is not in use by us yet; 4–7 s, all at once.

    Raises BadRequest that names who has them, NetsetupError without the right to ask.
    """
    conflicts = []
    for parent, addresses in unused_addresses(plans, facts).items():
        taken = await probe_all(parent, addresses)
        conflicts += [f"{addresses[mac]} by {owner}" for mac, owner in sorted(taken.items())]
    if conflicts:
        more = f" and {len(conflicts) - _NAMED} more" if len(conflicts) > _NAMED else ""
        raise BadRequest(
            f"Addresses are already used by other devices: {', '.join(conflicts[:_NAMED])}{more}.",
            "Leave them out with --exclude, or begin at another address.",
        )


def seen_macs(file: Path = _NEIGHBOURS) -> set[str]:
    """MACs of the host's neighbours, as far as it has met them."""
    try:
        rows = file.read_text().splitlines()[1:]
    except OSError:
        return set()
    return {
        fields[3].lower() for fields in map(str.split, rows) if len(fields) > 3 and fields[3] != "00:00:00:00:00:00"
    }
