"""MAC addresses that proxyd's database knows. Pure.

Recorders know a camera by its MAC, and the database keeps it for ever under the name of its interface. The same name
may come back with it; under another name it would be a second camera's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .errors import BadRequest
from .model import Finding, Plan, Slot

NEW_PLAN = "Make a new plan with `netsetup plan`: new interfaces get MAC addresses that nothing else has."


@dataclass(frozen=True, slots=True)
class Known:
    """An interface of the database. `camera` is the name of the one that has it, "" when it is free."""

    name: str
    camera: str = ""


def other_holder(slot: Slot, known: Mapping[str, Known]) -> Known | None:
    """The interface of another name that has this slot's MAC."""
    holder = known.get(slot.mac)
    return holder if holder and holder.name != slot.name else None


def refuse_known(plans: Iterable[Plan], present: Iterable[Plan], known: Mapping[str, Known]) -> None:
    """Raises BadRequest for slots that are not in the `present` plans and would take an interface's MAC."""
    old = {(slot.name, slot.mac) for plan in present for slot in plan.slots}
    for plan in plans:
        for slot in plan.slots:
            if (slot.name, slot.mac) not in old and (holder := other_holder(slot, known)):
                raise BadRequest(_words(slot, holder), NEW_PLAN)


def known_findings(plans: Sequence[Plan], known: Mapping[str, Known]) -> list[Finding]:
    """What `netsetup check` says of the plans beside the database."""
    clashes = [(slot, holder) for plan in plans for slot in plan.slots if (holder := other_holder(slot, known))]
    if known and not clashes:
        return [Finding("macs-known", "ok", "No planned interface has the MAC address of another one in the database.")]
    why = "Recorders know cameras by it: one of the two would be taken for the other."
    return [
        Finding("mac-known", "warning", _words(slot, holder), why, f"netsetup remove {slot.name}, then plan anew.")
        for slot, holder in clashes
    ]


def _words(slot: Slot, holder: Known) -> str:
    camera = f" of the camera “{holder.camera}”" if holder.camera else ""
    return f"The MAC address {slot.mac} of {slot.name} is known to proxyd as that of {holder.name}{camera}."
