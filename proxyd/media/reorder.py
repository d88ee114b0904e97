"""Packets that come by UDP, in their order again.

Pure. Nothing waits while they come in order. A gap holds what is behind it until it is filled, until too many wait, or
until whoever owns this gives up after a moment.
"""

from __future__ import annotations

_WINDOW = 64
_FAR = 1000  # a greater step is a new beginning


class Reorder:
    """Of one track. `late` counts those that came after their turn, twice included."""

    __slots__ = ("_held", "_next", "late")

    def __init__(self) -> None:
        self._held: dict[int, bytes] = {}
        self._next = -1
        self.late = 0

    @property
    def holding(self) -> bool:
        return bool(self._held)

    def in_turn(self, sequence: int) -> bool:
        """Whether this is the next one and nothing waits: then it was taken, and goes on at once."""
        if sequence != self._next or self._held:
            return False
        self._next = (sequence + 1) & 0xFFFF
        return True

    def push(self, sequence: int, packet: bytes) -> list[bytes]:
        """Those whose turn it is now."""
        if self._next < 0:
            self._next = sequence
        ahead = (sequence - self._next) & 0xFFFF
        if _FAR < ahead < 0x10000 - _FAR:
            before = self.give_up()
            self._next = (sequence + 1) & 0xFFFF
            return [*before, packet]
        if ahead >= 0x8000 or sequence in self._held:
            self.late += 1
            return []
        self._held[sequence] = packet
        ready = self._ready()
        if len(self._held) > _WINDOW:
            ready += self._skip()
        return ready

    def give_up(self) -> list[bytes]:
        """All that wait, in order: what is missing does not come any more."""
        ready: list[bytes] = []
        while self._held:
            ready += self._skip()
        return ready

    def _skip(self) -> list[bytes]:
        self._next = min(self._held, key=lambda sequence: (sequence - self._next) & 0xFFFF)
        return self._ready()

    def _ready(self) -> list[bytes]:
        ready: list[bytes] = []
        while (packet := self._held.pop(self._next, None)) is not None:
            ready.append(packet)
            self._next = (self._next + 1) & 0xFFFF
        return ready
