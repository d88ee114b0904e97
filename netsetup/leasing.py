"""Lease engines of all parents, the leases they got, and former addresses that go only after proxyd has moved on.

Order for a changed lease (a recorder's open streams must end, not hang): the new address is added beside the old one,
the old one is marked deprecated, which proxyd sees by netlink, and after a grace it is deleted.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from .dhcp.engine import ClientWish, LeaseEngine
from .dhcp.packet import host_name
from .dhcp.state import DhcpState
from .errors import NetsetupError
from .model import Facts, Lease, Plan
from .notices import Notices
from .parents import State
from .standing import lost_words, moved_words, still_valid

log = logging.getLogger(__name__)

MOVED_GRACE_S = 3.0  # proxyd has the new address and ends connections to the old one
LOST_GRACE_S = 1.0  # nothing new: the server said no, or the lease is over
LOST_FOR_S = 10.0
MOST_OLD = 4  # former addresses of one camera
_NOPREFIXROUTE = 0x200  # IFA_F_NOPREFIXROUTE
_FOREVER = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Old:
    lease: Lease
    until: float  # monotonic


@dataclass(frozen=True, slots=True)
class _Running:
    index: int  # of the parent: an adapter that was unplugged and came back has another one
    engine: LeaseEngine


class Leasing:
    """`wake` asks for a look at the kernel, `changed` says that `states` look different. Times of leases by `now`."""

    def __init__(
        self,
        notices: Notices,
        *,
        wake: Callable[[], None],
        changed: Callable[[], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.leases: dict[str, Lease] = {}
        self.unsaved = False
        self._notices = notices
        self._wake = wake
        self._changed = changed
        self._now = now
        self._engines: dict[str, _Running] = {}
        self._old: dict[str, list[_Old]] = {}
        self._lost: dict[str, _Old] = {}
        self._deprecated: set[tuple[str, IPv4Interface]] = set()
        self._names: dict[str, str] = {}  # of cameras' interfaces, by MAC

    def load(self, leases: Mapping[str, Lease]) -> None:
        """From the last run: those that are still valid are in use at once, and confirmed by the engines."""
        self.leases = still_valid(leases, self._now())

    async def stop(self) -> None:
        """Leases stay valid: nothing is given back."""
        for running in self._engines.values():
            await running.engine.stop()
        self._engines.clear()

    def forget_others(self, macs: Iterable[str]) -> None:
        """Only these want leases; their engines give the others back."""
        known = set(macs)
        for mac in self.leases.keys() - known:
            del self.leases[mac]
            self.unsaved = True
        for going in (self._old, self._lost):
            for mac in going.keys() - known:
                del going[mac]

    def states(self) -> dict[str, DhcpState]:
        found: dict[str, DhcpState] = {}
        for running in self._engines.values():
            found.update(running.engine.states())
        return found

    def old(self) -> dict[str, tuple[Lease, ...]]:
        """Former leases that are still in use."""
        now = time.monotonic()
        for mac, former in list(self._old.items()):
            self._old[mac] = [one for one in former if one.until > now]
            if not self._old[mac]:
                del self._old[mac]
        return {mac: tuple(one.lease for one in former) for mac, former in self._old.items()}

    def next_look_s(self) -> float:
        """When the next former address goes, or is mourned."""
        ends = [one.until for former in (*self._old.values(), self._lost.values()) for one in former]
        return max(0.0, min(ends) - time.monotonic()) if ends else float("inf")

    def confirm(self, parent: str) -> None:
        """Its cable is in again, perhaps on another network."""
        if running := self._engines.get(parent):
            running.engine.link_up()
            for mac, state in running.engine.states().items():
                if state.phase == "static":
                    running.engine.announce(mac)

    async def serve(
        self, plans: Sequence[Plan], facts: Facts, parents: Mapping[str, State], hostnames: Mapping[str, str]
    ) -> None:
        """Exactly these plans' cameras have an engine, after their interfaces are in the kernel."""
        self._names = {slot.mac: slot.name for plan in plans for slot in plan.slots}
        indexes = {plan.parent: link.index for plan in plans if (link := facts.link(plan.parent))}
        for parent, running in list(self._engines.items()):
            if indexes.get(parent) != running.index:
                del self._engines[parent]
                # It is renamed, unplugged, or its plan is gone: only what no plan wants any more is given back.
                going = running.engine.states().keys() - self._names.keys()
                await running.engine.stop(release=going)
        for plan in plans:
            if plan.parent in indexes:
                await self._serve_one(plan, facts, indexes[plan.parent], hostnames)

    async def _serve_one(self, plan: Plan, facts: Facts, index: int, hostnames: Mapping[str, str]) -> None:
        try:
            engine = await self._engine(plan.parent, index)
            engine.set_host(facts.host_macs())
            if plan.method == "dhcp":
                await engine.set_static({})
                names = {s.mac: host_name(hostnames.get(s.mac, "")) or s.name for s in plan.slots}
                await engine.set_clients(
                    {mac: ClientWish(mac, name, self.leases.get(mac)) for mac, name in names.items()}
                )
            else:
                await engine.set_clients({})
                await engine.set_static({slot.mac: slot.address for slot in plan.slots if slot.address})
        except NetsetupError as error:
            self._notices.stands(f"engine {plan.parent}", str(error), "error")
        else:
            self._notices.over(f"engine {plan.parent}")

    async def _engine(self, parent: str, index: int) -> LeaseEngine:
        if parent not in self._engines:
            engine = LeaseEngine(
                parent, changed=self._lease_changed, state=lambda mac, state: self._changed(), now=self._now
            )
            await engine.start()
            self._engines[parent] = _Running(index, engine)
        return self._engines[parent].engine

    async def _lease_changed(self, mac: str, lease: Lease | None) -> None:
        """From an engine. Only notes it: one look at the kernel then serves many cameras."""
        before = self.leases.get(mac)
        if lease is None:
            self.leases.pop(mac, None)
        else:
            self.leases[mac] = lease
        if before and (lease is None or lease.address != before.address):
            self._retire(mac, before, lease)
        self._tell(mac, before or (self._lost[mac].lease if mac in self._lost else None), lease)
        self.unsaved = True
        self._wake()

    def _tell(self, mac: str, before: Lease | None, lease: Lease | None) -> None:
        """A server that says no usually gives another address at once: that is one story, not two."""
        name = self._names.get(mac, mac)
        if lease is None:
            if before:
                self._lost.setdefault(mac, _Old(before, time.monotonic() + LOST_FOR_S))
            return
        self._lost.pop(mac, None)
        if before and lease.address != before.address:
            self._notices.say("warning", moved_words(name, before, lease), name)

    def tell_lost(self) -> None:
        """Says which cameras lost their address and got no other."""
        for mac, lost in list(self._lost.items()):
            if lost.until <= time.monotonic():
                del self._lost[mac]
                name = self._names.get(mac, mac)
                self._notices.say("warning", lost_words(name, lost.lease), name)

    def _retire(self, mac: str, before: Lease, lease: Lease | None) -> None:
        grace_s = MOVED_GRACE_S if lease else LOST_GRACE_S
        former = [one for one in self._old.get(mac, []) if lease is None or one.lease.address != lease.address]
        self._old[mac] = [*former, _Old(before, time.monotonic() + grace_s)][-MOST_OLD:]

    async def deprecate_old(self, plans: Sequence[Plan]) -> None:
        """Marks former addresses in the kernel, once each; addresses that came back are marked as good again."""
        names = {slot.mac: slot.name for plan in plans for slot in plan.slots}
        going = {(names[mac], one.address) for mac, former in self.old().items() if mac in names for one in former}
        again = {
            (names[mac], lease.address)
            for mac, lease in self.leases.items()
            if mac in names and (names[mac], lease.address) in self._deprecated
        }
        fresh = going - self._deprecated
        self._deprecated = going
        if not fresh and not again:
            return
        try:
            async with AsyncIPRoute() as ipr:
                for link, address in sorted(fresh | again):
                    await _mark(ipr, link, address, deprecated=(link, address) in fresh)
        except (OSError, NetlinkError) as error:  # proxyd then goes by the newest address
            log.info("cannot mark a former address: %s", error)


async def _mark(ipr: AsyncIPRoute, link: str, address: IPv4Interface, *, deprecated: bool) -> None:
    await ipr.addr(
        "replace",
        index=socket.if_nametoindex(link),
        address=str(address.ip),
        prefixlen=address.network.prefixlen,
        broadcast=str(address.network.broadcast_address),
        flags=_NOPREFIXROUTE,
        preferred=0 if deprecated else _FOREVER,
        valid=_FOREVER,
    )
