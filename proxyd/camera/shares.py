"""Numbers of things that are kept for several owners, and which of them has to go when there is no room. Pure."""

from __future__ import annotations

from collections.abc import Hashable


class Shares:
    """In the order in which they came; each takes `size` of the room."""

    def __init__(self) -> None:
        self._by_owner: dict[Hashable, dict[int, int]] = {}  # numbers and their sizes
        self._owners: dict[int, Hashable] = {}
        self._used: dict[Hashable, int] = {}

    def add(self, number: int, owner: Hashable, size: int = 1) -> None:
        self._by_owner.setdefault(owner, {})[number] = size
        self._owners[number] = owner
        self._used[owner] = self._used.get(owner, 0) + size

    def discard(self, number: int) -> None:
        if number not in self._owners:
            return
        owner = self._owners.pop(number)
        numbers = self._by_owner[owner]
        self._used[owner] -= numbers.pop(number)
        if not numbers:
            del self._by_owner[owner], self._used[owner]

    def least_needed(self) -> int:
        """The oldest of the owner who has the most: so nobody pushes out what little others have. Raises ValueError
        when there is none."""
        owner = max(self._used, key=lambda owner: self._used[owner])
        return next(iter(self._by_owner[owner]))
