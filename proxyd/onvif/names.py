"""What a name means to this host's resolver: asked in a thread of its own, under a deadline."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

RESOLVE_S = 3.0
MAX_ADDRESSES = 8

Resolve = Callable[[str], Awaitable[Sequence[str]]]


class SystemNames:
    """Of one camera: one question at a time, so that a dead name server holds up no other camera and no picture.
    Nothing is remembered: a name may mean something else the next time."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def __call__(self, name: str) -> list[str]:
        """Its addresses in the resolver's order, each once. Raises OSError, TimeoutError."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="names")
        ask = partial(socket.getaddrinfo, name, None, type=socket.SOCK_STREAM)
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:MAX_ADDRESSES]

    def close(self) -> None:
        """Waits for nobody. May be used again afterwards."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
