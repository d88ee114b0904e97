"""Where clients wait until their password may be looked at, because too many wrong ones came from their address.

One line per budget of `Guesses`, first come, first served. Whoever hangs up leaves it, at no cost to those behind it.
A line is as long as its clients have connections, which the servers limit; so that is how long a right password waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .guesses import Budget, Guesses


class GuessLine:
    """For one server of a camera."""

    def __init__(self, guesses: Guesses) -> None:
        self._guesses = guesses
        self._lines: dict[Budget, tuple[asyncio.Lock, int]] = {}  # and how many are in it

    @asynccontextmanager
    async def turn(self, address: str, username: str) -> AsyncIterator[None]:
        """Within, this client's password may be looked at; nobody else's of its line is meanwhile."""
        budget = self._guesses.budget(address, username)
        lock, count = self._lines.get(budget) or (asyncio.Lock(), 0)
        self._lines[budget] = lock, count + 1
        try:
            async with lock:
                while delay_s := self._guesses.delay(budget):  # noqa: ASYNC110 - the clock is what it waits for
                    await asyncio.sleep(delay_s)
                yield
        finally:
            _, count = self._lines.pop(budget)
            if count > 1:
                self._lines[budget] = lock, count - 1
