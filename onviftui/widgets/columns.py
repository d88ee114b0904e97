"""Column widths of a table: dropped by priority when the terminal is narrow, also so that names stay whole. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..words import Tone
from .line import fit, plain

GAP = 2
EXTRA = 5  # columns of this priority and above leave so that the texts of those that never leave stay whole
_ROOMY = 40  # no column is made wider than this without need: what belongs together would stand far apart


@dataclass(frozen=True, slots=True)
class Column:
    """`priority` 0 is never dropped; greater ones leave first. `flex` columns share the spare width."""

    key: str
    title: str
    width: int
    priority: int = 0
    right: bool = False
    flex: int = 0
    longest: int = 0  # a flex column stops growing here (0: never)
    least: int = 0  # where all its texts are short, it may be this narrow (0: always `width`)


@dataclass(frozen=True, slots=True)
class Cell:
    """`spill` lets the text run over the following cells of the row that are empty; `link`: where a click on it leads,
    in terminals that know links (OSC 8)."""

    text: str
    tone: Tone = Tone.TEXT
    spill: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A column where it will be drawn: `index` in the row's cells, `x` in terminal cells."""

    column: Column
    index: int
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a drawn row: text of exactly `width` cells at `x`."""

    x: int
    width: int
    text: str
    tone: Tone
    link: str = ""


def place(
    columns: Sequence[Column], width: int, left: int = 0, texts: Mapping[str, int] | None = None
) -> tuple[Placed, ...]:
    """Lay the columns out in `width` cells, starting at `left`. `texts`: by key, the cells that the longest text of a
    column takes. Columns that may be narrower become so; what that leaves goes to the texts of those that never leave,
    then to the others' texts, and is shared in the end."""
    texts = texts or {}
    kept = list(enumerate(columns))
    widths = {index: _base(column, texts) for index, column in kept}
    while len(kept) > 1 and left + _needed(kept, widths) > width:
        leaving = max(kept, key=_leaves)
        if leaving[1].priority == 0:
            break
        kept.remove(leaving)
    kept = _make_room(kept, widths, width - left, _wishes(kept, widths, texts, first=True))
    spare = max(0, width - left - _needed(kept, widths))
    for first in (True, False):
        for more, index in _wishes(kept, widths, texts, first=first):
            widths[index] += min(more, spare)
            spare -= min(more, spare)
    _stretch(kept, widths, spare)
    placed: list[Placed] = []
    x = left
    for index, column in kept:
        placed.append(Placed(column, index, x, max(0, min(widths[index], width - x))))
        x += widths[index] + GAP
    return tuple(placed)


def _leaves(item: tuple[int, Column]) -> tuple[int, int]:
    """The greatest leaves first."""
    return item[1].priority, item[0]


def _base(column: Column, texts: Mapping[str, int]) -> int:
    """Its least width: less than usual where its texts are known to be short."""
    if not column.least or column.key not in texts:
        return column.width
    return max(column.least, min(column.width, texts[column.key]))


def _wishes(
    kept: Sequence[tuple[int, Column]], widths: Mapping[int, int], texts: Mapping[str, int], *, first: bool
) -> list[tuple[int, int]]:
    """Cells beyond its width that a column's longest text takes, and its index; `first`: of those that never leave. The
    small wishes come first: an address is worth nothing without its end."""
    wishes: list[tuple[int, int]] = []
    for index, column in kept:
        if column.flex and first is (column.priority == 0):
            text = texts.get(column.key, 0)
            more = (min(text, column.longest) if column.longest else text) - widths[index]
            if more > 0:
                wishes.append((more, index))
    return sorted(wishes)


def _make_room(
    kept: list[tuple[int, Column]], widths: Mapping[int, int], room: int, wishes: Sequence[tuple[int, int]]
) -> list[tuple[int, Column]]:
    """Without the columns that leave for as many whole texts as there can be; none leaves for a text that is cut all
    the same."""
    for granted in range(len(wishes), 0, -1):
        wanted = sum(more for more, _ in wishes[:granted])
        rest = list(kept)
        while _needed(rest, widths) + wanted > room:
            leaving = max(rest, key=_leaves)
            if leaving[1].priority < EXTRA:
                break
            rest.remove(leaving)
        else:
            return rest
    return kept


def _needed(kept: Sequence[tuple[int, Column]], widths: Mapping[int, int]) -> int:
    return sum(widths[index] for index, _ in kept) + GAP * max(0, len(kept) - 1)


def _stretch(kept: Sequence[tuple[int, Column]], widths: dict[int, int], spare: int) -> None:
    """Give spare cells to the flex columns by their share."""

    def limit(index: int, column: Column) -> int:
        return min(column.longest, _ROOMY) if column.longest else widths[index] + spare

    growing = [(index, column) for index, column in kept if column.flex and widths[index] < limit(index, column)]
    while spare > 0 and growing:
        shares = sum(column.flex for _, column in growing)
        before = spare
        for index, column in growing:
            grant = min(max(1, before * column.flex // shares), limit(index, column) - widths[index], spare)
            widths[index] += grant
            spare -= grant
        growing = [(index, column) for index, column in growing if widths[index] < limit(index, column)]


def draw(placed: Sequence[Placed], cells: Sequence[Cell], ellipsis: str) -> tuple[Span, ...]:
    """The spans of one row."""
    spans: list[Span] = []
    skip_to = 0
    for number, spot in enumerate(placed):
        if number < skip_to:
            continue
        cell = cells[spot.index]
        width = spot.width
        if cell.spill:
            last = number
            while last + 1 < len(placed) and not cells[placed[last + 1].index].text:
                last += 1
            width = placed[last].x + placed[last].width - spot.x
            skip_to = last + 1
        text = fit(plain(cell.text), width, right=spot.column.right and not cell.spill, ellipsis=ellipsis)
        spans.append(Span(spot.x, width, text, cell.tone, cell.link))
    return tuple(spans)
