"""Slows down whoever guesses passwords, and refuses no right one. Pure: the clock is given.

A password is looked at before anything is refused, and only wrong ones count. Each client address may be wrong `BURST`
times; after that its passwords are looked at one each `SECONDS_EACH`, in the order in which they came (`guess_line`);
parallel connections and answers that nobody waits for do not help. A right password costs nothing: at most it waits for
its turn, behind the connections that others at its address have open. An account that worked from an address has a
budget of its own there, so that a guesser behind the same router who does not know its name does not slow it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Network

BURST = 10
SECONDS_EACH = 0.25
MAX_ADDRESSES = 1024
MAX_TRUSTED = 256

Budget = tuple[str, str]


class Guesses:
    """For one camera. The least recently seen addresses are forgotten when there are too many."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock`: seconds, from anywhere, that never go back."""
        self._clock = clock
        # When what this one used is made up for.
        self._paid_at: OrderedDict[Budget, float] = OrderedDict()
        self._trusted: OrderedDict[Budget, None] = OrderedDict()

    def budget(self, address: str, username: str) -> Budget:
        """Whose wrong passwords count together with those of this client."""
        trusted = (_network(address), username)
        return trusted if trusted in self._trusted else (trusted[0], "")

    def delay(self, budget: Budget) -> float:
        """Seconds until the next password may be looked at; 0.0: now."""
        paid_at = self._paid_at.get(budget)
        if paid_at is None:
            return 0.0
        return max(paid_at - self._clock() - (BURST - 1) * SECONDS_EACH, 0.0)

    def wrong(self, address: str, username: str) -> None:
        """Its user name or password was wrong. However often: the next one waits no longer than `SECONDS_EACH`."""
        now, budget = self._clock(), self.budget(address, username)
        paid_at = max(self._paid_at.get(budget, now), now) + SECONDS_EACH
        self._paid_at[budget] = min(paid_at, now + BURST * SECONDS_EACH)
        self._paid_at.move_to_end(budget)
        if len(self._paid_at) > MAX_ADDRESSES:
            self._paid_at.popitem(last=False)

    def right(self, address: str, username: str) -> None:
        """The client was let in."""
        trusted = (_network(address), username)
        self._trusted[trusted] = None
        self._trusted.move_to_end(trusted)
        if len(self._trusted) > MAX_TRUSTED:
            self._trusted.popitem(last=False)


def _network(address: str) -> str:
    """One guesser has all addresses of an IPv6 /64."""
    if ":" not in address:
        return address[:64]
    try:
        return str(IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address[:64]
