"""Slows down whoever guesses passwords, and no recorder. Pure: the clock is given.

Each client address may be wrong `BURST` times; after that its passwords are looked at once a second, and what would
have to wait longer than `MAX_WAIT_S` is refused unseen. So an answer that comes late tells nothing, and parallel
connections do not help. A recorder that asks every few seconds with an old password stays below that and works at once
when the password is right. An account that worked from an address has a budget of its own there, `TRUSTED_BURST`, so
that a guesser behind the same router does not slow it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Network

BURST = 10
TRUSTED_BURST = 300
SECONDS_EACH = 1.0
MAX_WAIT_S = 4.0
MAX_ADDRESSES = 1024
MAX_TRUSTED = 256
NOT_SEEN = "too many wrong passwords from this address, so this one was not looked at; it may try again in 5 s"

_Key = tuple[str, str]


class Guesses:
    """For one camera. The least recently seen addresses are forgotten when there are too many."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock`: seconds, from anywhere, that never go back."""
        self._clock = clock
        # When what this key used of its budget is made up for.
        self._paid_at: OrderedDict[_Key, float] = OrderedDict()
        self._trusted: OrderedDict[_Key, None] = OrderedDict()

    def admit(self, address: str, username: str) -> float | None:
        """Seconds to wait before the password of this request is looked at; None: it is not looked at. Counts as a
        wrong one until `right` is called."""
        now = self._clock()
        key, burst = self._key(address, username)
        used_s = max(self._paid_at.get(key, now) - now, 0.0)
        wait_s = used_s + SECONDS_EACH - burst * SECONDS_EACH
        if wait_s > MAX_WAIT_S:
            return None
        self._paid_at[key] = now + used_s + SECONDS_EACH
        self._paid_at.move_to_end(key)
        if len(self._paid_at) > MAX_ADDRESSES:
            self._paid_at.popitem(last=False)
        return max(wait_s, 0.0)

    def harmless(self, address: str, username: str) -> None:
        """The password was right, whatever else was wrong: it was no guess."""
        key, _ = self._key(address, username)
        if key in self._paid_at:
            self._paid_at[key] -= SECONDS_EACH

    def right(self, address: str, username: str) -> None:
        """The client was let in."""
        self.harmless(address, username)
        trusted = (_network(address), username)
        self._trusted[trusted] = None
        self._trusted.move_to_end(trusted)
        self._paid_at.pop(trusted, None)
        if len(self._trusted) > MAX_TRUSTED:
            self._trusted.popitem(last=False)

    def _key(self, address: str, username: str) -> tuple[_Key, int]:
        """Whose budget it is, and how much that is."""
        trusted = (_network(address), username)
        if trusted in self._trusted:
            return trusted, TRUSTED_BURST
        return (trusted[0], ""), BURST


def _network(address: str) -> str:
    """One guesser has all addresses of an IPv6 /64."""
    if ":" not in address:
        return address[:64]
    try:
        return str(IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address[:64]
