"""What was done with one camera and what the daemon's own log says of it, newest first; below them the whole of the one
under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from proxyd.api.logs import DaemonLine, DaemonLog
from proxyd.api.models import LogEntry

from ..roles import may, needed
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
    heading = "What was done, what the daemon says, newest first"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("time", "WHEN", 15),
        Column("what", "WHAT", 30, flex=1),
        Column("by", "BY", 15, 1),
    )

    def __init__(self, camera: int) -> None:
        super().__init__(camera)
        self._entries: dict[int, LogEntry] = {}
        self._lines: list[DaemonLine] = []

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
            self._read_daemon()

    def _read(self) -> None:
        """Also what is older than the entries that everybody gets."""
        self.ask("log.tail", self._take, {"limit": LIMIT, "subject": self._subject})
        self._read_daemon()

    def _read_daemon(self) -> None:
        if may(ui_of(self).store.role, needed("log.daemon")):
            self.ask("log.daemon", self._take_lines, {"camera": self.camera_id, "level": "info", "limit": LIMIT})

    def _take_lines(self, log: DaemonLog) -> None:
        self._lines = log.lines
        self._show()

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
        for key, shown in sorted(self._shown().items(), key=lambda item: item[1].at, reverse=True):
            glyph, plain, tone = _SIGNS.get(shown.level, _SIGNS["info"])
            by = shown.actor if isinstance(shown, LogEntry) else f"proxyd, {shown.part}"
            cells = (
                Cell(format_when(shown.at, now, now.tzinfo), Tone.MUTED),
                Cell(shown.message, tone),
                Cell(by, Tone.MUTED),
            )
            rows.append(Row(key, plain if ui.look.ascii else glyph, tone, cells))
        self.table.show(rows, stale=self.stale, empty=_EMPTY)
        self._show_detail()

    def _shown(self) -> dict[int, LogEntry | DaemonLine]:
        """By the key of the row: the daemon's own lines have numbers of their own."""
        return {**self._entries, **{-one.id: one for one in self._lines}}

    @on(LiveTable.Moved, "#camera-log")
    def _show_detail(self) -> None:
        found = self._shown().get(self.table.cursor_key or 0)
        shown = wrap(found.message, max(20, self.size.width - 3), Tone.TEXT, limit=4) if found else []
        self.query_one("#camera-log-detail", Lines).show([((" ", Tone.TEXT), *one) for one in shown])

    def on_resize(self) -> None:
        self._show_detail()
