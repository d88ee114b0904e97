"""Questions to this host's resolver, each in a thread that the daemon's end does not wait for.

With a dead name server one takes half a minute. asyncio and pools of threads wait for theirs when a program ends, which
would be longer than systemd gives it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

MAX_AT_ONCE = 16
_Found = TypeVar("_Found")


async def look_up(ask: Callable[[], _Found], turns: asyncio.Semaphore) -> _Found:
    """What `ask` returns or raises. Its turn is over when its thread has ended, also if nobody waits any more. Raises
    OSError when there can be no thread."""
    await turns.acquire()
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_Found] = loop.create_future()

    def tell(found: _Found | None, error: Exception | None) -> None:
        turns.release()
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(found)  # type: ignore[arg-type] # without an error there is a result

    def run() -> None:
        found, error = None, None
        try:
            found = ask()
        except Exception as caught:
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, found, error)

    try:
        threading.Thread(target=run, name="look up", daemon=True).start()
    except RuntimeError as error:
        turns.release()
        raise OSError("no thread can be started") from error
    return await answer


class Loop(asyncio.SelectorEventLoop):
    """asyncio's, save that it asks for addresses as above."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - asyncio's name for it
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        return await look_up(partial(socket.getaddrinfo, host, port, family, type, proto, flags), self._turns)
