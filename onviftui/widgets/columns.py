"""Column widths of a table: dropped by priority when the terminal is narrow, also so that names stay whole. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..words import Tone
from .line import fit, plain

GAP = 2
EXTRA = 5  # columns of this priority and above leave so that the texts of those that never leave stay whole


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
    flex column takes; it gets them before the others share what is over."""
    kept = list(enumerate(columns))
    while len(kept) > 1 and left + _needed(kept) > width:
        leaving = max(kept, key=lambda item: (item[1].priority, item[0]))
        if leaving[1].priority == 0:
            break
        kept.remove(leaving)
    wanted = sorted((more, index) for index, column in kept if (more := _wanted(column, texts or {})) > 0)
    while left + _needed(kept) + sum(more for more, _ in wanted) > width:
        leaving = max(kept, key=lambda item: (item[1].priority, item[0]))
        if leaving[1].priority < EXTRA:
            break
        kept.remove(leaving)
    widths = {index: column.width for index, column in kept}
    spare = max(0, width - left - _needed(kept))
    for more, index in wanted:  # the small wishes first: an address is worth nothing without its end
        widths[index] += min(more, spare)
        spare -= min(more, spare)
    _stretch(kept, widths, spare)
    placed: list[Placed] = []
    x = left
    for index, column in kept:
        placed.append(Placed(column, index, x, max(0, min(widths[index], width - x))))
        x += widths[index] + GAP
    return tuple(placed)


def _wanted(column: Column, texts: Mapping[str, int]) -> int:
    """The cells beyond its least width that a column's longest text takes."""
    if column.priority or not column.flex:
        return 0
    text = texts.get(column.key, 0)
    return (min(text, column.longest) if column.longest else text) - column.width


def _needed(kept: Sequence[tuple[int, Column]]) -> int:
    return sum(column.width for _, column in kept) + GAP * max(0, len(kept) - 1)


def _stretch(kept: Sequence[tuple[int, Column]], widths: dict[int, int], spare: int) -> None:
    """Give spare cells to the flex columns by their share, up to their longest."""
    growing = [(index, column) for index, column in kept if column.flex]
    while spare > 0 and growing:
        shares = sum(column.flex for _, column in growing)
        before = spare
        for index, column in list(growing):
            grant = max(1, before * column.flex // shares)
            if column.longest:
                grant = min(grant, column.longest - widths[index])
            grant = min(grant, spare)
            widths[index] += grant
            spare -= grant
            if grant <= 0 or (column.longest and widths[index] >= column.longest):
                growing.remove((index, column))
        if spare == before:
            break


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
