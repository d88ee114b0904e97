"""A kernel in memory, with what the real one does by itself: things that vanish with their interface, refusals."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Interface

from netsetup.desired import CAMERA_SYSCTLS
from netsetup.model import Address, Facts, HostLink, Sysctl
from netsetup.steps import (
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

ETH0 = HostLink("eth0", 2, "52:54:00:00:00:02", "", True, True)
ETH1 = HostLink("eth1", 3, "52:54:00:00:00:03", "", True, True)
LO = HostLink("lo", 1, "00:00:00:00:00:00", "", True, True)
FOREIGN = HostLink("mine7", 9, "a2:99:00:00:00:07", "macvlan", True, True, parent="eth0")
DOCKER = HostLink("docker0", 4, "02:42:00:00:00:01", "bridge", True, False)
HOST = Facts(
    links=(LO, ETH0, ETH1, DOCKER, FOREIGN),
    addresses=(
        Address("eth0", IPv4Interface("10.77.0.10/24"), False),
        Address("docker0", IPv4Interface("172.17.0.1/16"), False),
        Address("mine7", IPv4Interface("10.77.0.99/24"), False),
    ),
    sysctls=tuple(Sysctl("ipv4", name, "arp_ignore", "0") for name in ("eth0", "eth1", "all")),
)


class FakeKernel:
    """KernelPort. `refuse` is the number of the step (from 1) that fails, once or, with `for_ever`, each from there."""

    def __init__(self, facts: Facts = HOST, *, refuse: int = 0, for_ever: bool = False) -> None:
        self.state = facts
        self.refuse = refuse
        self.for_ever = for_ever
        self.steps: list[Step] = []
        self._next_index = 100

    async def facts(self, parents: Sequence[str]) -> Facts:
        ours = {link.name for link in self.state.links if link.ours}
        ours |= {link.parent for link in self.state.links if link.ours}
        shown = tuple(s for s in self.state.sysctls if s.link in ours or s.link in parents or s.link == "all")
        return replace(self.state, sysctls=shown)

    async def do(self, step: Step) -> None:
        self.steps.append(step)
        number = len(self.steps)
        if number == self.refuse or (self.for_ever and self.refuse and number > self.refuse):
            raise OSError(errno.EPERM, "Operation not permitted")
        self._do(step)

    def _do(self, step: Step) -> None:
        s = self.state
        match step:
            case AddLink(link):
                self._refuse_if(s.link(link.name) is not None, errno.EEXIST)
                self._refuse_if(s.link(link.parent) is None, errno.ENODEV)
                self._next_index += 1
                made = HostLink(link.name, self._next_index, link.mac, "macvlan", False, False, parent=link.parent)
                defaults = tuple(Sysctl(family, link.name, key, "0") for family, key, _ in CAMERA_SYSCTLS)
                self.state = replace(s, links=(*s.links, made), sysctls=(*s.sysctls, *defaults))
            case SetAlias(name, alias):
                self._change_link(name, alias=alias)
            case SetState(name, up):
                self._change_link(name, up=up, carrier=up)
                if not up:
                    self.state = replace(self.state, routes=tuple(r for r in self.state.routes if r.link != name))
            case RemoveLinks(names):
                self.state = replace(
                    s,
                    links=tuple(x for x in s.links if x.name not in names),
                    addresses=tuple(x for x in s.addresses if x.link not in names),
                    routes=tuple(x for x in s.routes if x.link not in names),
                    sysctls=tuple(x for x in s.sysctls if x.link not in names),
                )
            case SetSysctl(sysctl):
                others = tuple(x for x in s.sysctls if (x.family, x.link, x.key) != _key(sysctl))
                self._refuse_if(len(others) == len(s.sysctls), errno.ENOENT)
                self.state = replace(s, sysctls=(*others, sysctl))
            case AddAddress(address):
                self._refuse_if(s.link(address.link) is None, errno.ENODEV)
                there = {(x.link, x.address) for x in s.addresses}
                self._refuse_if((address.link, address.address) in there, errno.EEXIST)
                self.state = replace(s, addresses=(*s.addresses, address))
            case RemoveAddress(address):
                self.state = replace(s, addresses=tuple(x for x in s.addresses if x != address))
            case PutRoute(route):
                out = s.link(route.link) if route.link else None
                self._refuse_if(route.link is not None and (out is None or not out.up), errno.ENETDOWN)
                has_source = any(x.address.ip == route.source for x in s.addresses)
                self._refuse_if(route.source is not None and not has_source, errno.EINVAL)
                key = (route.table, route.destination, route.metric)
                others_ = tuple(x for x in s.routes if (x.table, x.destination, x.metric) != key)
                self.state = replace(s, routes=(*others_, route))
            case RemoveRoute(route):
                self.state = replace(s, routes=tuple(x for x in s.routes if x != route))
            case AddRule(rule):
                self._refuse_if(rule in s.rules, errno.EEXIST)
                self.state = replace(s, rules=(*s.rules, rule))
            case RemoveRule(rule):
                self.state = replace(s, rules=tuple(x for x in s.rules if x != rule))
            case PutGuard(guard):
                self.state = replace(s, guard=guard)
            case RemoveGuard():
                self.state = replace(s, guard=None)

    def _change_link(self, name: str, **changes: object) -> None:
        self._refuse_if(self.state.link(name) is None, errno.ENODEV)
        links = tuple(replace(x, **changes) if x.name == name else x for x in self.state.links)  # type: ignore[arg-type]  # fields by name
        self.state = replace(self.state, links=links)

    @staticmethod
    def _refuse_if(wrong: bool, code: int) -> None:
        if wrong:
            raise OSError(code, "refused by the fake kernel")


def comparable(facts: Facts) -> tuple[frozenset[object], ...]:
    """Everything but the order and the interface numbers."""
    return (
        frozenset(replace(link, index=0) for link in facts.links),
        frozenset(facts.addresses),
        frozenset(facts.routes),
        frozenset(facts.rules),
        frozenset(facts.sysctls),
        frozenset({facts.guard}),
    )


def _key(sysctl: Sysctl) -> tuple[str, str, str]:
    return sysctl.family, sysctl.link, sysctl.key
