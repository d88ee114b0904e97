"""Owner of plans, leases and lease engines: keeps the kernel as the plans and leases say, whatever happens to it.

One task looks whenever netlink, a lease or the clock says so; deliberate changes go through `change`. Both hold the
state folder's lock while they touch the kernel, as the command line does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyroute2.netlink.exceptions import NetlinkError

from .dhcp.state import DhcpState
from .disk import cannot_write
from .errors import KernelRefused, NetsetupError
from .execute import converge, watched
from .files import StateDir
from .held import HeldAddresses
from .journal import Journal
from .kernel import Kernel, KernelPort, read_facts
from .leasing import Leasing
from .memory import Memory
from .model import Facts, Lease, Limits, Plan
from .notices import Notice, Notices
from .parents import State, follow, remember, renamed, state_of, words_of
from .repair import Brake, KernelEvents
from .standing import camera_json, parent_json, repair_words
from .steps import Step

log = logging.getLogger(__name__)

ASK_AGAIN_S = 20.0  # whether a static address is free now
LOOK_EVERY_S = 60.0  # sysctls give no event
SETTLED_WITHIN_S = 0.5
_RACE_RETRY_S = 0.1
_RETRY_FIRST_S, _RETRY_MOST_S = 1.0, 60.0
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Seen:
    """The kernel, of which everything was read a moment ago: what was decided by those facts is done by them."""

    kernel: KernelPort

    def __init__(self, facts: Facts, parents: Sequence[str]) -> None:
        self.facts_seen = facts
        self._fresh: Sequence[str] | None = parents

    async def facts(self, parents: Sequence[str]) -> Facts:
        fresh, self._fresh = self._fresh, None
        return self.facts_seen if parents == fresh else await self.kernel.facts(parents)

    async def do(self, step: Step) -> None:
        await self.kernel.do(step)


class Keeper:
    """`on_change` is called whenever `status` may look different."""

    def __init__(self, limits: Limits, state: StateDir, *, now: Callable[[], float] = time.time) -> None:
        self.limits = limits
        self.state = state
        self.on_change: Callable[[], None] = lambda: None
        self.notices = Notices(now, self._told)
        self.plans: tuple[Plan, ...] = ()
        self._memory_file = state.path / "arm.json"
        self._memory = Memory.load(self._memory_file)
        self._leasing = Leasing(self.notices, wake=self.wake, changed=self._changed, now=now)
        self._events = KernelEvents(self.wake)
        self._stale = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._brake = Brake()
        self._retry_s = 0.0
        self._failures = 0
        self._parents: dict[str, State] = {}
        self._made: frozenset[str] = frozenset()  # interfaces that stood after the last look
        self._indexes: dict[str, int] = {}  # of those, as far as a look has seen them since
        self._kept: Any = None  # what was wished at the last look
        self._applied: Any = None  # what was wished when the kernel was last made so
        self._held = HeldAddresses(self.notices, self._memory.addresses)

    async def start(self) -> None:
        """Returns when the saved plans are in the kernel, as far as it lets us. Raises NetsetupError: damaged files."""
        self.plans = self.state.plans()
        self._leasing.load(self.state.leases())
        await self._events.start()
        await self._look()
        self._task = asyncio.create_task(self._repair(), name="repair")

    async def stop(self) -> None:
        """The kernel stays as it is."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._events.stop()
        await self._leasing.stop()

    def wake(self) -> None:
        """Something may have changed: look soon."""
        self._stale.set()

    @property
    def leases(self) -> Mapping[str, Lease]:
        """By MAC."""
        return self._leasing.leases

    def lease_states(self) -> Mapping[str, DhcpState]:
        """By MAC."""
        return self._leasing.states()

    @property
    def allowed_parents(self) -> frozenset[str]:
        """By their present names."""
        known = self._memory.known
        now_called = {name for name, adapter in known.items() if adapter.allowed_as in self.limits.parents}
        formerly = {adapter.allowed_as for adapter in known.values()}
        return frozenset(self.limits.parents) - formerly - set(known) | now_called

    async def change(self, new_plans: Callable[[tuple[Plan, ...], Facts], tuple[Plan, ...]]) -> list[str]:
        """A deliberate change. All or nothing: raises NetsetupError, then plans and kernel are as before."""
        async with self.state.lock():
            before = self.state.plans()
            seen = await self._see(before)
            after = new_plans(before, seen.facts_seen)
            self._see_parents(after, seen.facts_seen)
            changes = await self._converge(after, seen)
            try:
                self.state.save_plans(after)
                Journal(self.state.journal).applied(before, changes)
            except OSError as error:
                await self._converge(before, await self._see(before))
                raise cannot_write(self.state.path, error) from None
            self._wished(after)
        self.wake()
        return changes

    async def name_cameras(self, names: dict[str, str]) -> None:
        """What DHCP servers shall be told, by MAC."""
        if names != self._memory.hostnames:
            self._memory.hostnames = names
            self._save_memory()
            self.wake()

    def status(self) -> dict[str, Any]:
        states, leases = self._leasing.states(), self._leasing.leases
        return {
            "parents": [parent_json(plan, self._parents.get(plan.parent, "gone")) for plan in self.plans],
            "cameras": [
                camera_json(
                    plan,
                    slot,
                    parent=self._parents.get(plan.parent, "gone"),
                    lease=leases.get(slot.mac),
                    dhcp=states.get(slot.mac),
                    held_by=self._held.by_mac.get(slot.mac),
                )
                for plan in self.plans
                for slot in plan.slots
            ],
            "problem": self.notices.standing("kernel"),
            "notices": [notice.to_json() for notice in self.notices.kept()],
        }

    async def _repair(self) -> None:
        while True:
            usual_s = ASK_AGAIN_S if self._held.by_mac else LOOK_EVERY_S
            pause_s = min(self._retry_s or usual_s, self._leasing.next_look_s())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._stale.wait()
            await self._settled()
            await self._look()

    async def _settled(self) -> None:
        """Until nothing happens for a moment: an interface that is being deleted goes in several steps."""
        latest = time.monotonic() + SETTLED_WITHIN_S
        while True:
            self._stale.clear()
            await asyncio.sleep(self._brake.pause_s)
            if not self._stale.is_set() or time.monotonic() > latest:
                self._stale.clear()
                return

    async def _look(self) -> None:
        try:
            async with self.state.lock():
                await self._keep()
        except NetsetupError as error:
            self._failed(error)
        except OSError as error:
            self._failed(cannot_write(self.state.path, error))
        except Exception:
            log.exception("a bug while looking after the interfaces")
            self._failed(
                NetsetupError("A bug keeps the arm from looking after the interfaces; its log has the details.")
            )
        else:
            self._retry_s = 0.0
            self._failures = 0
            self.notices.over("kernel", "The cameras' network is in order again.")
        self._changed()

    def _failed(self, error: NetsetupError) -> None:
        """Once may be a race with whoever changes the same thing at this moment; everything was put back."""
        self._failures += 1
        self._retry_s = min(max(self._retry_s * 2, _RETRY_FIRST_S), _RETRY_MOST_S)
        if self._failures == 1:
            log.info("trying again: %s", error)
            self._retry_s = _RACE_RETRY_S
        else:
            self.notices.stands("kernel", str(error), "error")

    async def _keep(self) -> None:
        plans = self._saved_plans()
        seen = await self._see(plans)
        facts = seen.facts_seen
        plans = self._follow_renames(plans, facts)
        came_back = self._see_parents(plans, facts)
        await self._held.look(plans, facts)
        self._leasing.tell_lost()
        self._leasing.forget_others(slot.mac for plan in plans if plan.method == "dhcp" for slot in plan.slots)
        changes = await self._converge(plans, seen)
        log.debug("%s", "; ".join(changes))
        self._explain(plans, facts, changes)
        self._wished(plans)
        self._remember(plans, facts)
        await self._leasing.serve(self._held.without(plans), facts, self._parents, self._memory.hostnames)
        for parent in came_back:
            self._leasing.confirm(parent)

    def _saved_plans(self) -> tuple[Plan, ...]:
        """The command line may have written others. A file that is gone is nobody's wish: that one would be empty."""
        if self.plans and not self.state.has_plans():
            self.state.save_plans(self.plans)
            self.notices.say("warning", f"The plans were gone from {self.state.path} and have been written again.")
        return self.state.plans()

    async def _see(self, plans: Sequence[Plan]) -> Seen:
        parents = watched(plans, Journal(self.state.journal))
        return Seen(await read_facts(parents), parents)

    async def _converge(self, plans: Sequence[Plan], seen: Seen) -> list[str]:
        # Exactly these leases, saved before they are used: more may come while the kernel is at work, and whatever ends
        # us, the next start must know what is in use.
        leases, old = dict(self._leasing.leases), self._leasing.old()
        self._applied = self._wish(tuple(plans))
        self._save_leases()
        try:
            async with Kernel() as kernel:
                seen.kernel = kernel
                changes = await converge(
                    self._held.without(plans), leases, old=old, journal=self.state.journal, kernel=seen
                )
        except (OSError, NetlinkError) as error:
            raise KernelRefused(f"The kernel gives no netlink socket: {error}.", "Try again.") from None
        await self._leasing.deprecate_old(plans)
        return changes

    def _wished(self, plans: tuple[Plan, ...]) -> None:
        self.plans = plans
        self._made = frozenset(
            slot.name for plan in plans for slot in plan.slots if self._parents.get(plan.parent) != "gone"
        )
        self._kept = self._applied

    def _wish(self, plans: tuple[Plan, ...]) -> Any:
        return plans, dict(self._leasing.leases), self._leasing.old(), dict(self._held.by_mac), dict(self._parents)

    def _follow_renames(self, plans: tuple[Plan, ...], facts: Facts) -> tuple[Plan, ...]:
        names = renamed(plans, facts, self._memory.known)
        if names:
            plans, self._memory.known = follow(plans, self._memory.known, names)
            self.state.save_plans(plans)
            Journal(self.state.journal).rename(names)
            for old, new in names.items():
                self.notices.say("info", f"The network adapter {old} is called {new} now; the settings were updated.")
        return plans

    def _see_parents(self, plans: tuple[Plan, ...], facts: Facts) -> list[str]:
        """Says what is wrong with adapters; returns those that are well again."""
        came_back = []
        before, self._parents = self._parents, {plan.parent: state_of(facts, plan.parent) for plan in plans}
        for parent, state in self._parents.items():
            if words := words_of(state, parent):
                self.notices.stands(f"parent {parent}", words)
            else:
                self.notices.over(f"parent {parent}", f"{parent} is connected again.")
                if before.get(parent, "up") != "up":
                    came_back.append(parent)
        return came_back

    def _explain(self, plans: tuple[Plan, ...], facts: Facts, changes: list[str]) -> None:
        """When neither our wishes nor the adapters had changed, somebody else did it."""
        links = {link.name: link for link in facts.links if link.ours}
        seen, self._indexes = self._indexes, {name: link.index for name, link in links.items()}
        if self._kept is None or self._kept != self._applied:
            return
        # Another index: it went while a look was under way, which failed and put it back.
        there = {name for name, link in links.items() if seen.get(name, link.index) == link.index}
        removed = sorted(self._made - there, key=lambda name: (len(name), name))
        if not changes and not removed:
            return
        down = sorted((x.name for x in links.values() if not x.up and x.name in self._made), key=lambda n: (len(n), n))
        self._brake.repaired()
        if self._brake.fighting:
            words = "Another program changes the cameras' network all the time; see: netsetup check"
            self.notices.stands("fight", words, "error")
            return
        self.notices.over("fight")
        for text in repair_words(removed, down, changes):
            self.notices.say("warning", text, removed[0] if len(removed) == 1 else "")

    def _remember(self, plans: tuple[Plan, ...], facts: Facts) -> None:
        known = remember(plans, facts, self._memory.known)
        if (known, self._held.used) != (self._memory.known, self._memory.addresses):
            self._memory.known, self._memory.addresses = known, dict(self._held.used)
            self._save_memory()

    def _save_leases(self) -> None:
        """A full disk must not cost the cameras their addresses; they are only asked for anew after a reboot."""
        if not self._leasing.unsaved:
            return
        try:
            self.state.save_leases(self._leasing.leases)
        except OSError as error:
            self.notices.stands("leases", str(cannot_write(self.state.path, error)), "error")
        else:
            self._leasing.unsaved = False
            self.notices.over("leases")

    def _save_memory(self) -> None:
        try:
            self._memory.save(self._memory_file)
        except OSError as error:
            log.warning("cannot write %s: %s", self._memory_file, error)

    def _changed(self) -> None:
        self.on_change()

    def _told(self, notice: Notice) -> None:
        log.log(_LEVELS[notice.level], "%s", notice.text)
        self._changed()
