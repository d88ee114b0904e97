"""When to look at the kernel again: netlink events, a slow clock for what gives no event, and a brake.

An event only says "stale"; after a short quiet time everything is read anew, so lost events (ENOBUFS) cannot matter.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl import RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV4_RULE, RTMGRP_LINK

from .model import MOST_PARENTS, TABLE, TABLE_BLOCK

log = logging.getLogger(__name__)

QUIET_S = 0.06
_AGAIN_S = 1.0
TABLES = range(TABLE, TABLE + TABLE_BLOCK * MOST_PARENTS)
_GROUPS = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE
MANY_REPAIRS, OFTEN_S, SLOW_S = 10, 60.0, 5.0


class KernelEvents:
    """Calls `stale` for every change of links, addresses, routes and rules, and after every loss of events."""

    def __init__(self, stale: Callable[[], None]) -> None:
        self._stale = stale
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when no event can be missed any more."""
        listening = asyncio.Event()
        self._task = asyncio.create_task(self._watch(listening), name="netlink events")
        await listening.wait()

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self, listening: asyncio.Event) -> None:
        while True:
            try:
                await self._follow(listening)
            except (OSError, NetlinkError) as error:
                log.info("lost kernel events (%s); asking again", error)
                self._stale()
                listening.set()
                await asyncio.sleep(_AGAIN_S)

    async def _follow(self, listening: asyncio.Event) -> None:
        async with AsyncIPRoute() as events:
            await events.bind(groups=_GROUPS)
            listening.set()
            self._stale()  # whatever happened before the bind
            async for message in _messages(events):
                if _matters(message):
                    self._stale()


def _matters(message: Any) -> bool:
    """Routers and Docker hosts change routes all the time; of routes only those in our tables matter."""
    if message["event"] not in ("RTM_NEWROUTE", "RTM_DELROUTE"):
        return True
    return (message.get("RTA_TABLE") or message["table"]) in TABLES


async def _messages(events: Any) -> Any:
    while True:
        async for message in events.get():
            yield message


class Brake:
    """Slows repairs down when somebody undoes them again and again."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._repairs: deque[float] = deque(maxlen=MANY_REPAIRS)

    def repaired(self) -> None:
        self._repairs.append(self._now())

    @property
    def fighting(self) -> bool:
        """Many repairs in a short time."""
        return len(self._repairs) == MANY_REPAIRS and self._now() - self._repairs[0] < OFTEN_S

    @property
    def pause_s(self) -> float:
        """How long to let things settle before the next look."""
        return SLOW_S if self.fighting else QUIET_S
