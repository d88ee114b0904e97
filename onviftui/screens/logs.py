"""View 7: what happened, newest first; Enter opens the camera or NVR that the entry is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from proxyd.api.models import LogEntry

from ..keys import view_bindings
from ..store import Changes
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import Line, line, wrap
from ..widgets.rows import Row
from ..words import HUMAN_GLYPH, OFF_GLYPH, Sign, Tone, format_time, format_when
from .view import TableView

_SIGNS = {
    "info": Sign(*OFF_GLYPH, "info"),
    "warning": Sign("▲", "!", Tone.WARNING, "warning"),
    "error": Sign(*HUMAN_GLYPH, "error"),
}
_SUBJECT = re.compile(r"(camera|nvr) (\d{1,15})")


class LogsView(TableView):
    view_id = "logs"
    kind = "log"
    BINDINGS = view_bindings("logs")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("time", "TIME", 8),
        Column("subject", "ABOUT", 14, flex=1, longest=24),
        Column("message", "MESSAGE", 40, flex=5),
        Column("actor", "BY", 10, 2),
    )
    first_sort = ("time", True)
    filter_names = frozenset({"level", "about", "by"})

    def items(self) -> Mapping[int, Any]:
        return ui_of(self).store.log

    def apply(self, changes: Changes) -> None:
        if changes.everything or changes.link or changes.of("camera") or changes.of("nvr"):
            self.reload()
        elif changes.log:
            self._show()

    def _about(self, item: LogEntry) -> str:
        """The name instead of the number, while it is known."""
        match = _SUBJECT.fullmatch(item.subject)
        if not match:
            return item.subject
        store = ui_of(self).store
        known: Any = (store.cameras if match[1] == "camera" else store.nvrs).get(int(match[2]))
        return known.name if known else item.subject

    def row(self, item: LogEntry) -> Row:
        sign = _SIGNS[item.level]
        tone = Tone.TEXT if item.level == "info" else sign.tone
        ui = ui_of(self)
        cells = (
            Cell(format_time(item.at, ui.local_now().tzinfo), Tone.MUTED),
            Cell(self._about(item)),
            Cell(item.message, tone),
            Cell(item.actor, Tone.MUTED),
        )
        return Row(item.id, ui.look.glyph(sign), sign.tone, cells)

    def fields(self, item: LogEntry) -> dict[str, str]:
        return {"level": item.level, "about": f"{item.subject} {self._about(item)}", "by": item.actor}

    def sort_value(self, item: LogEntry, column: str) -> Any:
        values: dict[str, Any] = {"subject": self._about(item), "message": item.message, "actor": item.actor}
        return values.get(column, item.id)

    def empty_lines(self) -> list[Line]:
        return [line(""), line(("    Nothing has happened yet.", Tone.MUTED))]

    def detail_lines(self, item: LogEntry, width: int, height: int) -> list[Line]:
        ui = ui_of(self)
        when = format_when(item.at, ui.local_now(), ui.local_now().tzinfo)
        words = wrap(
            item.message, max(20, width - 2), _SIGNS[item.level].tone if item.level != "info" else Tone.TEXT, 3
        )
        head = line((f" {self._about(item)}", Tone.STRONG), (f"   {item.level}   {when}", Tone.MUTED))
        return [head, *[((" ", Tone.TEXT), *w) for w in words]]

    def action_open(self) -> None:
        item = self.current()
        match = _SUBJECT.fullmatch(item.subject) if item is not None else None
        if not match:
            return
        store, number = ui_of(self).store, int(match[2])
        if match[1] == "camera" and number in store.cameras:
            ui_of(self).open_camera(number)
        elif match[1] == "nvr" and number in store.nvrs:
            ui_of(self).show_view("nvrs", f'name:"{store.nvrs[number].name}"')
        else:
            ui_of(self).toast(f"{item.subject} no longer exists.")
