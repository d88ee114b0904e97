"""How often data may change the screen. Pure."""

from __future__ import annotations


class Pace:
    """One turn after another, with `every_s` seconds at least from the end of one to the beginning of the next."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._ended = float("-inf")

    def wait_s(self, now: float) -> float:
        """How long until the next turn may begin; 0 when it may."""
        return max(0.0, self._ended + self._every_s - now)

    def ended(self, now: float) -> None:
        """A turn did, or is in work until here."""
        self._ended = max(self._ended, now)
