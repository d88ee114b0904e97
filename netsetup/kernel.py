"""The kernel by netlink and /proc/sys: one full dump, and one step at a time. `messages` has what is said."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from . import messages
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
from .steps import (
    AddAddress,
    AddLink,
    AddRule,
    PutRoute,
    RemoveAddress,
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
_HOST_SCOPE = 254
_ACK = struct.Struct("=IHHIIi")  # header (length, type, flags, sequence, port) and error number
_NLMSG_ERROR = 2
_LARGEST_ACK = 65536  # the refused message comes back in it
_NO_SUPPRESSION = 0xFFFFFFFF
_RULES = range(SKIP_RULE, END_RULE + RULE_BLOCK * (MOST_PARENTS - 1) + 1)
_TABLES = range(TABLE, TABLE + TABLE_BLOCK * MOST_PARENTS)
_GONE = (errno.ENODEV, errno.ENXIO, errno.ESRCH, errno.ENOENT, errno.EADDRNOTAVAIL)
_ACTIONS: dict[int, Literal["lookup", "goto", "nop"]] = {number: name for name, number in messages.ACTIONS.items()}
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
        try:
            self._wire = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
            self._wire.settimeout(_STEP_TIMEOUT_S)
        except BaseException:
            await self._ipr.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._wire.close()
        await self._ipr.__aexit__(*exc)

    async def facts(self, parents: Sequence[str]) -> Facts:
        async with asyncio.timeout(_READ_TIMEOUT_S):
            links = [message async for message in await self._ipr.get_links(ext_mask=_SKIP_STATS)]
            addresses = [message async for message in await self._ipr.get_addr(family=socket.AF_INET)]
            routes = [message async for message in await self._ipr.get_routes(family=socket.AF_INET)]
            rules = [message async for message in await self._ipr.get_rules(family=socket.AF_INET)]
        names: dict[int, str] = {message["index"]: message.get("IFLA_IFNAME") for message in links}
        host_links = tuple(_host_link(message, names) for message in links)
        return Facts(
            host_links,
            tuple(_address(m, names) for m in addresses if m["scope"] != _HOST_SCOPE and m["index"] in names),
            tuple(_route(m, names) for m in routes if _table(m) in _TABLES and m["proto"] == messages.KERNEL),
            tuple(r for r in map(_rule, rules) if r is not None),
            _sysctls(host_links, parents),
            tuple(_host_route(m, names) for m in routes if _table(m) == MAIN_TABLE and m["dst_len"] == 0),
        )

    async def do(self, step: Step) -> None:
        await asyncio.sleep(0)  # a step takes the kernel some 0.1 ms; let others run in between
        if isinstance(step, SetSysctl):
            if step.sysctl.family == "ipv4" or _has_ipv6():
                path(step.sysctl).write_text(step.sysctl.value)
            return
        try:
            self._do(step)
        except OSError as error:
            already_gone = isinstance(step, (RemoveLinks, RemoveAddress, RemoveRoute, RemoveRule))
            if not (already_gone and error.errno in _GONE):
                raise

    def _do(self, step: Step) -> None:
        index = socket.if_nametoindex
        match step:
            case AddLink(link):
                self._ask(messages.add_link(link, index(link.parent)))
            case SetAlias(name, alias):
                self._ask(messages.set_alias(index(name), alias))
            case SetState(name, up):
                self._ask(messages.set_state(index(name), up=up))
            case RemoveLinks(names):
                self._remove(names)
            case AddAddress(address):
                self._ask(messages.address(address, index(address.link)))
            case RemoveAddress(address):
                self._ask(messages.address(address, index(address.link), remove=True))
            case PutRoute(route):
                self._ask(messages.route(route, index(route.link) if route.link else None))
            case RemoveRoute(route):
                self._ask(messages.route(route, index(route.link) if route.link else None, remove=True))
            case AddRule(rule):
                self._ask(messages.rule(rule))
            case RemoveRule(rule):
                self._ask(messages.rule(rule, remove=True))

    def _remove(self, names: Sequence[str]) -> None:
        """Into a group of their own, then the group: one wait of the kernel for all of them."""
        there = {name for _, name in socket.if_nameindex()}
        indexes = [socket.if_nametoindex(name) for name in names if name in there]
        if len(indexes) == 1:
            self._ask(messages.remove_link(indexes[0]))
        elif indexes:
            for index in indexes:
                self._ask(messages.set_group(index, _DOOMED_GROUP))
            self._ask(messages.remove_group(_DOOMED_GROUP))

    def _ask(self, message: bytes) -> None:
        """The kernel does it while it is sent, and has the answer ready (RFC 3549 §2.3.2.2). Raises OSError."""
        self._wire.send(message)
        length, kind, _, _, _, code = _ACK.unpack_from(self._wire.recv(_LARGEST_ACK))
        if kind != _NLMSG_ERROR or length < _ACK.size:
            raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
        if code:
            raise OSError(-code, os.strerror(-code))


def path(sysctl: Sysctl) -> Path:
    """Where /proc has it."""
    return _PROC / sysctl.family / "conf" / sysctl.link / sysctl.key


def _has_ipv6() -> bool:
    """False when the kernel was started with ipv6.disable=1."""
    return (_PROC / "ipv6").exists()


def _host_link(message: Any, names: Mapping[int, str]) -> HostLink:
    info = message.get("IFLA_LINKINFO")
    kind = (info.get("IFLA_INFO_KIND") if info is not None else "") or ""
    name = message.get("IFLA_IFNAME")
    return HostLink(
        name=name,
        index=message["index"],
        mac=(message.get("IFLA_ADDRESS") or "").lower(),
        kind=kind,
        up=bool(message["flags"] & messages.UP),
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
    return Address(names[message["index"]], address, bool(flags & messages.NOPREFIXROUTE))


def _table(message: Any) -> int:
    return int(message.get("RTA_TABLE") or message["table"])


def _route(message: Any, names: Mapping[int, str]) -> Route:
    unreachable = message["type"] == messages.UNREACHABLE
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
    action = _ACTIONS.get(message["action"])
    if preference not in _RULES or message.get("FRA_PROTOCOL") != messages.KERNEL or action is None:
        return None
    suppress = message.get("FRA_SUPPRESS_PREFIXLEN")
    return Rule(
        preference,
        action,
        IPv4Network((message.get("FRA_SRC"), message["src_len"])) if message["src_len"] else None,
        IPv4Network((message.get("FRA_DST"), message["dst_len"])) if message["dst_len"] else None,
        message.get("FRA_TABLE") if action == "lookup" else None,
        message.get("FRA_GOTO") if action == "goto" else None,
        bool(message["flags"] & messages.INVERT),
        None if suppress in (None, _NO_SUPPRESSION) else suppress,
    )


def _sysctls(links: Sequence[HostLink], parents: Sequence[str]) -> tuple[Sysctl, ...]:
    """A host without IPv6 counts as one that disabled it. Adapters that our interfaces are on count as parents."""
    ours = [link for link in links if link.ours]
    hosts = dict.fromkeys([*parents, *(link.parent for link in ours if link.parent), "all"])
    wanted = [Sysctl(family, link.name, key, "") for link in ours for family, key, _ in CAMERA_SYSCTLS]  # type: ignore[arg-type]
    wanted += [Sysctl(HOST_SYSCTL[0], name, HOST_SYSCTL[1], "") for name in hosts]  # type: ignore[arg-type]
    no_ipv6 = not _has_ipv6()
    found = []
    for sysctl in wanted:
        try:
            value = "1" if sysctl.family == "ipv6" and no_ipv6 else path(sysctl).read_text().strip()
        except FileNotFoundError:
            continue  # the interface went in between
        found.append(Sysctl(sysctl.family, sysctl.link, sysctl.key, value))
    return tuple(found)
