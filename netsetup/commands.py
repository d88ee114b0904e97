"""The commands that change interfaces: plan, apply, undo, remove, status. Dry run unless told otherwise.

Whatever changes anything holds the state folder's lock from reading the facts to saving the plans.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import contextlib
import json
import signal
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .accept import accept
from .arguments import (
    add_apply_arguments,
    add_plan_arguments,
    add_remove_arguments,
    add_status_arguments,
    add_undo_arguments,
    again,
)
from .config import load_limits
from .database import known_interfaces
from .disk import cannot_write
from .errors import BadRequest, FactsChanged
from .execute import converge, pending, watched
from .files import StateDir
from .journal import Journal
from .kernel import read_facts
from .known import refuse_known
from .model import Facts, Lease, Limits, Plan
from .plan import PlanWish, kept_before, make_plan, without
from .probing import probe_addresses, seen_macs
from .render import FORMAT, changes_text, digest, plan_json, plan_text, status_rows, status_text
from .standing import names_of
from .steps import Step

__all__ = [
    "add_apply_arguments",
    "add_plan_arguments",
    "add_remove_arguments",
    "add_status_arguments",
    "add_undo_arguments",
    "run_apply",
    "run_plan",
    "run_remove",
    "run_status",
    "run_undo",
]

DONE, CHANGES = 0, 2
_LARGEST_FILE = 4_000_000
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def run_plan(args: argparse.Namespace) -> int:
    return asyncio.run(_plan(args))


def run_apply(args: argparse.Namespace) -> int:
    return _put_back_when_ended(_apply(args))


def run_undo(args: argparse.Namespace) -> int:
    return _put_back_when_ended(_undo(args))


def run_remove(args: argparse.Namespace) -> int:
    return _put_back_when_ended(_remove(args))


def run_status(args: argparse.Namespace) -> int:
    return asyncio.run(_status(args))


def _put_back_when_ended(change: Coroutine[Any, Any, int]) -> int:
    """A lost ssh session and `kill` are as good as Ctrl-C. What is saved is done: then signals come too late, and the
    exit code says so. Raises KeyboardInterrupt when everything was put back."""

    ending = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]  # not under nohup

    async def run() -> int:
        loop, task = asyncio.get_running_loop(), asyncio.create_task(change, name="change")

        def end(number: int, frame: object) -> None:
            if not task.done():
                loop.call_soon_threadsafe(_cancel_once, task)

        for number in ending:
            signal.signal(number, end)
            # While the interpreter ends nobody handles it any more, and the exit code would be the signal's.
            atexit.register(signal.signal, number, signal.SIG_IGN)
        return await task

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _cancel_once(task: asyncio.Task[int]) -> None:
    """A second signal must not interrupt the way back."""
    if not task.cancelling():
        task.cancel()


async def _plan(args: argparse.Namespace) -> int:
    if not args.parent or args.count is None:
        raise BadRequest("Which adapter, and how many?", "Give --parent and --count, such as --parent eth0 --count 32.")
    state = StateDir(args.state)
    present = state.plans()
    facts = await read_facts([args.parent, *watched(present, Journal(state.journal))])
    plans = _wished(args, present, facts)
    steps = _steps(state, plans, facts)
    _show(args, plans, steps)
    if steps and not args.json:
        _say(f"Nothing was changed. To do it: {again(args, f'--digest {digest(plans, steps)}')}\n")
    return _code(args, steps)


async def _apply(args: argparse.Namespace) -> int:
    state = StateDir(args.state)
    if not (args.yes or args.digest):
        return await _dry_run(args, state, await _target(args, state), again(args, "--yes"))
    async with state.lock():
        plans, shown = await _target(args, state)
        return await _change(args, state, plans, shown or args.digest, probe=not args.no_probe)


async def _remove(args: argparse.Namespace) -> int:
    if bool(args.names) == args.all:
        raise BadRequest("Which interfaces?", "Give their names, or --all.")
    if args.keep_plans and not args.all:
        raise BadRequest("Plans are kept for all interfaces or for none.", "Give --all.")
    state = StateDir(args.state)

    def target() -> tuple[Plan, ...]:
        return () if args.all else without(state.plans(), args.names)

    if not (args.yes or args.digest):
        return await _dry_run(args, state, (target(), None), f"netsetup remove {' '.join(args.names) or '--all'} --yes")
    async with state.lock():
        return await _change(args, state, target(), args.digest, keep_plans=args.keep_plans)


async def _undo(args: argparse.Namespace) -> int:
    state = StateDir(args.state)
    journal = Journal(state.journal)
    last = journal.last()
    if last is None:
        _say("{}\n" if args.json else "Nothing to undo: no change is in the journal.\n")
        return DONE
    if not (args.yes or args.digest):
        return await _dry_run(args, state, (last[0], None), "netsetup undo --yes")
    async with state.lock():
        last = journal.last()
        plans = last[0] if last else state.plans()
        return await _change(args, state, plans, args.digest, probe=not args.no_probe, undo=True)


async def _status(args: argparse.Namespace) -> int:
    state = StateDir(args.state)
    plans, leases = state.plans(), state.leases()
    facts = await read_facts(watched(plans, Journal(state.journal)))
    steps = pending(plans, _of(plans, leases), facts, Journal(state.journal))
    rows = status_rows(plans, leases, facts, steps, time.time())
    _say(
        _json({"format": FORMAT, "pending": len(steps), "interfaces": rows}) if args.json else status_text(rows, steps)
    )
    return _code(args, steps)


async def _target(args: argparse.Namespace, state: StateDir) -> tuple[tuple[Plan, ...], str | None]:
    """The plans to apply, and the digest that a plan file was shown with."""
    if args.file:
        if args.parent or args.guard is not None:
            raise BadRequest("Either a plan file or --parent and --guard, not both.")
        plans, shown = _plan_file(args.file)
        refuse_known(plans, state.plans(), known_interfaces(args.database))
        return plans, shown
    present = state.plans()
    if not args.parent:
        if not present:
            raise BadRequest("There is no plan yet.", "Give --parent and --count, such as --parent eth0 --count 32.")
        if args.guard is not None:
            return tuple(replace(plan, guard=args.guard) for plan in present), None
        return present, None
    count = args.count
    if count is None:
        count = next((len(plan.slots) for plan in present if plan.parent == args.parent), None)
        if count is None:
            raise BadRequest("How many interfaces?", "Give --count.")
        args.count = count
    return _wished(args, present, await read_facts([args.parent])), None


def _wished(args: argparse.Namespace, present: Sequence[Plan], facts: Facts) -> tuple[Plan, ...]:
    wish = PlanWish(
        args.parent,
        args.count,
        "dhcp" if args.dhcp else "static" if args.static else None,
        args.static,
        args.gateway,
        tuple(args.exclude),
        args.mac_prefix,
        args.name_prefix,
        args.guard,
    )
    ours = {link.mac for link in facts.links if link.ours} | {slot.mac for plan in present for slot in plan.slots}
    known = known_interfaces(args.database)
    plans = make_plan(wish, present, facts, _limits(args), taken_macs=seen_macs() - ours, known=known)
    kept = kept_before(wish, present, plans)
    if kept and not args.json:
        _say(f"{args.static} is for new ones: the addresses of {names_of(kept)} stay. To move them: --exclude OLD,…\n")
    return plans


def _limits(args: argparse.Namespace) -> Limits | None:
    """The arm will not go beyond them, so that nothing else may be planned either; none before `netsetup install`."""
    try:
        there = args.config.exists()
    except PermissionError:
        there = True
    return load_limits(args.config) if there else None


def _plan_file(file: Path) -> tuple[tuple[Plan, ...], str]:
    try:
        with file.open() as opened:
            data = json.loads(opened.read(_LARGEST_FILE))
        return tuple(Plan.from_json(plan) for plan in data["plans"]), str(data["digest"])
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadRequest(f"{file} is not a plan.", "Make one with `netsetup plan … --json`.") from None


async def _dry_run(
    args: argparse.Namespace, state: StateDir, target: tuple[tuple[Plan, ...], str | None], how: str
) -> int:
    plans, _ = target
    facts = await read_facts(watched(plans, Journal(state.journal)))
    accept(plans, facts, _limits(args))
    steps = _steps(state, plans, facts)
    _show(args, plans, steps)
    if steps and not args.json:
        _say(f"Nothing was changed. To do it: {how}\n")
    return _code(args, steps)


async def _change(
    args: argparse.Namespace,
    state: StateDir,
    plans: tuple[Plan, ...],
    shown: str | None,
    *,
    probe: bool = False,
    undo: bool = False,
    keep_plans: bool = False,
) -> int:
    """Under the lock. The plans are saved after the kernel has them: whoever kills us in between finds the old ones."""
    before, leases = state.plans(), _of(plans, state.leases())
    facts = await read_facts(watched(plans, Journal(state.journal)))
    accept(plans, facts, _limits(args))
    steps = _steps(state, plans, facts)
    if (steps or plans != before) and shown is not None and shown != digest(plans, steps):
        raise FactsChanged("This host is not as it was when the plan was made.", "Look at the new plan, then apply it.")
    if probe:
        await probe_addresses(plans, facts)
    journal = Journal(state.journal)
    try:
        changes = await converge(plans, leases, journal=state.journal)
        # In this order a kill in between leaves, at worst, an entry that undoes nothing.
        if plans != before and not keep_plans and not undo:
            journal.applied(before, changes)
        if plans != before and not keep_plans:
            state.save_plans(plans)
    except (OSError, asyncio.CancelledError) as error:
        # The kernel goes back to what the files still say, also when the end came just after its last change.
        await converge(before, _of(before, state.leases()), journal=state.journal)
        if isinstance(error, OSError):
            raise cannot_write(state.path, error) from None
        raise
    if undo:
        with contextlib.suppress(OSError):  # the next undo then finds nothing to do
            journal.pop()
    if args.json:
        _say(_json({"format": FORMAT, "changed": changes, "plans": [plan.to_json() for plan in plans]}))
    else:
        _say(changes_text(changes))
        waiting = sum(slot.mac not in leases for plan in plans if plan.method == "dhcp" for slot in plan.slots)
        if waiting:
            _say(
                f"{waiting} wait for an address: the service netsetup asks the DHCP server for it. "
                "Did it? netsetup doctor\n"
            )
    return CHANGES if changes and args.detailed_exitcode else DONE


def _steps(state: StateDir, plans: Sequence[Plan], facts: Facts) -> list[Step]:
    return pending(plans, _of(plans, state.leases()), facts, Journal(state.journal))


def _of(plans: Sequence[Plan], leases: Mapping[str, Lease]) -> dict[str, Lease]:
    """The leases of these plans that have not run out."""
    now = time.time()
    macs = {slot.mac for plan in plans if plan.method == "dhcp" for slot in plan.slots}
    return {mac: lease for mac, lease in leases.items() if mac in macs and lease.expires > now}


def _show(args: argparse.Namespace, plans: Sequence[Plan], steps: Sequence[Step]) -> None:
    _say(_json(plan_json(plans, steps)) if args.json else plan_text(plans, steps))


def _code(args: argparse.Namespace, steps: Sequence[Step]) -> int:
    return CHANGES if steps and args.detailed_exitcode else DONE


def _json(data: Any) -> str:
    return json.dumps(data, indent=1) + "\n"


def _say(text: str) -> None:
    sys.stdout.write(text)
