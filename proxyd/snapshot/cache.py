"""What the last fetches gave, for a moment, within limits. Pure: time comes in as an argument."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from .picture import SnapshotPicture

Outcome = SnapshotPicture | None  # None: the NVR gave no picture


@dataclass(frozen=True, slots=True)
class _Entry:
    outcome: Outcome
    until: float

    @property
    def size(self) -> int:
        return len(self.outcome.data) if self.outcome else 0


class PictureCache:
    """Bounded by age, number and bytes; the oldest entry goes first."""

    def __init__(self, *, max_entries: int = 256, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: Hashable, outcome: Outcome, *, now: float, lifetime_s: float) -> None:
        self._drop(key)
        for old in [known for known, entry in self._entries.items() if entry.until <= now]:
            self._drop(old)
        entry = _Entry(outcome, now + lifetime_s)
        self._entries[key] = entry
        self._bytes += entry.size
        while self._entries and (len(self._entries) > self._max_entries or self._bytes > self._max_bytes):
            self._drop(next(iter(self._entries)))

    def get(self, key: Hashable, *, now: float) -> tuple[bool, Outcome]:
        """(whether there is an entry that is young enough, its outcome)."""
        entry = self._entries.get(key)
        if entry is None or entry.until <= now:
            return False, None
        return True, entry.outcome

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry:
            self._bytes -= entry.size
