"""Base of the views behind the digit keys, and of those that are one table with a filter and a detail pane."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Input

from ..filters import Filter, parse_filter
from ..key_order import give_focus
from ..store import Changes, Link
from ..ui import ui_of
from ..widgets.columns import Column
from ..widgets.frame import KeyFooter
from ..widgets.line import Line, Piece, line
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone

_NOTHING_MATCHES = [line(""), line(("    Nothing matches the filter. Esc clears it.", Tone.MUTED))]


class View(Vertical):
    """One digit key. `reload` reads everything from the store, `apply` only what changed."""

    view_id: ClassVar[str]

    @abstractmethod
    def reload(self) -> None:
        """Read and show everything."""

    def apply(self, changes: Changes) -> None:
        if changes:
            self.reload()

    def focus_main(self) -> None:
        """Give the keyboard to the part that people come for."""

    def step_back(self) -> bool:
        """Escape. True when there was something to take back."""
        return False

    def idle(self) -> frozenset[str]:
        """Actions that can do nothing as things stand: the footer does not offer them. It is about the view, not about
        the row under the cursor, so that keys stay in their places while one moves; a row says why it cannot."""
        return frozenset()

    def show_keys(self) -> None:
        if self.display:
            self.screen.query_one(KeyFooter).show_idle(self.idle())

    @property
    def stale(self) -> bool:
        return ui_of(self).store.link is Link.AWAY


class TableView(View):
    """A table over one kind of the store. Subclasses say what a row looks like."""

    kind: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    first_sort: ClassVar[tuple[str, bool]] = ("", False)
    filter_names: ClassVar[tuple[str, ...]] = ()  # those that people want most first
    ON_A_ROW: ClassVar[frozenset[str]] = frozenset({"open"})  # actions on the row under the cursor

    def __init__(self) -> None:
        super().__init__(id=self.view_id, classes="view")
        self._rows: dict[int, Row] = {}
        self._sort_keys: dict[int, Any] = {}  # as long as item and column are the same
        self._filter = Filter()
        self._sort, self._descending = self.first_sort

    # what subclasses say

    @abstractmethod
    def items(self) -> Mapping[int, Any]:
        """What there is, by id."""

    @abstractmethod
    def row(self, item: Any) -> Row:
        """What it looks like."""

    def fields(self, item: Any) -> dict[str, str]:
        """What can be filtered by name."""
        return {}

    def sort_value(self, item: Any, column: str) -> Any:
        """Comparable within one column."""
        return item.id

    def empty_lines(self) -> list[Line]:
        """Teaches the next step when there is no row at all."""
        return []

    def detail_lines(self, item: Any, width: int, height: int) -> list[Line]:
        return []

    def touched(self, changes: Changes) -> set[int] | None:
        """Ids whose rows must be made anew; None for all."""
        return changes.of(self.kind)

    # what they inherit

    def idle(self) -> frozenset[str]:
        idle = frozenset() if self.table.keys else self.ON_A_ROW
        return idle if self.items() else idle | {"filter"}

    def compose(self) -> ComposeResult:
        ui = ui_of(self)
        yield Lines(classes="filter-line")
        terms = ["words", *(f"{name}:" for name in self.filter_names[:5]), "-not"]
        yield Input(placeholder="  ".join(terms), classes="filter-input")
        with Container(classes="body"):
            yield LiveTable(self.columns, ui.look)
            yield Lines(classes="detail")

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    @property
    def detail(self) -> Lines:
        return self.query_one(".detail", Lines)

    def on_mount(self) -> None:
        self.query_one(".filter-input").display = False
        self.query_one(".filter-line").display = False
        self.reload()

    def focus_main(self) -> None:
        give_focus(self.table)

    def reload(self) -> None:
        self._rows.clear()
        self._sort_keys.clear()
        self._show()

    def apply(self, changes: Changes) -> None:
        touched = self.touched(changes)
        if changes.everything or changes.link or touched is None:
            self.reload()
        elif touched:
            for key in touched:
                self._rows.pop(key, None)
                self._sort_keys.pop(key, None)
            self._show()

    def _show(self) -> None:
        items = self.items()
        for key, item in items.items():
            if key not in self._rows:
                self._rows[key] = self.row(item)
        for key in self._rows.keys() - items.keys():
            del self._rows[key]
            self._sort_keys.pop(key, None)
        kept = [item for item in items.values() if self._wanted(item)]
        kept.sort(key=self._sort_key, reverse=self._descending)
        table = self.table
        table.show_sort(self._sort, descending=self._descending)
        empty = self.empty_lines() if not items else [line("")] if kept else _NOTHING_MATCHES
        table.show([self._rows[item.id] for item in kept], stale=self.stale, empty=empty)
        self._show_filter()
        self.show_detail()
        self.show_keys()

    def _sort_key(self, item: Any) -> Any:
        key = self._sort_keys.get(item.id)
        if key is None:
            key = self._sort_keys[item.id] = self.sort_value(item, self._sort)
        return key

    def _wanted(self, item: Any) -> bool:
        if not self._filter:
            return True
        text = " ".join(cell.text for cell in self._rows[item.id].cells)
        return self._filter.matches(text, self.fields(item))

    def show_detail(self) -> None:
        """The pane follows the cursor."""
        pane = self.detail
        item = self.current()
        width = max(20, pane.size.width)
        lines = self.detail_lines(item, width, pane.size.height) if item is not None else []
        pane.show(lines, stale=self.stale)

    def current(self) -> Any:
        """The item under the cursor, or None."""
        key = self.table.cursor_key
        return None if key is None else self.items().get(key)

    @on(LiveTable.Moved)
    def _moved(self) -> None:
        self.show_detail()

    @on(LiveTable.Opened)
    def _double_clicked(self) -> None:
        self.action_open()

    @on(LiveTable.HeadClicked)
    def _head_clicked(self, message: LiveTable.HeadClicked) -> None:
        if message.column == self._sort:
            self.action_reverse()
        else:
            self._sort, self._descending = message.column, False
            self._sort_keys.clear()
            self._show()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_detail)

    # filter and sort

    def set_filter(self, text: str) -> None:
        self.query_one(".filter-input", Input).value = text
        self._filter = parse_filter(text, self.filter_names)
        self._show()

    @on(LiveTable.Marked)
    def _show_filter(self) -> None:
        """What narrows the list, and how many are marked: marks may stand where one does not look."""
        box, table, pieces = self.query_one(".filter-input", Input), self.table, list[Piece]()
        if self._filter:
            pieces.append((f" / {box.value.strip()}", Tone.ACCENT))
            pieces.append((f"   {len(table.keys)} of {len(self.items())}", Tone.MUTED))
        if table.marked:
            pieces.append((f"{'  ' if pieces else ''} {len(table.marked)} marked", Tone.STRONG))
            pieces.append(("   v marks up to here" if table.range_begun else "", Tone.MUTED))
        info = self.query_one(".filter-line", Lines)
        info.display = bool(pieces) and not box.display
        info.show([(*pieces, ("   Esc clears", Tone.MUTED))])

    def action_filter(self) -> None:
        box = self.query_one(".filter-input", Input)
        box.display = True
        give_focus(box)
        self._show()

    @on(Input.Changed, ".filter-input")
    def _typed(self, event: Input.Changed) -> None:
        self._filter = parse_filter(event.value, self.filter_names)
        self._show()

    @on(Input.Submitted, ".filter-input")
    def _keep_filter(self) -> None:
        self.query_one(".filter-input").display = False
        give_focus(self.table)
        self._show()

    def step_back(self) -> bool:
        box = self.query_one(".filter-input", Input)
        if box.display or self._filter:
            box.display = False
            self.set_filter("")
            give_focus(self.table)
            return True
        return self.table.clear_marks()

    def action_sort(self, step: int) -> None:
        shown = self.table.shown_columns
        if not shown:
            return
        place = shown.index(self._sort) if self._sort in shown else -1
        self._sort, self._descending = shown[(place + step) % len(shown)], False
        self._sort_keys.clear()
        self._show()

    def action_reverse(self) -> None:
        self._descending = not self._descending
        self._show()

    @abstractmethod
    def action_open(self) -> None:
        """Enter on a row."""
