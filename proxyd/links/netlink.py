"""Netlink mode: the interfaces of this machine that carry our ownership mark, whatever they are called.

Needs no capability. An event only marks the picture as stale: after a short quiet time everything is read anew
(ENOBUFS overruns and missed messages then cannot matter).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl import RTMGRP_IPV4_IFADDR, RTMGRP_LINK

from proxyd.store.rows import FoundInterface, InterfaceKind

log = logging.getLogger(__name__)

# The ifalias that netsetup gives each interface it makes, with the slot's number.
_MARK = re.compile(r"onviftui:camera \d{1,5}")
_QUIET_S = 0.1
# A lost interface is usually restored within a moment; its connections live through that when nobody closes them.
_LOSS_PATIENCE_S = 0.7
_RETRY_S = 2.0
_READ_TIMEOUT_S = 10.0
_AF_INET = 2
_DEPRECATED = 0x20  # IFA_F_DEPRECATED: netsetup takes this address away in a moment
_NO_ADDRESS_LENGTH = 24


class NetlinkLinks:
    mode: InterfaceKind = "netlink"
    warning = ""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._last: list[FoundInterface] | None = None

    async def start(self, changed: Callable[[list[FoundInterface]], Awaitable[None]]) -> None:
        self._last = await read_interfaces()
        await changed(self._last)
        self._task = asyncio.create_task(self._watch(changed), name="netlink watch")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self, changed: Callable[[list[FoundInterface]], Awaitable[None]]) -> None:
        while True:
            try:
                await self._follow(changed)
            except (OSError, NetlinkError, TimeoutError) as error:
                log.warning("lost the kernel's interface events (%s); asking again", error)
                await asyncio.sleep(_RETRY_S)

    async def _follow(self, changed: Callable[[list[FoundInterface]], Awaitable[None]]) -> None:
        async with AsyncIPRoute() as events:
            await events.bind(groups=RTMGRP_LINK | RTMGRP_IPV4_IFADDR)
            stale = asyncio.Event()
            stale.set()  # whatever happened before the bind
            reader = asyncio.create_task(_mark_stale(events, stale), name="netlink events")
            try:
                while True:
                    await stale.wait()
                    await asyncio.sleep(_QUIET_S)
                    stale.clear()
                    found = await read_interfaces()
                    if _lost(self._last or [], found):
                        await asyncio.sleep(_LOSS_PATIENCE_S)
                        found = await read_interfaces()
                    if found != self._last:
                        self._last = found
                        await changed(found)
                    if reader.done():
                        reader.result()
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)


def _lost(before: Iterable[FoundInterface], found: Iterable[FoundInterface]) -> bool:
    """An interface with an address is gone. One that only lost its address was told so: that counts at once."""
    there = {interface.mac for interface in found}
    return any(interface.address and interface.mac not in there for interface in before)


async def _mark_stale(events: Any, stale: asyncio.Event) -> None:
    try:
        async for _ in _messages(events):
            stale.set()
    finally:
        stale.set()  # wakes the follower, which then sees that this reader ended


async def _messages(events: Any) -> Any:
    while True:
        async for message in events.get():
            yield message


async def link_with_address(address: str) -> str | None:
    """The name of the interface that has this IPv4 address. Raises OSError, NetlinkError, TimeoutError."""
    async with asyncio.timeout(_READ_TIMEOUT_S), AsyncIPRoute() as ipr:
        names = {message["index"]: message.get("IFLA_IFNAME") async for message in await ipr.get_links()}
        async for message in await ipr.get_addr(family=_AF_INET):
            # All of 127.0.0.0/8 is on lo, though the kernel lists one address of it.
            if message.get("IFA_LOCAL") == address or (
                address.startswith("127.") and names.get(message["index"]) == "lo"
            ):
                return str(names.get(message["index"], "")) or None
    return None


async def read_interfaces() -> list[FoundInterface]:
    """One full dump, sorted by name. Raises OSError, NetlinkError, TimeoutError."""
    async with asyncio.timeout(_READ_TIMEOUT_S), AsyncIPRoute() as ipr:
        links = [message async for message in await ipr.get_links()]
        addresses = [message async for message in await ipr.get_addr(family=_AF_INET)]
    by_index = _newest(addresses)
    found = []
    for message in links:
        if not _MARK.fullmatch(message.get("IFLA_IFALIAS") or ""):
            continue
        address, length = by_index.get(message["index"], (None, _NO_ADDRESS_LENGTH))
        mac = message.get("IFLA_ADDRESS").lower()
        found.append(FoundInterface(message.get("IFLA_IFNAME"), mac, address, length, "netlink"))
    return sorted(found, key=lambda interface: (len(interface.name), interface.name))


def _newest(addresses: Iterable[Any]) -> Mapping[int, tuple[str, int]]:
    """The address of each interface: while a lease moves there are two, and the younger one counts."""
    youngest: dict[int, tuple[int, str, int]] = {}
    for message in addresses:
        if (message.get("IFA_FLAGS") or message["flags"]) & _DEPRECATED:
            continue
        times = message.get("IFA_CACHEINFO")
        made = int(times["cstamp"]) if times else 0
        index = message["index"]
        if index not in youngest or made >= youngest[index][0]:
            youngest[index] = (made, message.get("IFA_LOCAL"), message["prefixlen"])
    return {index: (address, length) for index, (_, address, length) in youngest.items()}
