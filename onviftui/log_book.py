"""The entries of one log that the UI has read: the newest as they come, older ones page by page. Pure.

Paused, it goes on collecting and shows what was there when it paused; `waiting` says what came since. What it shows is
always a run without a hole: entries that were missed can only be read again as older ones, so what is from before them
is forgotten, while it is paused only when it goes on.
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
    """Entries by number, oldest first: at most `limit` of them, and as many that wait while it is paused."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._entries: dict[int, T] = {}
        self._waiting: dict[int, T] | None = None  # None: not paused
        self._missed = False  # between those that are shown and those that wait
        self._older = True

    def clear(self) -> None:
        """The daemon may be another one, or entries may have been missed: begin anew. A pause ends."""
        self._entries, self._waiting = {}, None
        self._missed, self._older = False, True

    @property
    def newest(self) -> int:
        return next(reversed(self._waiting or self._entries), 0)

    @property
    def oldest(self) -> int:
        """Of those that are shown; 0 where there are none."""
        return next(iter(self._entries), 0)

    @property
    def older(self) -> bool:
        """The daemon may have some from before the first, and there is room for them."""
        return self._older and len(self._entries) < self._limit

    def add(self, entries: Iterable[T], *, older: bool = True) -> bool:
        """Newer ones, oldest first; those that are known are passed over. True when there was one. `older`: there may
        be some from before these, which counts where nothing was known."""
        newest = self.newest
        fresh = {entry.id: entry for entry in entries if entry.id > newest}
        if not newest:
            self._older = older
        missed = bool(newest and fresh) and next(iter(fresh)) > newest + 1
        if self._waiting is None:
            self._follow(fresh, missed)
        else:
            self._wait(self._waiting, fresh, missed)
        return bool(fresh)

    def _follow(self, fresh: Mapping[int, T], missed: bool) -> None:
        if missed:
            self._entries, self._older = {}, True
        self._entries.update(fresh)
        if _shorten(self._entries, self._limit):
            self._older = True

    def _wait(self, waiting: dict[int, T], fresh: Mapping[int, T], missed: bool) -> None:
        if missed:
            waiting.clear()
        waiting.update(fresh)
        self._missed |= _shorten(waiting, self._limit) or missed

    def add_older(self, entries: Iterable[T], before: int, *, more: bool) -> None:
        """The page from before the entry `before`, oldest first; `more`: it was not the last. Passed over where that
        is not the first entry any more: it would leave a hole."""
        oldest = self.oldest
        if before != oldest:
            return
        page = {entry.id: entry for entry in entries if entry.id < oldest}
        had = len(page)
        cut = _shorten(page, max(0, self._limit - len(self._entries)))
        self._entries = page | self._entries
        self._older = cut or (more and had > 0)

    # pause

    @property
    def paused(self) -> bool:
        return self._waiting is not None

    def pause(self) -> None:
        if self._waiting is None:
            self._waiting = {}

    def go_on(self) -> None:
        waiting, self._waiting = self._waiting, None
        missed, self._missed = self._missed, False
        if waiting:
            self._follow(waiting, missed)

    def shown(self) -> Mapping[int, T]:
        return self._entries

    def waiting(self) -> list[T]:
        """What came since the pause, oldest first."""
        return list((self._waiting or {}).values())


def _shorten(entries: dict[int, T], most: int) -> bool:
    """Forget the oldest until there are no more than that. True when one was forgotten."""
    surplus = list(entries)[: max(0, len(entries) - most)]
    for key in surplus:
        del entries[key]
    return bool(surplus)
