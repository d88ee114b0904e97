"""The connection to the daemon: subscribes, writes events into the store, comes back after a loss.

After a loss it tries again for ever with growing, jittered delays, and starts from a full snapshot.
Calls made while the daemon is away fail at once with the next step to try.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proxyd import __version__
from proxyd.api.client import RpcClient
from proxyd.api.dial import Dial
from proxyd.api.models import API_VERSION, Snapshot, Status
from proxyd.errors import DaemonUnreachable, ProxyError

from .store import Link, Store

CONNECT_DEADLINE_S = 10.0
CALL_DEADLINE_S = 30.0
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 5.0


def reconnect_delay(attempt: int, chance: float) -> float:
    """Seconds before try number `attempt` (0 first); `chance` in 0…1 spreads many clients."""
    longest: float = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(attempt, 16))
    return longest * (0.5 + chance / 2)


class _OtherVersion(Exception):
    """What the daemon says cannot be read; the words say which of the two is the older one, where that is known."""


async def _subscribe(client: RpcClient) -> Snapshot:
    try:
        return await client.subscribe()
    except ValidationError:
        pass
    try:
        status: Status = await client.call("status")
    except ValidationError:
        raise _OtherVersion("proxyd is of another version than onviftui; update both") from None
    raise _OtherVersion(f"proxyd {version_words(status)}; update both")


def version_words(status: Status) -> str:
    """What follows "proxyd": "is newer (0.3.0) than onviftui (0.2.0)"."""
    if status.api_version == API_VERSION:
        return f"({status.version}) is not understood by onviftui ({__version__})"
    which = "newer" if status.api_version > API_VERSION else "older"
    return f"is {which} ({status.version}) than onviftui ({__version__})"


def _other(status: Status) -> str:
    """What is different, of a daemon that is understood all the same."""
    return "" if status.api_version == API_VERSION else f"proxyd {version_words(status)}"


class Live:
    """Owns the one client. `run` never returns; cancel it to close the connection."""

    def __init__(self, where: Path | Dial, store: Store, chance: Callable[[], float] = random.random) -> None:
        self._where = where
        self._store = store
        self._chance = chance
        self._client: RpcClient | None = None

    @property
    def local(self) -> bool:
        """The daemon's socket is a file here: this is the user's own machine, or his own login on it."""
        return isinstance(self._where, Path)

    async def run(self) -> None:
        """Keep the store true until cancelled."""
        attempt = 0
        while True:
            try:
                async with AsyncExitStack() as stack:
                    async with asyncio.timeout(CONNECT_DEADLINE_S):
                        client = await stack.enter_async_context(RpcClient(self._where))
                        snapshot = await _subscribe(client)
                    attempt = 0
                    self._client = client
                    self._store.other_version = _other(snapshot.status)
                    self._store.load(snapshot)
                    async for event in client.events():
                        self._store.apply(event)
                reason = "proxyd closed the connection"
            except ProxyError as error:
                reason = str(error)
            except _OtherVersion as error:
                reason = self._store.other_version = str(error)
            except TimeoutError:
                reason = "proxyd does not answer"
            except (OSError, ValueError) as error:
                reason = f"proxyd cannot be understood: {type(error).__name__}"
            finally:
                self._client = None
            self._store.set_link(Link.AWAY, reason)
            await asyncio.sleep(reconnect_delay(attempt, self._chance()))
            attempt += 1

    async def call(self, method: str, params: dict[str, Any] | None = None, deadline_s: float = CALL_DEADLINE_S) -> Any:
        """The parsed result of one call.

        Raises ProxyError (DaemonUnreachable when there is no connection or no answer in time).
        """
        client = self._client
        if client is None:
            raise DaemonUnreachable("proxyd is away.", "Nothing was changed; try again when it is back.")
        try:
            async with asyncio.timeout(deadline_s):
                return await client.call(method, params or {})
        except ValidationError:
            raise ProxyError(
                "What proxyd answered cannot be understood.", "It is of another version than onviftui: update both."
            ) from None
        except TimeoutError:
            raise DaemonUnreachable(
                f"proxyd gave no answer within {deadline_s:.0f} s.", "Look at Logs, then try again."
            ) from None
