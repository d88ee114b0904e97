"""Plans, changes and status as text and as JSON; the digest that ties them to the facts. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .desired import number
from .model import TABLE, Facts, Lease, Plan, Slot
from .steps import Step, words

FORMAT = 1  # of the JSON
MOST_TOLD = 40  # changes that are told one by one when they were made


def digest(plans: Sequence[Plan], steps: Sequence[Step]) -> str:
    """12 hex digits for exactly these plans and exactly these changes: other facts give another digest."""
    text = json.dumps([[plan.to_json() for plan in plans], [words(step) for step in steps]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def plan_json(plans: Sequence[Plan], steps: Sequence[Step]) -> dict[str, Any]:
    """What `apply FILE` takes."""
    return {
        "format": FORMAT,
        "digest": digest(plans, steps),
        "plans": [plan.to_json() for plan in plans],
        "changes": [words(step) for step in steps],
    }


def plan_text(plans: Sequence[Plan], steps: Sequence[Step]) -> str:
    """The plans, slot by slot, and every change in its order."""
    lines: list[str] = []
    for plan in plans:
        how = "by DHCP" if plan.method == "dhcp" else "with static addresses"
        way_out = f", gateway {plan.gateway}" if plan.gateway else ""
        guard = f", guarded but for tcp {', '.join(map(str, plan.guard))}" if plan.guard else ""
        lines.append(f"{plan.parent}: {_count(len(plan.slots), 'interface')} {how}{way_out}{guard}")
        lines += [f"  {slot.name:<15} {slot.mac}  {slot.address or 'DHCP'}" for slot in plan.slots]
    if not plans:
        lines.append("No interfaces.")
    if not steps:
        return "\n".join([*lines, "Nothing to change: everything is as planned."]) + "\n"
    lines.append(f"{_count(len(steps), 'change')}:")
    lines += [f"  {words(step)}" for step in steps]
    lines.append(f"Digest: {digest(plans, steps)}")
    return "\n".join(lines) + "\n"


def changes_text(changes: Sequence[str]) -> str:
    """What was done: all of it, or when that is much the interfaces only."""
    if not changes:
        return "Nothing to change: everything is as planned.\n"
    told = list(changes) if len(changes) <= MOST_TOLD else [x for x in changes if " interface" in x]
    left = len(changes) - len(told)
    more = [f"and {_count(left, 'change')} of settings, addresses, routes and rules"] if left else []
    return "".join(f"{line}\n" for line in [*told, *more])


def status_rows(
    plans: Sequence[Plan], leases: Mapping[str, Lease], facts: Facts, steps: Sequence[Step], now: float
) -> list[dict[str, Any]]:
    """One row per slot. `now` is CLOCK_REALTIME."""
    pending = _pending(plans, steps)
    rows = []
    for plan in plans:
        for slot in plan.slots:
            lease = leases.get(slot.mac)
            address = slot.address or (lease.address if lease and lease.expires > now else None)
            rows.append(
                {
                    "name": slot.name,
                    "parent": plan.parent,
                    "mac": slot.mac,
                    "method": plan.method,
                    "address": str(address) if address else None,
                    "lease_expires": _time(lease.expires) if lease and plan.method == "dhcp" else None,
                    "state": _state(plan, slot, facts, pending, waiting=address is None),
                }
            )
    return rows


def status_text(rows: Sequence[Mapping[str, Any]], steps: Sequence[Step]) -> str:
    if not rows:
        text = "No interfaces are planned: `netsetup plan --parent … --count …` begins.\n"
        return text if not steps else text + _pending_text(steps)
    wide = max(len(str(row["name"])) for row in rows)
    lines = [
        f"{row['name']:<{wide}}  {row['parent']}  {row['mac']}  {row['address'] or '-':<18}  {row['state']}"
        for row in rows
    ]
    return "\n".join(lines) + "\n" + (_pending_text(steps) if steps else "")


def _pending_text(steps: Sequence[Step]) -> str:
    return f"{_count(len(steps), 'change')} pending: `netsetup apply` shows them, `netsetup apply --yes` makes them.\n"


def _pending(plans: Sequence[Plan], steps: Sequence[Step]) -> set[str]:
    """Names of the slots that a step is about."""
    names_by_table = {TABLE + number(plan, slot): slot.name for plan in plans for slot in plan.slots}
    names = {slot.name for plan in plans for slot in plan.slots}
    pending = set()
    for step in steps:
        for field in ("link", "sysctl", "address", "route", "rule", "name"):
            subject = getattr(step, field, None)
            name = subject if isinstance(subject, str) else getattr(subject, "link", getattr(subject, "name", ""))
            of_table = names_by_table.get(getattr(subject, "table", None) or 0, "")
            pending |= names & {name, of_table}
    return pending


def _state(plan: Plan, slot: Slot, facts: Facts, pending: set[str], *, waiting: bool) -> str:
    parent, link = facts.link(plan.parent), facts.link(slot.name)
    if parent is None:
        return f"{plan.parent} is gone"
    if link is None:
        return "missing"
    if slot.name in pending:
        return "not as planned"
    if not parent.up or not parent.carrier:
        return f"cable of {plan.parent} unplugged" if parent.up else f"{plan.parent} is down"
    return "waiting for address" if waiting else "ok"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
