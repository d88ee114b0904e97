"""A table for live data: the line API, fixed column widths, and repaints of changed cells only.

Rows are replaced as a whole list; the table compares what is on the screen with what should be there and
refreshes only the differing regions. Stock DataTable repaints everything on any change, which over SSH
costs thirty times the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..links import linked
from ..ui import ui_of
from ..words import Look, Tone
from .columns import Column, Placed, place
from .line import Line, cut, fit, to_ascii
from .paint import Palette
from .pane import MOVES
from .rows import LEFT, Drawn, Row, Selection, changed_cells, draw_row


class LiveTable(ScrollView, can_focus=True):
    """Cursor, marks and scrolling over rows given by `show`."""

    DEFAULT_CSS = """
    LiveTable {
        height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto;
        scrollbar-gutter: stable; scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = MOVES

    class TableMessage(Message):
        """About one table: `@on(…, "#id")` selects by it."""

        def __init__(self, table: LiveTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> LiveTable:
            return self.table

    class Moved(TableMessage):
        """The cursor stands on another row (or none: key is None)."""

        def __init__(self, table: LiveTable, key: int | None) -> None:
            super().__init__(table)
            self.key = key

    class Marked(TableMessage):
        """Other rows are marked than before."""

    class Opened(TableMessage):
        """A row was double-clicked."""

    class HeadClicked(TableMessage):
        """The heading of a column was clicked."""

        def __init__(self, table: LiveTable, column: str) -> None:
            super().__init__(table)
            self.column = column

    class Left(TableMessage):
        """The cursor was moved up beyond the first row."""

    def __init__(self, columns: Sequence[Column], look: Look, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.columns = tuple(columns)
        self._look = look
        self._palette = Palette(self)
        self._placed: tuple[Placed, ...] = ()
        self._texts: dict[str, int] = {}  # the longest so far: a column that was needed stays, nothing jumps
        self._rows: list[Row] = []
        self._selection = Selection()
        self._stale = False
        self._sorted: tuple[str, bool] = ("", False)
        self._on_screen: dict[int, Drawn] = {}
        self._empty: list[Line] = []
        self.painted_lines = 0  # for the paint budget in tests
        self.steered = False  # keys reach it though another widget has the focus: its cursor looks as if it had

    # what it shows

    def show(self, rows: Sequence[Row], *, stale: bool = False, empty: Sequence[Line] = ()) -> None:
        """Replace the rows. The cursor stays on its key; marks of vanished rows are dropped. `empty` is
        painted instead of heading and rows when there are none."""
        if rows:
            empty = ()
        if list(empty) != self._empty:
            self._empty = list(empty)
            self._on_screen.clear()
            self.refresh()
        before = self.cursor_key
        grown = len(rows) != len(self._rows)
        known, self._rows = self._rows, list(rows)
        self._measure(known)
        self._stale = stale
        self._selection.set_keys([row.key for row in self._rows])
        if grown:
            self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows) + 1)
        self._repaint_changed()
        if self.cursor_key != before:
            self.post_message(self.Moved(self, self.cursor_key))

    def _measure(self, known: Sequence[Row]) -> None:
        """What texts take; columns move when one is longer than all before. `known` were measured."""
        before = dict(self._texts)
        seen = {row.key: row for row in known}
        new = [row.cells for row in self._rows if seen.get(row.key) is not row]
        for index, column in enumerate(self.columns):
            if new and (column.least or (column.flex and column.longest)):
                longest = max(0 if cells[index].spill else cell_len(cells[index].text) for cells in new)
                self._texts[column.key] = max(before.get(column.key, 0), longest)
        if self._texts != before and self.scrollable_content_region.width:
            self._lay_out()

    def show_columns(self, columns: Sequence[Column]) -> None:
        """Others than before; the next `show` brings rows that fit them."""
        if tuple(columns) != self.columns:
            self.columns = tuple(columns)
            self._rows = []
            self._texts = {}
            self.on_resize()

    def show_sort(self, column: str, *, descending: bool) -> None:
        """Which heading carries the arrow."""
        if (column, descending) != self._sorted:
            self._sorted = (column, descending)
            self.refresh(Region(0, 0, self.scrollable_content_region.width, 1))

    @property
    def keys(self) -> list[int]:
        return self._selection.keys

    @property
    def cursor_key(self) -> int | None:
        return self._selection.key

    @property
    def marked(self) -> set[int]:
        return self._selection.marked

    @property
    def range_begun(self) -> bool:
        """A range has its first row and waits for the last one."""
        return self._selection.range_begun

    @property
    def shown_columns(self) -> list[str]:
        """Keys of the columns that the width leaves room for."""
        return [placed.column.key for placed in self._placed]

    def text_of(self, key: int) -> str:
        """The line of one row as painted, for tests."""
        return self._draw(self.keys.index(key)).text

    def cell_at_cursor(self, column: str) -> Region | None:
        """Where the cursor's cell of this column is drawn, within this widget; None when it is not."""
        y = self._selection.cursor - self.scroll_offset.y + 1
        spot = next((spot for spot in self._placed if spot.column.key == column), None)
        return Region(spot.x, y, spot.width, 1) if spot is not None and self.keys else None

    # cursor and marks

    def move_to(self, key: int) -> None:
        place = self._selection.place_of(key)
        if place is not None:
            self._go(place)

    def toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor, and step down."""
        self._selection.toggle()
        self._repaint_changed()
        self.post_message(self.Marked(self))
        self._go(self._selection.cursor + 1)

    def mark_range(self) -> None:
        self._selection.toggle_range()
        self._repaint_changed()
        self.post_message(self.Marked(self))

    def clear_marks(self) -> bool:
        """True when there was something to clear."""
        had = self._selection.clear()
        self._repaint_changed()
        self.post_message(self.Marked(self))
        return had

    def chosen(self) -> list[int]:
        """The marked rows in table order, else the one under the cursor."""
        return self._selection.chosen()

    def _go(self, number: int) -> None:
        before = self._selection.cursor
        self._selection.move_to(number)
        if self._selection.cursor == before:
            return
        self._scroll_to_cursor()
        self._repaint_changed()
        self.post_message(self.Moved(self, self.cursor_key))

    def _scroll_to_cursor(self) -> None:
        visible = max(1, self.scrollable_content_region.height - 1)
        top = self.scroll_offset.y
        if self._selection.cursor < top:
            self.scroll_to(y=self._selection.cursor, animate=False, immediate=True)
        elif self._selection.cursor >= top + visible:
            self.scroll_to(y=self._selection.cursor - visible + 1, animate=False, immediate=True)

    def action_move(self, step: int) -> None:
        if step < 0 and self._selection.cursor == 0:
            self.post_message(self.Left(self))
        self._go(self._selection.cursor + step)

    def action_page(self, direction: int) -> None:
        self._go(self._selection.cursor + direction * max(1, self.scrollable_content_region.height - 2))

    def action_half_page(self, direction: int) -> None:
        self._go(self._selection.cursor + direction * max(1, self.scrollable_content_region.height // 2))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self._rows) - 1)

    # painting

    def _draw(self, number: int) -> Drawn:
        row = self._rows[number]
        at_cursor = number == self._selection.cursor
        marked = row.key in self._selection.marked
        row_class = "row--marked" if marked else ""
        if at_cursor:
            row_class = "row--cursor" if self.has_focus or self.steered else "row--cursor-idle"
        return draw_row(
            row,
            self._placed,
            self._look,
            row_class=row_class,
            at_cursor=at_cursor,
            marked=marked,
            stale=self._stale,
        )

    def _visible(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(len(self._rows), top + max(0, self.scrollable_content_region.height - 1)))

    def _repaint_changed(self) -> None:
        """Compare the visible lines with what was painted; refresh only what differs."""
        top, width = self.scroll_offset.y, self.scrollable_content_region.width
        regions: list[Region] = []
        for number in self._visible():
            y = number - top + 1
            old, new = self._on_screen.get(y), self._draw(number)
            if old != new:
                cells = [(0, width)] if old is None else changed_cells(old, new, width)
                regions += [Region(x, y, cells_wide, 1) for x, cells_wide in cells]
        shown = len(self._visible())
        emptied = [y for y in self._on_screen if y > shown]
        regions += [Region(0, y, width, 1) for y in emptied]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        self.painted_lines += 1
        width = self.scrollable_content_region.width
        if self._empty:
            return self._empty_line(y, width)
        if y == 0:
            return self._head(width)
        number = y - 1 + self.scroll_offset.y
        if number >= len(self._rows):
            self._on_screen.pop(y, None)
            return Strip.blank(width, self._palette.style(Tone.TEXT))
        drawn = self._draw(number)
        self._on_screen[y] = drawn
        style = self._palette.style
        base = style(Tone.TEXT, drawn.row_class)
        segments = [
            Segment(drawn.lead, style(Tone.ACCENT, drawn.row_class)),
            Segment(f"{drawn.glyph} ", style(drawn.tone, drawn.row_class)),
        ]
        x = LEFT
        for span in drawn.spans:
            if span.x > x:
                segments.append(Segment(" " * (span.x - x), base))
            text = to_ascii(span.text) if self._look.ascii else span.text
            segments.append(Segment(text, linked(style(span.tone, drawn.row_class), span.link, ui_of(self))))
            x = span.x + span.width
        return Strip(segments).adjust_cell_length(width, base).simplify()

    def _empty_line(self, y: int, width: int) -> Strip:
        pieces = self._empty[y] if y < len(self._empty) else ()
        ascii_only = self._look.ascii
        segments = [
            Segment(to_ascii(text) if ascii_only else text, self._palette.style(tone))
            for text, tone in cut(pieces, width)
        ]
        return Strip(segments).adjust_cell_length(width, self._palette.style(Tone.TEXT))

    def _head(self, width: int) -> Strip:
        style = self._palette.style(Tone.MUTED, "row--head")
        text, x = " " * LEFT, LEFT
        for spot in self._placed:
            title = spot.column.title
            if spot.column.key == self._sorted[0]:
                arrow = self._look.sorted_by(descending=self._sorted[1])
                title = f"{arrow}{title}" if spot.column.right else f"{title}{arrow}"
            text += " " * (spot.x - x) + fit(title, spot.width, right=spot.column.right, ellipsis="")
            x = spot.x + spot.width
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    # what the terminal does

    def on_resize(self) -> None:
        self._lay_out()
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows) + 1)
        self._scroll_to_cursor()

    def _lay_out(self) -> None:
        self._placed = place(self.columns, self.scrollable_content_region.width, LEFT, self._texts)
        self._on_screen.clear()
        self.refresh()

    def on_focus(self) -> None:
        self._repaint_changed()

    def on_blur(self) -> None:
        self._repaint_changed()

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            for spot in self._placed:
                if spot.x <= event.x < spot.x + spot.width:
                    self.post_message(self.HeadClicked(self, spot.column.key))
            return
        number = event.y - 1 + self.scroll_offset.y
        if number < len(self._rows):
            self._go(number)
            if event.chain == 2:
                self.post_message(self.Opened(self))

    def notify_style_update(self) -> None:
        self._palette.clear()
        super().notify_style_update()
