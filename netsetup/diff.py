"""From what the kernel holds to what it should hold: the steps, in the recipe's order. Pure.

The order keeps two promises at every moment in between: a camera's traffic never leaves by the host's own MAC while it
has rules to go by, and an address that replaces another one is there before the old one goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from .errors import BadRequest
from .model import Address, Desired, Facts, HostLink, Link, Route, Rule, Sysctl
from .steps import (
    AddAddress,
    AddLink,
    AddRule,
    PutGuard,
    PutRoute,
    RemoveAddress,
    RemoveGuard,
    RemoveLinks,
    RemoveRoute,
    RemoveRule,
    SetAlias,
    SetState,
    SetSysctl,
    Step,
)


def diff(facts: Facts, desired: Desired, *, begun: Mapping[str, str] | None = None) -> list[Step]:
    """Nothing to do: []. Touches only interfaces that carry our mark.

    `begun`: MAC by name of interfaces that an interrupted run may have made and not yet marked; these are ours, too.
    Raises BadRequest when somebody else's interface has a name that is wanted.
    """
    wanted = {link.name: link for link in desired.links}
    removed = _removed(facts, wanted, begun or {})
    kept = {link.name: link for link in facts.links if link.name in wanted and link.name not in removed}
    on_host = [s for s in desired.sysctls if s.link not in wanted and s not in facts.sysctls]
    in_use = {link.parent for link in desired.links} | ({"all"} if desired.links else set())
    steps: list[Step] = [SetSysctl(sysctl) for sysctl in on_host if sysctl.link in in_use]
    # By the names' beginning, so that it can stand before the first camera, and go after the last.
    if desired.guard and desired.guard != facts.guard:
        steps.append(PutGuard(desired.guard))
    if removed:
        steps.append(RemoveLinks(tuple(sorted(removed))))
    old_rules, new_rules = set(facts.rules), set(desired.rules)
    stale_rules = sorted(old_rules - new_rules, key=_rule_order)
    # A skip for the old LAN beside one for the new LAN would skip every camera: the old one goes first.
    steps += [RemoveRule(rule) for rule in stale_rules if rule.action == "goto"]
    missing_rules = sorted(new_rules - old_rules, key=_rule_order)
    steps += [AddRule(rule) for rule in missing_rules if rule.action == "nop"]
    steps += [AddRule(rule) for rule in missing_rules if rule.suppress_prefixlength is not None]
    camera_rules = [r for r in missing_rules if r.action == "lookup" and r.suppress_prefixlength is None]
    steps += _cameras(facts, desired, kept, removed, camera_rules)
    steps += [AddRule(rule) for rule in missing_rules if rule.action == "goto"]
    steps += _stale_addresses(facts, desired, kept)
    steps += _stale_routes(facts, desired, removed)
    steps += [RemoveRule(rule) for rule in stale_rules if rule.action == "lookup"]
    steps += [RemoveRule(rule) for rule in stale_rules if rule.action == "nop"]
    if facts.guard and not desired.guard:
        steps.append(RemoveGuard())
    # Put back only after the cameras are gone: before that the host would answer ARP for them.
    steps += [SetSysctl(sysctl) for sysctl in on_host if sysctl.link not in in_use]
    return steps


def _removed(facts: Facts, wanted: Mapping[str, Link], begun: Mapping[str, str]) -> set[str]:
    """Interfaces of ours that go: not wanted any more, or to be made anew because MAC or parent differ."""
    removed = set()
    for link in facts.links:
        wish = wanted.get(link.name)
        ours = link.ours or _unmarked(link, begun.get(link.name))
        if wish is None:
            if ours:
                removed.add(link.name)
        elif _fits(link, wish) and (ours or not link.alias):
            continue
        elif ours:
            removed.add(link.name)
        else:
            raise BadRequest(
                f"There is an interface {link.name} already, and it is not one of ours.",
                "Choose another name with --name-prefix, or rename that interface.",
            )
    return removed


def _fits(link: HostLink, wish: Link) -> bool:
    return link.kind == "macvlan" and link.mac == wish.mac and link.parent == wish.parent


def _unmarked(link: HostLink, begun_mac: str | None) -> bool:
    return link.kind == "macvlan" and not link.alias and link.mac == begun_mac


def _rule_order(rule: Rule) -> tuple[int, str, str]:
    return rule.preference, str(rule.source), str(rule.destination)


def _cameras(
    facts: Facts, desired: Desired, kept: Mapping[str, HostLink], removed: set[str], rules: list[Rule]
) -> list[Step]:
    """Camera after camera, each whole before the next: the time in which it is half made is a few milliseconds."""
    sysctls: dict[str, list[Sysctl]] = defaultdict(list)
    for sysctl in desired.sysctls:
        sysctls[sysctl.link].append(sysctl)
    addresses: dict[str, list[Address]] = defaultdict(list)
    for address in desired.addresses:
        addresses[address.link].append(address)
    present = {sysctl for sysctl in facts.sysctls if sysctl.link in kept}
    addressed = {address for address in facts.addresses if address.link in kept}
    routed = {route for route in facts.routes if route.link is None or route.link in kept}
    routes_of, tables_of = _routes_by_link(desired)
    rules_of: dict[int | None, list[Rule]] = defaultdict(list)
    for rule in rules:
        rules_of[rule.table].append(rule)
    steps: list[Step] = []
    for link in desired.links:
        there = kept.get(link.name)
        if there is None:
            steps.append(AddLink(link))
        if there is None or there.alias != link.alias:
            steps.append(SetAlias(link.name, link.alias))
        steps += [SetSysctl(sysctl) for sysctl in sysctls[link.name] if sysctl not in present]
        for address in addresses[link.name]:
            if address in addressed:
                continue
            twin = Address(address.link, address.address, not address.noprefixroute)
            if twin in addressed:  # the kernel does not change this flag of an address that is there
                steps.append(RemoveAddress(twin))
            steps.append(AddAddress(address))
        if link.up and (there is None or not there.up):
            steps.append(SetState(link.name, True))
        elif there is not None and there.up and not link.up:
            steps.append(SetState(link.name, False))
        steps += [PutRoute(route) for route in routes_of.pop(link.name, ()) if route not in routed]
        for table in tables_of.get(link.name, ()):
            steps += [AddRule(rule) for rule in rules_of.pop(table, ())]
    # What belongs to no interface, when going back to how it was: closed ends and rules of cameras that had gone.
    steps += [PutRoute(route) for routes in routes_of.values() for route in routes if route not in routed]
    steps += [AddRule(rule) for rules in rules_of.values() for rule in rules]
    return steps


def _routes_by_link(desired: Desired) -> tuple[dict[str | None, list[Route]], dict[str, list[int]]]:
    """Each table's routes under the table's interface, the unreachable ones too."""
    link_of = {route.table: route.link for route in desired.routes if route.link}
    routes_of: dict[str | None, list[Route]] = defaultdict(list)
    tables_of: dict[str, list[int]] = defaultdict(list)
    for route in desired.routes:
        routes_of[link_of.get(route.table)].append(route)
    for table, name in link_of.items():
        tables_of[name].append(table)
    return routes_of, tables_of


def _stale_addresses(facts: Facts, desired: Desired, kept: Mapping[str, HostLink]) -> list[Step]:
    wanted = {(address.link, address.address) for address in desired.addresses}
    stale = (a for a in facts.addresses if a.link in kept and (a.link, a.address) not in wanted)
    return [RemoveAddress(address) for address in stale]


def _stale_routes(facts: Facts, desired: Desired, removed: set[str]) -> list[Step]:
    """Those of removed interfaces went with them; those with the same key were replaced."""
    wanted = {_route_key(route) for route in desired.routes}
    return [
        RemoveRoute(route) for route in facts.routes if route.link not in removed and _route_key(route) not in wanted
    ]


def _route_key(route: Route) -> tuple[int, str, int]:
    return route.table, str(route.destination), route.metric
