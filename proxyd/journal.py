"""The last changes of the configuration, and how each can be taken back. In memory alone.

A change is a set of rows of the database (`store/undoing`), in which secrets are tokens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from proxyd.api.models import Role
from proxyd.errors import NotFound
from proxyd.store.undoing import RowChange

MOST_ENTRIES = 50
MOST_ROWS = 20_000  # of all entries together


@dataclass(frozen=True, slots=True)
class Entry:
    """`what` is the sentence of the audit log; `role` the least that may do such a thing, and take it back; `sources`
    are the NVRs whose streams the user named himself and that must be read again."""

    number: int
    at: str
    who: str
    role: Role
    what: str
    changes: tuple[RowChange, ...] = field(repr=False)
    sources: tuple[int, ...] = ()

    @property
    def brings_cameras(self) -> bool:
        """Taking it back makes cameras again that had been removed."""
        return any(change.table == "cameras" and change.after is None for change in self.changes)


class Journal:
    """The newest is the last; the oldest go when there are too many, or too many rows."""

    def __init__(self, entries: int = MOST_ENTRIES, rows: int = MOST_ROWS) -> None:
        self._entries: deque[Entry] = deque()
        self._most_entries = entries
        self._most_rows = rows
        self._last = 0

    def note(
        self, at: str, who: str, role: Role, what: str, changes: Sequence[RowChange], sources: Sequence[int] = ()
    ) -> None:
        """Nothing is noted of a change that changed nothing."""
        if not changes:
            return
        self._last += 1
        self._entries.append(Entry(self._last, at, who, role, what, tuple(changes), tuple(sources)))
        while len(self._entries) > self._most_entries or self._rows() > self._most_rows:
            self._entries.popleft()

    def _rows(self) -> int:
        return sum(len(entry.changes) for entry in self._entries)

    def entries(self) -> list[Entry]:
        """Newest first."""
        return list(reversed(self._entries))

    def entry(self, number: int | None) -> Entry:
        """That one, or the newest. Raises NotFound."""
        if number is None:
            if not self._entries:
                raise NotFound("There is nothing to take back.", "Only changes since proxyd started can be taken back.")
            return self._entries[-1]
        for entry in self._entries:
            if entry.number == number:
                return entry
        raise NotFound(f"There is no change {number} to take back (any more).", "See: onviftui undo list")

    def drop(self, entry: Entry) -> None:
        """It has been taken back."""
        if entry in self._entries:
            self._entries.remove(entry)
