"""Which cameras use or probe an address: who has to hear an ARP packet about it. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address


class Watched:
    """Usually one MAC by address; two while a conflict between cameras is being found out."""

    def __init__(self) -> None:
        self._macs: dict[IPv4Address, set[str]] = {}

    def add(self, mac: str, address: IPv4Address) -> None:
        self._macs.setdefault(address, set()).add(mac)

    def remove(self, mac: str, address: IPv4Address) -> None:
        macs = self._macs.get(address, set())
        macs.discard(mac)
        if not macs:
            self._macs.pop(address, None)

    def move(self, mac: str, old: IPv4Address | None, new: IPv4Address | None) -> None:
        """None: no address."""
        if old == new:
            return
        if old is not None:
            self.remove(mac, old)
        if new is not None:
            self.add(mac, new)

    def by(self, address: IPv4Address) -> frozenset[str]:
        return frozenset(self._macs.get(address, ()))
