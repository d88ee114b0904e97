"""Base of the screens behind System that show a list of the daemon's: a title, a table, and words about one row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from ..key_order import give_focus
from ..store import Changes
from ..ui import is_there, ui_of
from ..widgets.columns import Column
from ..widgets.frame import KeyFooter
from ..widgets.line import Line, line
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone
from .live_screen import LiveScreen


class RowsScreen(LiveScreen):
    """Asks when it opens, when the daemon has come back, and when the log has news: somebody changed something."""

    TITLE_WORDS: ClassVar[tuple[str, str]]
    COLUMNS: ClassVar[tuple[Column, ...]]
    ON_A_ROW: ClassVar[frozenset[str]] = frozenset({"open"})  # actions on the row under the cursor
    follows_log: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._asked = False

    # what subclasses say

    @abstractmethod
    def ask(self, doing: str) -> None:
        """Have the daemon tell; the answer must call `show_rows`. `doing` is shown meanwhile."""

    @abstractmethod
    def items(self) -> Mapping[int, Any]:
        """What there is, by row."""

    @abstractmethod
    def row(self, key: int, item: Any) -> Row:
        """What it looks like."""

    def detail_lines(self, item: Any, width: int) -> list[Line]:
        return []

    def empty_lines(self) -> Sequence[Line]:
        return []

    def idle(self, item: Any) -> frozenset[str]:
        """Actions that can do nothing on this row, or without one: the footer leaves them out."""
        return self.ON_A_ROW if item is None else frozenset()

    # what they inherit

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Lines(id="camera-title")
        yield LiveTable(self.COLUMNS, ui_of(self).look)
        yield Lines(classes="detail")
        yield KeyFooter(self.view_id)

    def on_mount(self) -> None:
        super().on_mount()
        give_focus(self.query_one(LiveTable))
        self.show_rows()
        self.action_refresh()

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if changes.link:
            self.show_rows()
        if (changes.everything or (changes.log and self.follows_log)) and not self.stale:
            self.ask("")

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self.show_rows)

    def action_refresh(self) -> None:
        self.ask("Reading…")

    def show_rows(self) -> None:
        if not is_there(self):
            return
        what, why = self.TITLE_WORDS
        self.query_one("#camera-title", Lines).show(
            [line((f" {what}", Tone.STRONG), (f"   {why}", Tone.MUTED))], stale=self.stale
        )
        rows = [self.row(key, item) for key, item in self.items().items()]
        self.query_one(LiveTable).show(rows, stale=self.stale, empty=self.empty_lines())
        self._show_detail()

    @on(LiveTable.Moved)
    def _show_detail(self) -> None:
        item = self.current
        width = max(20, self.app.size.width - 2)
        self.query_one(".detail", Lines).show(
            self.detail_lines(item, width) if item is not None else [], stale=self.stale
        )
        self.query_one(KeyFooter).show_idle(self.idle(item))

    @property
    def current(self) -> Any:
        """The item under the cursor, or None."""
        key = self.query_one(LiveTable).cursor_key
        return None if key is None else self.items().get(key)

    @on(LiveTable.Opened)
    def _double_clicked(self) -> None:
        self.action_open()

    @abstractmethod
    def action_open(self) -> None:
        """Enter on a row."""
