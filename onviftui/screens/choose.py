"""A dialog with a few lines, of which one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ..key_order import give_focus
from ..layers import Modal
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import line
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone
from .dialog import CLOSE

_MOST_LINES = 12  # more scroll
_MOST_CELLS = 24  # of the first column


class Choose(Modal[int | None]):
    """Dismissed with the number of the line, from 0; None when the user changed his mind."""

    BINDINGS: ClassVar[list[BindingType]] = [*CLOSE, Binding("enter", "choose", show=False)]

    def __init__(self, title: str, lines: Sequence[tuple[str, str]], first: int = 0) -> None:
        """Each line is a word or two, and what it means."""
        super().__init__()
        self._title = title
        self._lines = lines
        self._first = first

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Lines(id="title")
            longest = min(_MOST_CELLS, max(cell_len(what) for what, _ in self._lines))
            yield LiveTable((Column("what", "", longest), Column("why", "", 20, flex=1)), ui_of(self).look)
            yield Lines(id="hint")

    def on_mount(self) -> None:
        self.query_one("#title", Lines).show([line((self._title, Tone.STRONG))])
        self.query_one("#hint", Lines).show([line(""), line(("Enter takes it, Esc goes back", Tone.MUTED))])
        table = self.query_one(LiveTable)
        table.styles.height = min(len(self._lines), _MOST_LINES) + 1
        rows = [
            Row(number, " ", Tone.TEXT, (Cell(what, Tone.TEXT), Cell(why, Tone.MUTED)))
            for number, (what, why) in enumerate(self._lines)
        ]
        table.show(rows)
        table.move_to(self._first)
        give_focus(table)

    @on(LiveTable.Opened)
    def action_choose(self) -> None:
        self.dismiss(self.query_one(LiveTable).cursor_key)

    def action_close(self) -> None:
        self.dismiss(None)
