"""The entries of one log that the UI has read: the newest as they come, older ones page by page. Pure.

Paused, it goes on collecting and shows what was there when it paused; `waiting` says how many came since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, Protocol, TypeVar

LIMIT = 10_000  # as many as the daemon keeps of what was done; of its own lines there are fewer
PAGE = 500


class Entry(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=Entry)


class LogBook(Generic[T]):
    """Entries by number, oldest first. `older`: the daemon may have some from before the first."""

    def __init__(self) -> None:
        self._entries: dict[int, T] = {}
        self._until: int | None = None  # paused: the newest that is shown
        self.older = True

    def clear(self) -> None:
        """The daemon may be another one, or entries may have been missed: begin anew. A pause ends."""
        self._entries.clear()
        self._until = None
        self.older = True

    @property
    def newest(self) -> int:
        return next(reversed(self._entries), 0)

    @property
    def oldest(self) -> int:
        return next(iter(self._entries), 0)

    def add(self, entries: Iterable[T]) -> bool:
        """Newer ones, oldest first; those that are known are passed over. True when there was one. Where some between
        are missing, those before the gap are forgotten, to be read again as older ones; not while it is paused."""
        newest = self.newest
        fresh = {entry.id: entry for entry in entries if entry.id > newest}
        if newest and fresh and next(iter(fresh)) > newest + 1 and not self.paused:
            self.clear()
        self._entries.update(fresh)
        while len(self._entries) > LIMIT:
            del self._entries[self.oldest]
            self.older = True
        return bool(fresh)

    def add_older(self, entries: Iterable[T], before: int, *, more: bool) -> None:
        """The page from before the entry `before`, oldest first; `more`: it was not the last. Passed over where that
        is not the first entry any more: it would leave a gap."""
        oldest = self.oldest
        room = LIMIT - len(self._entries)
        if room and before != oldest:
            return
        page = {entry.id: entry for entry in entries if entry.id < oldest}
        kept = dict(list(page.items())[max(0, len(page) - room) :]) if room > 0 else {}
        self._entries = kept | self._entries
        self.older = more and bool(page) and len(kept) == len(page)

    # pause

    @property
    def paused(self) -> bool:
        return self._until is not None

    def pause(self) -> None:
        self._until = self.newest

    def go_on(self) -> None:
        self._until = None

    def shown(self) -> Mapping[int, T]:
        if self._until is None:
            return self._entries
        return {key: entry for key, entry in self._entries.items() if key <= self._until}

    def waiting(self) -> list[T]:
        """What came since the pause, oldest first."""
        if self._until is None:
            return []
        found: list[T] = []
        for key in reversed(self._entries):
            if key <= self._until:
                break
            found.append(self._entries[key])
        return found[::-1]
