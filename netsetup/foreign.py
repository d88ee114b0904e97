"""Rules and routes of other programs that would get in the way of the cameras' own. Reads only."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from .model import END_RULE, MOST_PARENTS, RULE_BLOCK, SKIP_RULE, TABLE, TABLE_BLOCK

_READ_TIMEOUT_S = 20.0
_KERNEL = 2  # RTPROT_KERNEL: ours
_LOCAL_RULE = 0
_TO_TABLE = 1  # FR_ACT_TO_TBL
_LAST_RULE = END_RULE + RULE_BLOCK * (MOST_PARENTS - 1)
_TABLES = range(TABLE, TABLE + TABLE_BLOCK * MOST_PARENTS)
_NARROW = ("FRA_FWMARK", "FRA_IIFNAME", "FRA_OIFNAME", "FRA_DST", "FRA_UID_RANGE", "FRA_SUPPRESS_PREFIXLEN")
_NO_SUPPRESSION = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Foreign:
    """`before`: preferences of rules that take a camera's packets before its own rule does; `among`: of rules between
    ours; `tables`: of ours that hold other programs' routes."""

    before: tuple[int, ...] = ()
    among: tuple[int, ...] = ()
    tables: tuple[int, ...] = ()


async def read_foreign() -> Foreign:
    """Nothing when the kernel does not tell."""
    try:
        async with asyncio.timeout(_READ_TIMEOUT_S), AsyncIPRoute() as ipr:
            rules = [message async for message in await ipr.get_rules(family=socket.AF_INET)]
            routes = [message async for message in await ipr.get_routes(family=socket.AF_INET)]
    except (OSError, NetlinkError, TimeoutError):
        return Foreign()
    others = [
        (message.get("FRA_PRIORITY") or 0, message) for message in rules if message.get("FRA_PROTOCOL") != _KERNEL
    ]
    tables = {int(m.get("RTA_TABLE") or m["table"]) for m in routes if m["proto"] != _KERNEL}
    return Foreign(
        tuple(sorted(p for p, m in others if _LOCAL_RULE < p < SKIP_RULE and _takes_all(m))),
        tuple(sorted(p for p, _ in others if SKIP_RULE <= p <= _LAST_RULE)),
        tuple(sorted(tables & set(_TABLES))),
    )


def _takes_all(message: Any) -> bool:
    """Whatever its source is: a VPN usually marks packets or names an interface."""
    narrow = [name for name in _NARROW if message.get(name) not in (None, _NO_SUPPRESSION)]
    return message["action"] == _TO_TABLE and not narrow and not message["src_len"]
