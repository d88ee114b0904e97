"""The log entries about one camera, newest first; below them the whole of the one under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from proxyd.api.models import LogEntry

from ..store import Changes
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import line, wrap
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone, format_when
from .pane import Pane

LIMIT = 200
_SIGNS = {"info": (" ", " ", Tone.TEXT), "warning": ("◌", "~", Tone.WARNING), "error": ("✖", "!", Tone.ERROR)}
_EMPTY = [line(""), line(("    Nothing has been written about this camera yet.", Tone.STRONG))]


class LogsPane(Pane):
    pane_id = "logs"
    title = "Logs"
    heading = "What was done with it, newest first"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("time", "WHEN", 15),
        Column("what", "WHAT", 30, flex=1),
        Column("by", "BY", 10, 1, longest=20),
    )

    def __init__(self, camera: int) -> None:
        super().__init__(camera)
        self._entries: dict[int, LogEntry] = {}

    def compose(self) -> ComposeResult:
        yield Lines(classes="pane-heading")
        yield LiveTable(self.COLUMNS, ui_of(self).look, id="camera-log")
        yield Lines(id="camera-log-detail")

    @property
    def table(self) -> LiveTable:
        return self.query_one("#camera-log", LiveTable)

    def stops(self) -> list[Widget]:
        return [self.table]

    def shown(self) -> None:
        self.show_heading()
        self._show()
        self._read()

    def follow(self, changes: Changes) -> None:
        if changes.everything or changes.link:
            self._read()
        elif changes.log:
            self._take(list(ui_of(self).store.log.values()))

    def _read(self) -> None:
        """Also what is older than the entries that everybody gets."""
        self.ask("log.tail", self._take, {"limit": LIMIT, "subject": self._subject})

    @property
    def _subject(self) -> str:
        return f"camera {self.camera_id}"

    def _take(self, entries: list[LogEntry]) -> None:
        self._entries |= {entry.id: entry for entry in entries if entry.subject == self._subject}
        for old in sorted(self._entries)[:-LIMIT]:
            del self._entries[old]
        self._show()

    def _show(self) -> None:
        ui = ui_of(self)
        now = ui.local_now()
        rows = []
        for entry in sorted(self._entries.values(), key=lambda one: -one.id):
            glyph, plain, tone = _SIGNS[entry.level]
            cells = (
                Cell(format_when(entry.at, now, now.tzinfo), Tone.MUTED),
                Cell(entry.message, tone),
                Cell(entry.actor, Tone.MUTED),
            )
            rows.append(Row(entry.id, plain if ui.look.ascii else glyph, tone, cells))
        self.table.show(rows, stale=self.stale, empty=_EMPTY)
        self._show_detail()

    @on(LiveTable.Moved, "#camera-log")
    def _show_detail(self) -> None:
        entry = self._entries.get(self.table.cursor_key or 0)
        words = f"{entry.message}{f'  ({entry.actor})' if entry.actor else ''}" if entry else ""
        shown = wrap(words, max(20, self.size.width - 3), Tone.TEXT, limit=4) if words else []
        self.query_one("#camera-log-detail", Lines).show([((" ", Tone.TEXT), *one) for one in shown])

    def on_resize(self) -> None:
        self._show_detail()
