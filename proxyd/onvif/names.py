"""What a name means to this host's resolver, under a deadline."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from proxyd.lookups import look_up

RESOLVE_S = 3.0
MAX_ADDRESSES = 8

Resolve = Callable[[str], Awaitable[Sequence[str]]]


class SystemNames:
    """Of one camera: one question at a time, so that a dead name server holds up no other camera and no picture.
    Nothing is remembered: a name may mean something else the next time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def __call__(self, name: str) -> list[str]:
        """Its addresses in the resolver's order, each once. Raises OSError, TimeoutError."""
        async with asyncio.timeout(RESOLVE_S):
            found = await look_up(partial(socket.getaddrinfo, name, None, type=socket.SOCK_STREAM), self._turn)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:MAX_ADDRESSES]
