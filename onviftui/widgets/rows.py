"""Rows of a live table: what a caller gives, what a screen line shows, and which cells of it differ. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..words import Look, Tone
from .columns import Cell, Placed, Span, draw

LEFT = 4  # cursor, mark, glyph, space


@dataclass(frozen=True, slots=True)
class Row:
    """`key` identifies it for ever; `glyph` is the state sign before the cells."""

    key: int
    glyph: str
    tone: Tone
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one screen line shows; two equal ones need no repaint."""

    key: int
    row_class: str
    lead: str
    glyph: str
    tone: Tone
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        line = f"{self.lead}{self.glyph} "
        x = LEFT
        for span in self.spans:
            line += " " * (span.x - x) + span.text
            x = span.x + span.width
        return line


def draw_row(
    row: Row, placed: Sequence[Placed], look: Look, *, row_class: str, at_cursor: bool, marked: bool, stale: bool
) -> Drawn:
    """`stale` rows are the last known ones: all muted."""
    lead = (look.cursor if at_cursor else " ") + (look.mark if marked else " ")
    spans = draw(placed, row.cells, look.ellipsis)
    if not stale:
        return Drawn(row.key, row_class, lead, row.glyph, row.tone, spans)
    grey = tuple(Span(span.x, span.width, span.text, Tone.MUTED) for span in spans)
    return Drawn(row.key, row_class, lead, row.glyph, Tone.MUTED, grey)


def changed_cells(old: Drawn, new: Drawn, width: int) -> list[tuple[int, int]]:
    """(x, width) of what differs; the whole line when its shape or its row changed."""
    shape = [(span.x, span.width) for span in new.spans]
    if (old.key, old.row_class) != (new.key, new.row_class) or shape != [(s.x, s.width) for s in old.spans]:
        return [(0, width)]
    cells = [(b.x, b.width) for a, b in zip(old.spans, new.spans, strict=True) if a != b]
    if (old.lead, old.glyph, old.tone) != (new.lead, new.glyph, new.tone):
        cells.append((0, LEFT))
    return cells


class Selection:
    """Cursor and marks over the keys of the rows in their order. The cursor stays on its key."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.cursor = 0
        self.marked: set[int] = set()
        self._index: dict[int, int] = {}
        self._range_start: int | None = None

    @property
    def key(self) -> int | None:
        """What the cursor stands on."""
        return self.keys[self.cursor] if self.keys else None

    @property
    def range_begun(self) -> bool:
        return self._range_start is not None

    def set_keys(self, keys: Sequence[int]) -> None:
        """New rows: marks of vanished ones are dropped, the cursor takes the next row when its own is gone."""
        before = self.key
        self.keys = list(keys)
        self._index = {key: number for number, key in enumerate(self.keys)}
        self.marked &= self._index.keys()
        if self._range_start not in self._index:
            self._range_start = None
        self.move_to(self._index.get(before, self.cursor) if before is not None else 0)

    def move_to(self, number: int) -> None:
        self.cursor = max(0, min(number, len(self.keys) - 1))

    def place_of(self, key: int) -> int | None:
        return self._index.get(key)

    def toggle(self) -> None:
        if self.key is not None:
            self.marked ^= {self.key}

    def toggle_range(self) -> None:
        """First call: remember and mark this row. Second call: mark everything from there to here."""
        if self.key is None:
            return
        if self._range_start is None:
            self._range_start = self.key
            self.marked.add(self.key)
            return
        first, last = sorted((self._index[self._range_start], self.cursor))
        self._range_start = None
        self.marked.update(self.keys[first : last + 1])

    def clear(self) -> bool:
        """True when there was a mark."""
        had, self.marked, self._range_start = bool(self.marked), set(), None
        return had

    def chosen(self) -> list[int]:
        """The marked keys in row order, else the one under the cursor."""
        return [key for key in self.keys if key in self.marked] or ([] if self.key is None else [self.key])
