"""The steps that change the kernel: data, and the words for each. Pure; `kernel` does them, `diff` orders them."""

from __future__ import annotations

from dataclasses import dataclass

from .guard import guard_words
from .model import Address, Guard, Link, Route, Rule, Sysctl


@dataclass(frozen=True, slots=True)
class AddLink:
    """A macvlan in mode bridge, down, without its mark: the kernel ignores an ifalias in the create call."""

    link: Link


@dataclass(frozen=True, slots=True)
class SetAlias:
    name: str
    alias: str


@dataclass(frozen=True, slots=True)
class SetState:
    name: str
    up: bool


@dataclass(frozen=True, slots=True)
class RemoveLinks:
    """All at once, through an interface group: one by one 128 macvlans take 2.5 s."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetSysctl:
    sysctl: Sysctl


@dataclass(frozen=True, slots=True)
class AddAddress:
    address: Address


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    address: Address


@dataclass(frozen=True, slots=True)
class PutRoute:
    """Takes the place of a route with the same table, destination and metric."""

    route: Route


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    route: Route


@dataclass(frozen=True, slots=True)
class AddRule:
    rule: Rule


@dataclass(frozen=True, slots=True)
class RemoveRule:
    rule: Rule


@dataclass(frozen=True, slots=True)
class PutGuard:
    """Takes the place of the guard that is there."""

    guard: Guard


@dataclass(frozen=True, slots=True)
class RemoveGuard:
    """Everything that listens on all addresses of the host is reached on the cameras' addresses again."""


Step = (
    AddLink
    | SetAlias
    | SetState
    | RemoveLinks
    | SetSysctl
    | AddAddress
    | RemoveAddress
    | PutRoute
    | RemoveRoute
    | AddRule
    | RemoveRule
    | PutGuard
    | RemoveGuard
)


def words(step: Step) -> str:
    """What the step does, for the plan's text, the journal and errors."""
    match step:
        case AddLink(link):
            return f"add interface {link.name} with MAC {link.mac} on {link.parent}"
        case SetAlias(name, alias):
            return f"mark {name} as ours ({alias})"
        case SetState(name, up):
            return f"set {name} {'up' if up else 'down'}"
        case RemoveLinks(names):
            return f"remove interface{'s' if len(names) > 1 else ''} {_few(names)}"
        case SetSysctl(sysctl):
            return f"set net.{sysctl.family}.conf.{sysctl.link}.{sysctl.key} to {sysctl.value}"
        case AddAddress(address):
            return f"add address {address.address} to {address.link}"
        case RemoveAddress(address):
            return f"remove address {address.address} from {address.link}"
        case PutRoute(route):
            return f"set route {route_words(route)}"
        case RemoveRoute(route):
            return f"remove route {route_words(route)}"
        case AddRule(rule):
            return f"add rule {rule_words(rule)}"
        case RemoveRule(rule):
            return f"remove rule {rule_words(rule)}"
        case PutGuard(guard):
            return guard_words(guard)
        case RemoveGuard():
            return "remove the guard of the cameras' interfaces"


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:6])} and {len(names) - 6} more"


def route_words(route: Route) -> str:
    """Like ip(8) says it."""
    destination = "default" if route.destination.prefixlen == 0 else str(route.destination)
    if route.link is None:
        return f"unreachable {destination} in table {route.table}"
    via = f" via {route.via}" if route.via else ""
    source = f" src {route.source}" if route.source else ""
    return f"{destination}{via} dev {route.link}{source} in table {route.table}"


def rule_words(rule: Rule) -> str:
    """Like ip(8) says it."""
    negated = "not " if rule.invert else ""
    source = f"from {rule.source or 'all'}"
    destination = f" to {rule.destination}" if rule.destination else ""
    what = {"lookup": f"lookup {rule.table}", "goto": f"goto {rule.target}", "nop": "nop"}[rule.action]
    suppress = "" if rule.suppress_prefixlength is None else f" suppress_prefixlength {rule.suppress_prefixlength}"
    return f"{rule.preference}: {negated}{source}{destination} {what}{suppress}"
