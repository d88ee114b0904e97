"""What the arm answers: one function per request of the protocol, inside the limits of root's config."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from . import doctor
from .accept import accept, accept_count
from .errors import BadRequest, FactsChanged
from .identity import keep_identity
from .keeper import Keeper
from .kernel import read_facts
from .known import Known
from .model import Facts, Limits, Plan, Slot
from .plan import PlanWish, make_plan, usual_guard, without
from .probing import probe_addresses, seen_macs
from .protocol import (
    VERSION,
    Add,
    Apply,
    Doctor,
    Hostnames,
    MakePlan,
    Remove,
    Request,
    Status,
    digest_of,
    format_answer,
)

ALIVE_EVERY_S = 30.0  # a watcher that hears nothing for much longer knows that the arm hangs
WATCH_EVERY_S = 0.25  # at most so often a watcher gets a new status

NewPlans = Callable[[tuple[Plan, ...], Facts], tuple[Plan, ...]]


class Answers:
    """`news` are the events of the watchers; the arm sets them when its status looks different."""

    def __init__(self, keeper: Keeper, instance: str) -> None:
        self._keeper = keeper
        self._instance = instance
        self._news: set[asyncio.Event] = set()
        self._changing = asyncio.Lock()

    def changed(self) -> None:
        for event in self._news:
            event.set()

    async def __call__(self, request: Request) -> AsyncIterator[bytes]:
        """Raises NetsetupError."""
        match request:
            case Status(watch=True):
                async for line in self._watch():
                    yield line
            case Status():
                yield format_answer(self._status())
            case MakePlan(wish):
                yield format_answer(await self._make_plan(wish))
            case Apply():
                yield format_answer(await self._apply(request))
            case Add():
                yield format_answer(await self._add(request))
            case Remove():
                yield format_answer(await self._remove(request))
            case Hostnames(names):
                await self._keeper.name_cameras(dict(names))
                yield format_answer({})
            case Doctor():
                yield format_answer(await self._doctor())

    def _status(self) -> dict[str, Any]:
        limits = self._keeper.limits
        return {
            "version": VERSION,
            "instance": self._instance,
            "limits": {"parents": sorted(self._keeper.allowed_parents), "most": limits.most},
            **self._keeper.status(),
        }

    async def _watch(self) -> AsyncIterator[bytes]:
        event = asyncio.Event()
        self._news.add(event)
        last = b""
        try:
            while True:
                nothing_new = not event.is_set()
                event.clear()
                line = format_answer(self._status())
                if nothing_new or line != last:
                    yield line
                    last = line
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ALIVE_EVERY_S):
                        await event.wait()
                        await asyncio.sleep(WATCH_EVERY_S)  # what comes together is told together
        finally:
            self._news.discard(event)

    def _limits(self) -> Limits:
        """With adapters by the names they have now."""
        return replace(self._keeper.limits, parents=tuple(sorted(self._keeper.allowed_parents)))

    async def _make_plan(self, wish: PlanWish) -> dict[str, Any]:
        before = self._keeper.state.plans()
        after = make_plan(wish, before, await _facts(before, wish.parent), self._limits(), taken_macs=seen_macs())
        return _shown(before, after)

    async def _apply(self, request: Apply) -> dict[str, Any]:
        """The plans of the parents that are named; those of others stay."""
        if request.digest != digest_of(request.plans):
            raise BadRequest("The digest is not that of these plans.", "Make the plan again.")

        def new(before: tuple[Plan, ...], facts: Facts) -> tuple[Plan, ...]:
            parents = {plan.parent for plan in request.plans}
            others = [plan for plan in before if plan.parent not in parents]
            return tuple(sorted((*others, *request.plans), key=lambda plan: plan.block))

        return await self._change(new, dry_run=False, digest=None)

    async def _add(self, request: Add) -> dict[str, Any]:
        seen = seen_macs()
        known = {mac: Known(name) for mac, name in request.known.items()}

        def new(before: tuple[Plan, ...], facts: Facts) -> tuple[Plan, ...]:
            parent = request.parent or self._only_parent(before)
            present = sum(len(plan.slots) for plan in before if plan.parent == parent)
            wish = PlanWish(parent, present + request.count)
            return make_plan(wish, before, facts, self._limits(), taken_macs=seen, known=known)

        return await self._change(new, dry_run=request.dry_run, digest=request.digest)

    async def _remove(self, request: Remove) -> dict[str, Any]:
        return await self._change(
            lambda before, facts: without(before, request.names), dry_run=request.dry_run, digest=request.digest
        )

    def _only_parent(self, plans: Sequence[Plan]) -> str:
        allowed = sorted(self._keeper.allowed_parents)
        candidates = [plan.parent for plan in plans if plan.parent in allowed] or allowed
        if len(candidates) != 1:
            raise BadRequest("There are several network adapters.", f"Say which one: {', '.join(candidates)}.")
        return candidates[0]

    async def _change(self, new: NewPlans, *, dry_run: bool, digest: str | None) -> dict[str, Any]:
        async with self._changing:
            before = self._keeper.state.plans()
            facts = await _facts(before, *self._keeper.allowed_parents)
            after = new(before, facts)
            self._accept(before, after, facts)
            shown = _shown(before, after)
            if digest is not None and digest != shown["digest"]:
                raise FactsChanged("The network is not as it was when the plan was made.", "Make the plan again.")
            if dry_run:
                return shown
            await probe_addresses(_only_new(before, after), facts)

            def exactly(now: tuple[Plan, ...], facts_now: Facts) -> tuple[Plan, ...]:
                if now != before:
                    raise FactsChanged("The plans were changed meanwhile.", "Make the plan again.")
                self._accept(now, after, facts_now)
                return after

            changes = await self._keeper.change(exactly)
            return {**shown, "changes": changes}

    def _accept(self, before: Sequence[Plan], after: Sequence[Plan], facts: Facts) -> None:
        """Only plans that become other than they are must be inside the limits: root may have made the rest."""
        accept(after, facts, None)
        allowed = self._keeper.allowed_parents
        for plan in {*before} ^ {*after}:
            if plan.parent not in allowed:
                raise BadRequest(
                    f"{plan.parent} is not allowed here.", f"The config allows {', '.join(sorted(allowed))}."
                )
        guards = {plan.parent: plan.guard for plan in before}
        if any(plan.guard != guards.get(plan.parent, usual_guard(before)) for plan in after):
            raise BadRequest("Only root can change the guard of the interfaces.", "sudo netsetup apply --guard --yes")
        changed = [plan for plan in after if plan not in before]
        accept(changed, facts, self._limits())
        keep_identity(before, after, facts, seen_macs())
        count = sum(len(plan.slots) for plan in after)
        if count > sum(len(plan.slots) for plan in before):
            accept_count(count, self._keeper.limits)

    async def _doctor(self) -> dict[str, Any]:
        keeper = self._keeper
        # What the command line wrote a moment ago counts: of a changed guard the kernel sends no event.
        found = await doctor.examine(keeper.state.plans(), keeper.leases, states=keeper.lease_states())
        return {"findings": [asdict(finding) for finding in found]}


async def _facts(plans: Sequence[Plan], *parents: str) -> Facts:
    return await read_facts(sorted({plan.parent for plan in plans} | set(parents)))


def _only_new(before: Sequence[Plan], after: Sequence[Plan]) -> list[Plan]:
    """The plans with only those slots that are new or get another address."""
    present = {slot for plan in before for slot in plan.slots}
    return [replace(plan, slots=tuple(slot for slot in plan.slots if slot not in present)) for plan in after]


def _shown(before: Sequence[Plan], after: Sequence[Plan]) -> dict[str, Any]:
    """Plans, digest, and which interfaces come and go."""
    old = {slot.name: (plan.parent, slot) for plan in before for slot in plan.slots}
    new = {slot.name: (plan.parent, slot) for plan in after for slot in plan.slots}
    return {
        "plans": [plan.to_json() for plan in after],
        "digest": digest_of(after),
        "added": [_slot(*new[name]) for name in new if name not in old],
        "removed": [_slot(*old[name]) for name in old if name not in new],
        "changed": [_slot(*new[name]) for name in new if name in old and new[name] != old[name]],
    }


def _slot(parent: str, slot: Slot) -> dict[str, Any]:
    address = str(slot.address) if slot.address else None
    return {"name": slot.name, "mac": slot.mac, "parent": parent, "address": address}
