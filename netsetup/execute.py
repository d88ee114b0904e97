"""Converge: read the facts, take the difference, do the steps; on failure put everything back.

Going back is the same differ towards the snapshot that was taken before, so it also restores what a step took with it
(an interface's addresses and routes).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from pyroute2.netlink.exceptions import NetlinkError

from .desired import desired, merge, snapshot
from .diff import diff
from .disk import cannot_write
from .errors import KernelRefused, NetsetupError
from .journal import Journal
from .kernel import Kernel, KernelPort
from .model import Desired, Facts, Lease, Plan, Sysctl
from .parents import where_it_is
from .steps import AddLink, PutGuard, SetState, SetSysctl, Step, words

_ROUNDS = 4  # the kernel itself takes routes away with addresses and links; a second look finds them
_PUT_BACK_TIMEOUT_S = 60.0


async def converge(
    plans: Sequence[Plan],
    leases: Mapping[str, Lease],
    *,
    journal: Path | None,
    old: Mapping[str, Sequence[Lease]] | None = None,
    kernel: KernelPort | None = None,
) -> list[str]:
    """Makes the kernel hold exactly these plans; returns what was changed in words, [] when nothing was to do.

    `leases` and `old` by MAC; `old` are former leases that stay in use until proxyd has moved on. Whatever is ours
    and in no plan is removed. Plans whose parent is gone wait. The caller holds the state folder's lock.
    Raises KernelRefused after everything done was undone, BadRequest when a wanted name is somebody else's.
    """
    async with AsyncExitStack() as stack:
        try:
            port: KernelPort = kernel if kernel else await stack.enter_async_context(Kernel())
            return await _Run(port, plans, leases, old or {}, Journal(journal) if journal else None).converge()
        except (OSError, NetlinkError, TimeoutError) as error:
            raise KernelRefused(
                f"The kernel does not tell about its interfaces: {error}.", "Try it as root."
            ) from error


def wanted(
    plans: Sequence[Plan],
    leases: Mapping[str, Lease],
    facts: Facts,
    *,
    old: Mapping[str, Sequence[Lease]] | None = None,
) -> Desired:
    """What the kernel should hold for all plans whose parent is there. Pure."""
    parts = []
    for plan in (where_it_is(plan, facts) for plan in plans):
        if facts.link(plan.parent) is None:
            continue
        of_slots = {slot.index: leases[slot.mac] for slot in plan.slots if slot.mac in leases}
        old_of_slots = {slot.index: (old or {}).get(slot.mac, ()) for slot in plan.slots}
        host_lan = next((a.address for a in facts.addresses if a.link == plan.parent), None)
        part = desired(plan, of_slots, host_lan=host_lan, old=old_of_slots)
        if _on_shared_lan(plan, part, facts):
            part = desired(plan, of_slots, host_lan=host_lan, old=old_of_slots, shared_lan=True)
        parts.append(part)
    return merge(parts)


def pending(
    plans: Sequence[Plan],
    leases: Mapping[str, Lease],
    facts: Facts,
    journal: Journal | None = None,
    *,
    old: Mapping[str, Sequence[Lease]] | None = None,
) -> list[Step]:
    """The steps that `converge` would do now. `facts` must have been read with `watched(plans, journal)`.

    Raises BadRequest when a wanted name is somebody else's.
    """
    begun = journal.begun() if journal else {}
    originals = journal.originals() if journal else {}
    wish = wanted(plans, leases, facts, old=old)
    there = {(s.family, s.link, s.key) for s in facts.sysctls}
    back = [s for s in unneeded(originals, wish) if (s.family, s.link, s.key) in there]
    return diff(facts, merge([wish, Desired(sysctls=tuple(back))]), begun=begun)


def watched(plans: Sequence[Plan], journal: Journal | None) -> list[str]:
    """Whose sysctls matter: the parents', and the former parents' too, which are put back."""
    former = {link for _, link, _ in journal.originals() if link != "all"} if journal else set()
    return sorted({plan.parent for plan in plans} | former)


def unneeded(originals: Mapping[tuple[str, str, str], Sysctl], wish: Desired) -> list[Sysctl]:
    """Host sysctls that nothing of ours needs changed any more, as they were before us."""
    needed = {(s.family, s.link, s.key) for s in wish.sysctls}
    return [original for key, original in originals.items() if key not in needed]


def _on_shared_lan(plan: Plan, part: Desired, facts: Facts) -> bool:
    """Another NIC of the host has an address on the cameras' LAN: it would answer ARP for them."""
    lans = {address.address.network for address in part.addresses}
    ours = {link.name for link in facts.links if link.ours} | {link.name for link in part.links} | {plan.parent}
    return any(a.link not in ours and any(a.address.ip in lan for lan in lans) for a in facts.addresses)


class _Run:
    def __init__(
        self,
        kernel: KernelPort,
        plans: Sequence[Plan],
        leases: Mapping[str, Lease],
        old: Mapping[str, Sequence[Lease]],
        journal: Journal | None,
    ) -> None:
        self._kernel = kernel
        self._plans = plans
        self._leases = leases
        self._old = old
        self._journal = journal
        self._begun = journal.begun() if journal else {}
        self._watched = watched(plans, journal)

    async def converge(self) -> list[str]:
        before = await self._kernel.facts(self._watched)
        steps = self._steps(before)
        if not steps:
            self._end(before)
            return []
        self._remember(before, steps)
        changes: list[str] = []
        step: Step | None = None
        try:
            for _ in range(_ROUNDS):
                for step in steps:
                    await self._kernel.do(step)
                    changes.append(words(step))
                step = None
                facts = await self._kernel.facts(self._watched)
                steps = self._steps(facts)
                if not steps:
                    break
            else:
                raise KernelRefused(
                    f"Something changes the interfaces back all the time: {words(steps[0])} did not last.",
                    "Run `netsetup check`: another program manages these interfaces.",
                )
        except BaseException as error:  # a cancelled run is put back, too
            left = await self._put_back(before)
            if isinstance(error, (OSError, NetlinkError, TimeoutError)) and step is not None:
                raise refusal(step, error, left) from error
            raise
        self._end(facts)
        return changes

    def _steps(self, facts: Facts) -> list[Step]:
        return pending(self._plans, self._leases, facts, self._journal, old=self._old)

    def _end(self, facts: Facts) -> None:
        """Originals that were put back are forgotten; those of an adapter that is away are kept: it may be renamed."""
        if self._journal:
            wish = wanted(self._plans, self._leases, facts, old=self._old)
            with contextlib.suppress(OSError):  # the next run ends it
                self._journal.end(s for s in unneeded(self._journal.originals(), wish) if s in facts.sysctls)

    def _remember(self, before: Facts, steps: Sequence[Step]) -> None:
        if self._journal is None:
            return
        ours = {link.name for link in before.links if link.ours} | {
            s.link.name for s in steps if isinstance(s, AddLink)
        }
        changed = {
            (s.sysctl.family, s.sysctl.link, s.sysctl.key)
            for s in steps
            if isinstance(s, SetSysctl) and s.sysctl.link not in ours
        }
        originals = [s for s in before.sysctls if (s.family, s.link, s.key) in changed]
        try:
            self._journal.begin(originals, [s.link for s in steps if isinstance(s, AddLink)])
        except OSError as error:
            raise cannot_write(self._journal.path, error) from error

    async def _put_back(self, before: Facts) -> list[str]:
        """As it was before the run; returns what could not be put back."""
        unmarked = {link.name for link in before.links if not link.alias}
        planned = {slot.name: slot.mac for plan in self._plans for slot in plan.slots}
        target = snapshot(before, also=unmarked & planned.keys())
        begun = self._begun | {name: mac for name, mac in planned.items() if name not in unmarked}
        left: list[str] = []
        try:
            async with asyncio.timeout(_PUT_BACK_TIMEOUT_S):
                for _ in range(_ROUNDS):
                    left = []
                    steps = diff(await self._kernel.facts(self._watched), target, begun=begun)
                    if not steps:
                        if self._journal:
                            self._journal.end()
                        return []
                    for step in steps:
                        try:
                            await self._kernel.do(step)
                        except (OSError, NetlinkError, TimeoutError) as error:
                            left.append(f"{words(step)}: {error}")
        except (OSError, NetlinkError, TimeoutError, NetsetupError) as error:
            left.append(str(error))
        return left


def refusal(step: Step, error: Exception, left: Sequence[str] = ()) -> KernelRefused:
    """The kernel's no, in words; `left` is what could not be put back."""
    code = error.code if isinstance(error, NetlinkError) else getattr(error, "errno", None)
    reason = os.strerror(code) if code else str(error) or type(error).__name__
    if left:
        return KernelRefused(
            f"The kernel refused to {words(step)} ({reason}), and this could not be put back: {'; '.join(left[:5])}.",
            "Run `netsetup status`, then `netsetup remove --all`.",
        )
    message = f"The kernel refused to {words(step)}: {reason}. Everything was put back."
    return KernelRefused(message, _hint(step, code))


def _hint(step: Step, code: int | None) -> str:
    if code in (errno.EPERM, errno.EACCES, errno.EROFS):
        return "Try it as root; in a container give it CAP_NET_ADMIN and a writable /proc/sys/net."
    if isinstance(step, AddLink):
        if code == errno.EBUSY:
            return f"{step.link.parent} is a port of a bridge or bond: use the bridge or bond itself as parent."
        if code in (errno.EOPNOTSUPP, errno.ENOENT):
            return "This kernel has no macvlan: install the kernel's full set of modules."
        if code in (errno.ENODEV, errno.ENXIO):
            return f"There is no interface {step.link.parent} any more: check the network adapter."
    if isinstance(step, PutGuard):
        return "This kernel may have no nf_tables: do it without, with --no-guard."
    if isinstance(step, SetState) and code == errno.EADDRINUSE:
        return f"The MAC address of {step.name} is used on this host already: choose another --mac-prefix."
    return "Run `netsetup check`."
