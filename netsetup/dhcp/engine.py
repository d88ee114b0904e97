"""Leases for all cameras of one parent: the rim that joins the pure machines to one packet socket and the clock.

The machines count a clock that nobody sets; leases carry CLOCK_REALTIME, so that they survive a reboot.
"""

from __future__ import annotations

import random as random_module
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from netsetup.model import Lease

Changed = Callable[[str, Lease | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ClientWish:
    """One camera that wants an address. `previous` is asked for again (INIT-REBOOT) and, while it has not expired,
    taken as being in use."""

    mac: str
    hostname: str = ""
    previous: Lease | None = None


@dataclass(frozen=True, slots=True)
class DhcpState:
    """How one camera stands with its address. Times are CLOCK_REALTIME; `message` is for people and changes only with
    the state, never with the clock. `claimed_by` is the MAC of another device that uses the same address."""

    phase: str  # waiting, searching, requesting, checking, bound, renewing, rebinding, rebooting, static, stopped
    since: float
    next_try: float | None = None
    server: IPv4Address | None = None
    address: IPv4Interface | None = None
    message: str = ""
    claimed_by: str | None = None


class LeaseEngine:
    """`changed(mac, lease)` is awaited for every new, renewed or corrected lease, after its address was found free, and
    with None when it may no longer be used; never twice at once for one camera. `state` is told every change."""

    def __init__(
        self,
        parent: str,
        *,
        changed: Changed,
        state: Callable[[str, DhcpState], None] | None = None,
        now: Callable[[], float] = time.time,
        random: random_module.Random | None = None,
    ) -> None:
        self.parent = parent
        self._changed = changed
        self._state = state
        self._now = now
        self._random = random or random_module.SystemRandom()

    async def start(self) -> None:
        """Open the socket. Idempotent. Raises NetsetupError when the parent or the right to it is missing."""

    async def stop(self, release: bool = False) -> None:
        """Leases stay valid unless `release`: then they are given back to the server. Idempotent."""

    async def set_clients(self, clients: Mapping[str, ClientWish]) -> None:
        """Exactly these from now on, by MAC. One that is new starts, one that is missing gives its lease back (nobody
        is told by `changed`), one that stays keeps its lease whatever `previous` says."""

    async def set_static(self, addresses: Mapping[str, IPv4Interface]) -> None:
        """Addresses that are in use without DHCP, by MAC: watched and defended; a conflict shows in `states()`."""

    def link_up(self) -> None:
        """The parent has its carrier back: confirm all leases with the server, which keeps them usable meanwhile."""

    def announce(self, mac: str) -> None:
        """Gratuitous ARP for the address this camera has now."""

    def states(self) -> Mapping[str, DhcpState]:
        return {}
