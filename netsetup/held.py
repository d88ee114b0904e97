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
    """`by_mac`: the MAC of the device that has the address, by the MAC of the camera that should have it. `used`: the
    planned addresses that were in use once, by the camera's MAC."""

    def __init__(self, notices: Notices, used: Mapping[str, str]) -> None:
        self.used = dict(used)
        self.by_mac: dict[str, str] = {}
        self._notices = notices
        self._free: set[Slot] = set()  # found free once: watched by the lease engine from then on

    async def look(self, plans: Sequence[Plan], facts: Facts) -> None:
        """Asks for those that are not in use: before the first use in the whole time of RFC 5227 (4–7 s), for those
        that were in use before a restart shortly (0.6 s). An address that is on its interface already is ours."""
        wanted = {slot.mac: slot for plan in plans for slot in plan.slots if plan.method == "static" and slot.address}
        there = {(address.link, address.address) for address in facts.addresses}
        self._free = {slot for slot in wanted.values() if slot in self._free or (slot.name, slot.address) in there}
        self.used = {
            mac: str(slot.address)
            for mac, slot in wanted.items()
            if (slot.name, slot.address) in there or self.used.get(mac) == str(slot.address)
        }
        unsure = {mac for mac, slot in wanted.items() if slot not in self._free}
        held: dict[str, str] = {}
        for parent, addresses in unused_addresses(plans, facts).items():
            for again in (True, False):
                asked = {mac: ip for mac, ip in addresses.items() if mac in unsure and (mac in self.used) is again}
                held |= await _holders(parent, asked, quick=again) if asked else {}
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


async def _holders(parent: str, addresses: Mapping[str, IPv4Address], *, quick: bool) -> dict[str, str]:
    try:
        return await probe_all(parent, addresses, quick=quick)
    except (NetsetupError, OSError) as error:
        log.warning("cannot ask who has the addresses on %s: %s", parent, error)
        return {}
