"""The port: a source says which interfaces exist now, and calls back when that may have changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from proxyd.store.rows import FoundInterface, InterfaceKind


class LinkSource(Protocol):
    mode: InterfaceKind
    warning: str  # for everybody who uses cameras in this mode, or ""

    async def start(self, changed: Callable[[list[FoundInterface]], Awaitable[None]]) -> None:
        """Calls `changed` once before it returns, and again with the full list whenever it differs."""
        ...

    async def stop(self) -> None: ...


def mac_from_address(prefix: int, address: bytes) -> str:
    """A MAC that is always the same for one address: locally administered, unicast (IEEE 802-2014, 8.2)."""
    first = (prefix & 0xFC) | 0x02
    return ":".join(f"{octet:02x}" for octet in (first, 0x6F, *address))
