"""Netlink mode: the macvlan interfaces of this machine whose names start with the configured prefix.

Needs no capability. An event only marks the picture as stale: after a short quiet time everything is read anew
(ENOBUFS overruns and missed messages then cannot matter).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl import RTMGRP_IPV4_IFADDR, RTMGRP_LINK

from proxyd.store.rows import FoundInterface

log = logging.getLogger(__name__)

_QUIET_S = 0.1
_RETRY_S = 2.0
_READ_TIMEOUT_S = 10.0
_AF_INET = 2
_SECONDARY = 0x01  # IFA_F_SECONDARY


class NetlinkLinks:
    mode: Literal["loopback", "netlink"] = "netlink"

    def __init__(self, prefix: str = "vcam") -> None:
        self._prefix = prefix
        self._task: asyncio.Task[None] | None = None
        self._last: list[FoundInterface] | None = None

    async def start(self, changed: Callable[[list[FoundInterface]], Awaitable[None]]) -> None:
        self._last = await read_interfaces(self._prefix)
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
                    found = await read_interfaces(self._prefix)
                    if found != self._last:
                        self._last = found
                        await changed(found)
                    if reader.done():
                        reader.result()
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)


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


async def read_interfaces(prefix: str) -> list[FoundInterface]:
    """One full dump, sorted by name. Raises OSError, NetlinkError, TimeoutError."""
    async with asyncio.timeout(_READ_TIMEOUT_S), AsyncIPRoute() as ipr:
        links = [message async for message in await ipr.get_links()]
        addresses = [message async for message in await ipr.get_addr(family=_AF_INET)]
    by_index: dict[int, tuple[str, int]] = {}
    for message in addresses:
        if not message["flags"] & _SECONDARY:
            by_index.setdefault(message["index"], (message.get("IFA_LOCAL"), message["prefixlen"]))
    found = []
    for message in links:
        name = message.get("IFLA_IFNAME")
        info = message.get("IFLA_LINKINFO")
        if not name.startswith(prefix) or info is None or info.get("IFLA_INFO_KIND") != "macvlan":
            continue
        address, length = by_index.get(message["index"], (None, 24))
        found.append(FoundInterface(name, message.get("IFLA_ADDRESS").lower(), address, length, "netlink"))
    return sorted(found, key=lambda interface: interface.name)
