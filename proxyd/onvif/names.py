"""What a name means to this host's resolver: asked in a thread of its own, under a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

RESOLVE_S = 3.0
MAX_ADDRESSES = 8

Resolve = Callable[[str], Awaitable[Sequence[str]]]


class SystemNames:
    """Of one camera: one question at a time, so that a dead name server holds up no other camera and no picture.
    Nothing is remembered: a name may mean something else the next time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def __call__(self, name: str) -> list[str]:
        """Its addresses in the resolver's order, each once. Raises OSError, TimeoutError."""
        async with asyncio.timeout(RESOLVE_S):
            await self._turn.acquire()
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[list[str]] = loop.create_future()

            def tell(found: list[str] | Exception) -> None:
                self._turn.release()  # not before: the thread may outlive its question by half a minute
                if answer.done():
                    return
                if isinstance(found, Exception):
                    answer.set_exception(found)
                else:
                    answer.set_result(found)

            def ask() -> None:
                found = _ask(name)
                with contextlib.suppress(RuntimeError):  # the daemon has stopped
                    loop.call_soon_threadsafe(tell, found)

            try:
                # A pool's threads are waited for when the program ends.
                threading.Thread(target=ask, name="names", daemon=True).start()
            except RuntimeError as error:
                self._turn.release()
                raise OSError("no thread can be started") from error
            return await answer


def _ask(name: str) -> list[str] | Exception:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except Exception as error:
        return error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:MAX_ADDRESSES]
