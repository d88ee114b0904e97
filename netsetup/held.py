"""Static addresses that are held back because another device has them (RFC 5227: ask before the first use)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from .dhcp.arp import probe_all
from .errors import NetsetupError
from .model import Facts, Plan, Slot
from .notices import Notices
from .probing import unused_addresses
from .standing import conflict_words

log = logging.getLogger(__name__)


class HeldAddresses:
    """`by_mac`: the MAC of the device that has the address, by the MAC of the camera that should have it."""

    def __init__(self, notices: Notices) -> None:
        self.by_mac: dict[str, str] = {}
        self._notices = notices
        self._free: set[Slot] = set()  # found free once: watched by the lease engine from then on

    async def look(self, plans: Sequence[Plan], facts: Facts) -> None:
        """Asks for those that are new (0.6 s); an address that is on its interface already is ours."""
        wanted = {slot.mac: slot for plan in plans for slot in plan.slots if plan.method == "static" and slot.address}
        there = {(address.link, address.address) for address in facts.addresses}
        self._free = {slot for slot in wanted.values() if slot in self._free or (slot.name, slot.address) in there}
        unsure = {mac for mac, slot in wanted.items() if slot not in self._free}
        held: dict[str, str] = {}
        for parent, addresses in unused_addresses(plans, facts).items():
            asked = {mac: address for mac, address in addresses.items() if mac in unsure}
            held |= await _holders(parent, asked) if asked else {}
        for mac in unsure:
            self._say(wanted[mac], held.get(mac))
        self.by_mac = held

    def without(self, plans: Sequence[Plan]) -> list[Plan]:
        """The plans as they can be applied now: such a camera has its interface, but no address."""
        return [
            replace(plan, slots=tuple(replace(s, address=None) if s.mac in self.by_mac else s for s in plan.slots))
            if plan.method == "static" and self.by_mac
            else plan
            for plan in plans
        ]

    def _say(self, slot: Slot, mac: str | None) -> None:
        what = f"held {slot.mac}"
        if mac and slot.address:
            self._notices.stands(what, conflict_words(str(slot.address.ip), mac), "error", slot.name)
        else:
            self._free.add(slot)
            self._notices.over(what, f"The address of {slot.name} is free now.", slot.name)


async def _holders(parent: str, addresses: Mapping[str, IPv4Address]) -> dict[str, str]:
    try:
        return await probe_all(parent, addresses, quick=True)
    except (NetsetupError, OSError) as error:
        log.warning("cannot ask who has the addresses on %s: %s", parent, error)
        return {}
