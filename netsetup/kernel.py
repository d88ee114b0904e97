"""The kernel by netlink and /proc/sys: one full dump, and one step at a time. What it is told about nftables is in
`nft`.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from .desired import CAMERA_SYSCTLS, HOST_SYSCTL, MAIN_TABLE
from .errors import KernelRefused
from .model import (
    END_RULE,
    MOST_PARENTS,
    RULE_BLOCK,
    SKIP_RULE,
    TABLE,
    TABLE_BLOCK,
    Address,
    Facts,
    HostLink,
    Route,
    Rule,
    Sysctl,
)
from .nft import put_guard, read_guard, remove_guard
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

_READ_TIMEOUT_S = 20.0
_STEP_TIMEOUT_S = 10.0
_PROC = Path("/proc/sys/net")
_SYS = Path("/sys/class/net")
_NOPREFIXROUTE = 0x200  # IFA_F_NOPREFIXROUTE
_INVERT = 0x2  # FIB_RULE_INVERT
_UP = 0x1  # IFF_UP
_HOST_SCOPE, _LINK_SCOPE = 254, 253
_KERNEL = 2  # RTPROT_KERNEL: systemd-networkd deletes foreign rules and routes of every other protocol
_UNREACHABLE = 7  # RTN_UNREACHABLE
_TO_TABLE, _GOTO, _NOP = 1, 2, 3  # FR_ACT_…
_NO_SUPPRESSION = 0xFFFFFFFF
_RULES = range(SKIP_RULE, END_RULE + RULE_BLOCK * (MOST_PARENTS - 1) + 1)
_TABLES = range(TABLE, TABLE + TABLE_BLOCK * MOST_PARENTS)
_GONE = (errno.ENODEV, errno.ENXIO, errno.ESRCH, errno.ENOENT, errno.EADDRNOTAVAIL)
_SKIP_STATS = 0x8  # RTEXT_FILTER_SKIP_STATS: most of a link's message, and half the time of a dump
_DOOMED_GROUP = 0x0D00ED00  # interface group that holds what is about to be removed


class KernelPort(Protocol):
    """What `execute` needs of the kernel."""

    async def facts(self, parents: Sequence[str]) -> Facts: ...

    async def do(self, step: Step) -> None:
        """Raises OSError or NetlinkError; then this step changed nothing."""
        ...


async def read_facts(parents: Sequence[str]) -> Facts:
    """One full dump. Raises KernelRefused."""
    try:
        async with Kernel() as kernel:
            return await kernel.facts(parents)
    except (OSError, NetlinkError, TimeoutError) as error:
        raise KernelRefused(f"The kernel does not tell about its interfaces: {error}.", "Try it as root.") from error


class Kernel:
    """KernelPort on the network namespace of this process."""

    async def __aenter__(self) -> Self:
        self._ipr: Any = AsyncIPRoute()
        await self._ipr.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._ipr.__aexit__(*exc)

    async def facts(self, parents: Sequence[str]) -> Facts:
        async with asyncio.timeout(_READ_TIMEOUT_S):
            links = [message async for message in await self._ipr.get_links(ext_mask=_SKIP_STATS)]
            addresses = [message async for message in await self._ipr.get_addr(family=socket.AF_INET)]
            routes = [message async for message in await self._ipr.get_routes(family=socket.AF_INET)]
            rules = [message async for message in await self._ipr.get_rules(family=socket.AF_INET)]
            guard = await read_guard()
        names: dict[int, str] = {message["index"]: message.get("IFLA_IFNAME") for message in links}
        host_links = tuple(_host_link(message, names) for message in links)
        return Facts(
            host_links,
            tuple(_address(m, names) for m in addresses if m["scope"] != _HOST_SCOPE and m["index"] in names),
            tuple(_route(m, names) for m in routes if _table(m) in _TABLES and m["proto"] == _KERNEL),
            tuple(r for r in map(_rule, rules) if r is not None),
            _sysctls(host_links, parents),
            tuple(_host_route(m, names) for m in routes if _table(m) == MAIN_TABLE and m["dst_len"] == 0),
            guard,
        )

    async def do(self, step: Step) -> None:
        if isinstance(step, SetSysctl):
            path(step.sysctl).write_text(step.sysctl.value)
            return
        try:
            async with asyncio.timeout(_STEP_TIMEOUT_S):
                await self._do(step)
        except (NetlinkError, OSError) as error:
            gone = (error.code if isinstance(error, NetlinkError) else error.errno) in _GONE
            if not (gone and isinstance(step, (RemoveAddress, RemoveRoute, RemoveRule))):
                raise

    async def _do(self, step: Step) -> None:
        ipr = self._ipr
        match step:
            case AddLink(link):
                await ipr.link(
                    "add",
                    ifname=link.name,
                    kind="macvlan",
                    macvlan_mode="bridge",
                    link=socket.if_nametoindex(link.parent),
                    address=link.mac,
                )
            case SetAlias(name, alias):
                await ipr.link("set", index=socket.if_nametoindex(name), ifalias=alias)
            case SetState(name, up):
                await ipr.link("set", index=socket.if_nametoindex(name), state="up" if up else "down")
            case RemoveLinks(names):
                await self._remove(names)
            case AddAddress(address):
                await ipr.addr(
                    "add",
                    index=socket.if_nametoindex(address.link),
                    address=str(address.address.ip),
                    prefixlen=address.address.network.prefixlen,
                    broadcast=str(address.address.network.broadcast_address),
                    flags=_NOPREFIXROUTE if address.noprefixroute else 0,
                )
            case RemoveAddress(address):
                await ipr.addr(
                    "del",
                    index=socket.if_nametoindex(address.link),
                    address=str(address.address.ip),
                    prefixlen=address.address.network.prefixlen,
                )
            case PutRoute(route):
                await ipr.route("replace", **_route_arguments(route))
            case RemoveRoute(route):
                await ipr.route("del", **_route_arguments(route))
            case AddRule(rule):
                await ipr.rule("add", **_rule_arguments(rule))
            case RemoveRule(rule):
                await ipr.rule("del", **_rule_arguments(rule))
            case PutGuard(guard):
                await put_guard(guard)
            case RemoveGuard():
                await remove_guard()

    async def _remove(self, names: Sequence[str]) -> None:
        """Into a group of their own, then the group: one wait of the kernel for all of them."""
        there = {name for _, name in socket.if_nameindex()}
        indexes = [socket.if_nametoindex(name) for name in names if name in there]
        if len(indexes) == 1:
            await self._ipr.link("del", index=indexes[0])
        elif indexes:
            for index in indexes:
                await self._ipr.link("set", index=index, group=_DOOMED_GROUP)
            await self._ipr.link("del", index=0, group=_DOOMED_GROUP)


def path(sysctl: Sysctl) -> Path:
    """Where /proc has it."""
    return _PROC / sysctl.family / "conf" / sysctl.link / sysctl.key


def _host_link(message: Any, names: Mapping[int, str]) -> HostLink:
    info = message.get("IFLA_LINKINFO")
    kind = (info.get("IFLA_INFO_KIND") if info is not None else "") or ""
    name = message.get("IFLA_IFNAME")
    return HostLink(
        name=name,
        index=message["index"],
        mac=(message.get("IFLA_ADDRESS") or "").lower(),
        kind=kind,
        up=bool(message["flags"] & _UP),
        carrier=bool(message.get("IFLA_CARRIER")),
        master=names.get(message.get("IFLA_MASTER"), ""),
        # The parent of a macvlan in a container is in another namespace: its index means nothing here.
        parent=names.get(message.get("IFLA_LINK"), "") if message.get("IFLA_LINK_NETNSID") is None else "",
        alias=message.get("IFLA_IFALIAS") or "",
        wireless=(_SYS / name / "phy80211").exists() or (_SYS / name / "wireless").exists(),
    )


def _address(message: Any, names: Mapping[int, str]) -> Address:
    address = IPv4Interface((message.get("IFA_LOCAL") or message.get("IFA_ADDRESS"), message["prefixlen"]))
    flags = message.get("IFA_FLAGS") or message["flags"]
    return Address(names[message["index"]], address, bool(flags & _NOPREFIXROUTE))


def _table(message: Any) -> int:
    return int(message.get("RTA_TABLE") or message["table"])


def _route(message: Any, names: Mapping[int, str]) -> Route:
    unreachable = message["type"] == _UNREACHABLE
    source, via = message.get("RTA_PREFSRC"), message.get("RTA_GATEWAY")
    return Route(
        _table(message),
        IPv4Network((message.get("RTA_DST") or "0.0.0.0", message["dst_len"])),  # noqa: S104 — any destination
        None if unreachable else names.get(message.get("RTA_OIF"), ""),
        IPv4Address(source) if source else None,
        IPv4Address(via) if via else None,
        message.get("RTA_PRIORITY") or 0,
    )


def _host_route(message: Any, names: Mapping[int, str]) -> tuple[str, IPv4Address | None, int]:
    via = message.get("RTA_GATEWAY")
    return names.get(message.get("RTA_OIF"), ""), IPv4Address(via) if via else None, message.get("RTA_PRIORITY") or 0


def _rule(message: Any) -> Rule | None:
    """None for rules that are not ours: other preferences, another protocol, or actions that we never use."""
    preference = message.get("FRA_PRIORITY") or 0
    actions: dict[int, Literal["lookup", "goto", "nop"]] = {_TO_TABLE: "lookup", _GOTO: "goto", _NOP: "nop"}
    action = actions.get(message["action"])
    if preference not in _RULES or message.get("FRA_PROTOCOL") != _KERNEL or action is None:
        return None
    suppress = message.get("FRA_SUPPRESS_PREFIXLEN")
    return Rule(
        preference,
        action,
        IPv4Network((message.get("FRA_SRC"), message["src_len"])) if message["src_len"] else None,
        IPv4Network((message.get("FRA_DST"), message["dst_len"])) if message["dst_len"] else None,
        message.get("FRA_TABLE") if action == "lookup" else None,
        message.get("FRA_GOTO") if action == "goto" else None,
        bool(message["flags"] & _INVERT),
        None if suppress in (None, _NO_SUPPRESSION) else suppress,
    )


def _sysctls(links: Sequence[HostLink], parents: Sequence[str]) -> tuple[Sysctl, ...]:
    """A host without IPv6 counts as one that disabled it. Adapters that our interfaces are on count as parents."""
    ours = [link for link in links if link.ours]
    hosts = dict.fromkeys([*parents, *(link.parent for link in ours if link.parent), "all"])
    wanted = [Sysctl(family, link.name, key, "") for link in ours for family, key, _ in CAMERA_SYSCTLS]
    wanted += [Sysctl(HOST_SYSCTL[0], name, HOST_SYSCTL[1], "") for name in hosts]
    no_ipv6 = not (_PROC / "ipv6").exists()
    found = []
    for sysctl in wanted:
        try:
            value = "1" if sysctl.family == "ipv6" and no_ipv6 else path(sysctl).read_text().strip()
        except FileNotFoundError:
            continue  # the interface went in between
        found.append(Sysctl(sysctl.family, sysctl.link, sysctl.key, value))
    return tuple(found)


def _route_arguments(route: Route) -> dict[str, Any]:
    arguments: dict[str, Any] = {"dst": str(route.destination), "table": route.table, "proto": _KERNEL}
    if route.metric:
        arguments["priority"] = route.metric
    if route.link is None:
        return arguments | {"type": "unreachable"}
    arguments["oif"] = socket.if_nametoindex(route.link)
    if route.source:
        arguments["prefsrc"] = str(route.source)
    return arguments | ({"gateway": str(route.via)} if route.via else {"scope": _LINK_SCOPE})


def _rule_arguments(rule: Rule) -> dict[str, Any]:
    arguments: dict[str, Any] = {"priority": rule.preference, "protocol": _KERNEL}
    if rule.source:
        arguments |= {"src": str(rule.source.network_address), "src_len": rule.source.prefixlen}
    if rule.destination:
        arguments |= {"dst": str(rule.destination.network_address), "dst_len": rule.destination.prefixlen}
    if rule.action == "lookup":
        arguments["table"] = rule.table
    elif rule.action == "goto":
        arguments |= {"action": "goto", "goto": rule.target}
    else:
        arguments["action"] = "nop"
    if rule.invert:
        arguments["flags"] = _INVERT
    if rule.suppress_prefixlength is not None:
        arguments["FRA_SUPPRESS_PREFIXLEN"] = rule.suppress_prefixlength
    return arguments
