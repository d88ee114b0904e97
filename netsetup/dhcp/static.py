"""Addresses that are in use without DHCP: watched and defended for ever (RFC 5227 §2.4 c). Pure.

Giving up an address that an installer has typed would help nobody: the camera keeps it, and says who disputes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Interface

from netsetup.dhcp.acd import UNDISPUTED, Defence, disputes_use
from netsetup.dhcp.frames import Arp


@dataclass(frozen=True, slots=True)
class Static:
    mac: str
    address: IPv4Interface
    since: float
    defence: Defence = UNDISPUTED

    def heard(self, arp: Arp, now: float) -> tuple[Static, bool]:
        """(the next state, whether to announce the address now)."""
        if not disputes_use(arp, self.mac, self.address.ip):
            return self, False
        defence, again = self.defence.conflict(arp.sender_mac, now)
        return replace(self, defence=defence), not again

    def calm(self, now: float) -> Static:
        """The same without the memory of a conflict that is long over."""
        return replace(self, defence=UNDISPUTED) if self.defence.over(now) else self
