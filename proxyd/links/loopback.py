"""Loopback mode: every camera gets an address of its own in 127.0.0.0/8. No root, no kernel configuration."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from itertools import islice

from proxyd.errors import InvalidInput
from proxyd.store.rows import FoundInterface, InterfaceKind

from .port import mac_from_address

MOST = 1024  # interfaces, however large the range is


class LoopbackLinks:
    mode: InterfaceKind = "loopback"
    warning = ""

    def __init__(self, cidr: str) -> None:
        """Raises InvalidInput unless `cidr` is a range inside 127.0.0.0/8."""
        try:
            self._network = ipaddress.IPv4Network(cidr)
        except ValueError as error:
            raise InvalidInput(f"--loopback {cidr}: {error}.", "Use a range such as 127.0.77.0/24.") from None
        if not self._network.subnet_of(ipaddress.IPv4Network("127.0.0.0/8")):
            raise InvalidInput(f"--loopback {cidr} is not loopback.", "Use a range such as 127.0.77.0/24.")

    def interfaces(self) -> list[FoundInterface]:
        return [
            FoundInterface(
                name=f"lo:{address}",
                mac=mac_from_address(0xA0, address.packed),
                address=str(address),
                prefix_length=8,
                kind="loopback",
            )
            for address in islice(self._network.hosts(), MOST)
        ]

    async def start(self, changed: Callable[[list[FoundInterface]], Awaitable[None]]) -> None:
        await changed(self.interfaces())

    async def stop(self) -> None:
        pass
