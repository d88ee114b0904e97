"""What can be taken back: the changes of the configuration since the daemon started, the last one first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from proxyd.api.undo import Undoable

from ..keys import view_bindings
from ..roles import may
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import Line, line, wrap
from ..widgets.rows import Row
from ..words import Tone, format_when
from .rows_screen import RowsScreen


class UndoScreen(RowsScreen):
    view_id = "undo"
    BINDINGS = view_bindings("undo")
    TITLE_WORDS = ("Undo", "what was changed since proxyd started, the last change first")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("at", "WHEN", 15),
        Column("who", "BY", 12, 2, flex=1, longest=28),
        Column("what", "WHAT", 30, flex=4),
    )

    def __init__(self) -> None:
        super().__init__()
        self._known: list[Undoable] | None = None

    def ask(self, doing: str) -> None:
        ui_of(self).ask("undo.list", doing=doing, then=self._arrived)

    def _arrived(self, known: list[Undoable]) -> None:
        self._known = known
        self.show_rows()

    def items(self) -> Mapping[int, Any]:
        return {one.number: one for one in self._known or []}

    def row(self, key: int, item: Undoable) -> Row:
        now = ui_of(self).local_now()
        tone = Tone.TEXT if self._may(item) else Tone.MUTED
        when = format_when(item.at, now, now.tzinfo)
        return Row(key, " ", tone, (Cell(when, Tone.MUTED), Cell(item.who, Tone.MUTED), Cell(item.what, tone)))

    def _may(self, item: Undoable) -> bool:
        return may(ui_of(self).store.role, item.role)

    def detail_lines(self, item: Undoable, width: int) -> list[Line]:
        words = [((" ", Tone.TEXT), *w) for w in wrap(item.what, width - 1, limit=2)]
        hint = (
            " Enter takes it back (asks first)." if self._may(item) else f" Only the role {item.role} may take it back."
        )
        return [*words, line((hint, Tone.MUTED))]

    def empty_lines(self) -> Sequence[Line]:
        if self._known is None:
            return [line("")]
        return [
            line(""),
            line(("    There is nothing to take back since proxyd started.", Tone.STRONG)),
            line("    Names, switches, accounts, removed cameras and NVRs can be taken back here,"),
            line("    the last one from everywhere with ", ("u", Tone.ACCENT), "."),
        ]

    def action_open(self) -> None:
        if self.current is not None:
            ui_of(self).undo(self.current)
