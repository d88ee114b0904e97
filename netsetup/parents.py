"""Network adapters under our cameras: there, without cable, renamed, gone. Pure.

An adapter is known by its MAC and kind, remembered beside the plans, because its name may change (another kernel,
another slot, `ip link set … name`). Interfaces of ours that live on it prove a new name at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from .model import Facts, Finding, HostLink, Plan

State = Literal["up", "no cable", "down", "gone"]


@dataclass(frozen=True, slots=True)
class KnownAdapter:
    """What is remembered of an adapter. `allowed_as`: the name that root's limits call it by."""

    mac: str
    kind: str
    allowed_as: str

    def to_json(self) -> dict[str, str]:
        return {"mac": self.mac, "kind": self.kind, "allowed_as": self.allowed_as}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> KnownAdapter:
        """Raises KeyError or TypeError."""
        return cls(str(data["mac"]), str(data["kind"]), str(data["allowed_as"]))


def state_of(facts: Facts, parent: str) -> State:
    link = facts.link(parent)
    if link is None:
        return "gone"
    if not link.up:
        return "down"
    return "up" if link.carrier else "no cable"


def words_of(state: State, parent: str) -> str:
    """For people; "" while all is well."""
    match state:
        case "gone":
            return f"The network adapter {parent} is gone. Plug it in again; cameras resume by themselves."
        case "down":
            return f"{parent} is switched off. Cameras resume by themselves when it is up: ip link set {parent} up"
        case "no cable":
            return f"The cable of {parent} is unplugged. Cameras resume by themselves when it is back."
        case _:
            return ""


def remember(plans: Iterable[Plan], facts: Facts, known: Mapping[str, KnownAdapter]) -> dict[str, KnownAdapter]:
    """By present name: the adapters that plans stand on, as they are now or were last seen."""
    fresh: dict[str, KnownAdapter] = {}
    for plan in plans:
        link, old = facts.link(plan.parent), known.get(plan.parent)
        if link is not None:
            fresh[plan.parent] = KnownAdapter(link.mac, link.kind, old.allowed_as if old else plan.parent)
        elif old is not None:
            fresh[plan.parent] = old
    return fresh


def renamed(plans: Iterable[Plan], facts: Facts, known: Mapping[str, KnownAdapter]) -> dict[str, str]:
    """Old name → new name of adapters that have another name now."""
    plans = tuple(plans)
    taken = {plan.parent for plan in plans}
    found = {}
    for plan in plans:
        if facts.link(plan.parent) is None:
            link = _under(plan, facts) or _same_adapter(known.get(plan.parent), facts)
            if link is not None and link.name not in taken:
                found[plan.parent] = link.name
                taken.add(link.name)
    return found


def where_it_is(plan: Plan, facts: Facts) -> Plan:
    """The plan by its adapter's present name when its interfaces prove one; so a rename takes no interface away."""
    link = _under(plan, facts) if facts.link(plan.parent) is None else None
    return replace(plan, parent=link.name) if link else plan


def follow(
    plans: Iterable[Plan], known: Mapping[str, KnownAdapter], names: Mapping[str, str]
) -> tuple[tuple[Plan, ...], dict[str, KnownAdapter]]:
    """Plans and memory after the renames."""
    return (
        tuple(replace(plan, parent=names.get(plan.parent, plan.parent)) for plan in plans),
        {names.get(parent, parent): adapter for parent, adapter in known.items()},
    )


def _under(plan: Plan, facts: Facts) -> HostLink | None:
    """The adapter that this plan's interfaces are on."""
    macs = {slot.mac for slot in plan.slots}
    names = {link.parent for link in facts.links if link.ours and link.mac in macs and link.parent}
    return facts.link(names.pop()) if len(names) == 1 else None


def _same_adapter(known: KnownAdapter | None, facts: Facts) -> HostLink | None:
    """Bridges, bonds and VLANs copy the MAC of their adapter: the kind must be the same, and only one may fit."""
    if known is None or not known.mac:
        return None
    fitting = [x for x in facts.links if x.mac == known.mac and x.kind == known.kind and not x.ours]
    return fitting[0] if len(fitting) == 1 else None


def wireless_finding(parent: str) -> Finding:
    """In these words, whoever finds it."""
    return Finding(
        "parent-wireless",
        "problem",
        f"{parent} is Wi-Fi, which cannot be used.",
        "An access point takes frames of one MAC per client, so that no camera would be heard.",
        "Connect this machine by cable; or run all cameras on one address, for recorders that do not go by MAC: "
        "proxyd run --shared ADDRESS (docs/install.md).",
    )
