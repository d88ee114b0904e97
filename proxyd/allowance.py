"""How much a peer may cost: what is more is dropped. Pure: time comes in as an argument."""

from __future__ import annotations


class Allowance:
    """So much per second in the long run, and `burst` at once, which is as much unless it is given."""

    __slots__ = ("_burst", "_left", "_per_s", "_since")

    def __init__(self, per_s: float, burst: float | None = None) -> None:
        self._per_s = per_s
        self._burst = self._left = per_s if burst is None else burst
        self._since: float | None = None

    def take(self, size: float, now: float) -> bool:
        """False when it is too much, and nothing of it may. `now` in seconds, never going back."""
        if self._since is not None:
            self._left = min(self._burst, self._left + (now - self._since) * self._per_s)
        self._since = now
        if self._left < size:
            return False
        self._left -= size
        return True
