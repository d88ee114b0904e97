"""The conversation with recorders, newest first, and what is to be said of it: who is refused, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from proxyd.api.models import Exchange, Finding, TraceEntry

from ..screens.exchange import ExchangeText
from ..store import Changes
from ..ui import ui_of
from ..widgets.camera_lines import request_cells
from ..widgets.columns import Column
from ..widgets.line import Line, line, wrap
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Look, Tone
from .pane import Pane

TRACE_LIMIT = 100
EVERY_S = 2.0
_TONES = {"problem": Tone.ERROR, "warning": Tone.WARNING, "note": Tone.TEXT, "ok": Tone.SUCCESS}
_SIGNS = {"problem": ("✖", "!"), "warning": ("◌", "~"), "note": ("○", "-"), "ok": ("●", "*")}
_KEYS = {
    r"onviftui camera credentials \d+": "p shows it",
    r"onviftui camera edit \d+ --discovery on": "press i",
    r"onviftui camera edit \d+ --https on": "Enter on HTTPS",
    r"onviftui camera doctor \d+": "x",
}
_EMPTY = [
    line(""),
    line(("    Nobody has asked yet.", Tone.STRONG)),
    line("    Add an ONVIF camera in the recorder, with the"),
    line("    address, user and password of this camera."),
]


class RequestsPane(Pane):
    """Asks every other second whether there is something new, as long as it is on the screen."""

    pane_id = "requests"
    title = "Requests"
    heading = "What recorders asked, newest first"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("time", "TIME", 8),
        Column("client", "CLIENT", 13, 1, flex=1, longest=15),
        Column("protocol", "BY", 9, 2),
        Column("operation", "ASKED FOR", 18, flex=1, longest=30),
        Column("result", "RESULT", 14, flex=2),
        Column("auth", "SIGNED BY", 13, 3),
    )

    def __init__(self, camera: int) -> None:
        super().__init__(camera)
        self._newest: tuple[int, int, str] | None = None  # number, times, at
        self._rows: list[Row] | None = None  # None: not read yet
        self._findings: list[Finding] = []
        self._watched: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield Lines(classes="pane-heading")
        yield LiveTable(self.COLUMNS, ui_of(self).look, id="requests")

    def stops(self) -> list[Widget]:
        return [self.query_one("#requests")]

    def shown(self) -> None:
        self.redraw()
        self.read()
        self.start_timer(EVERY_S, self._look)

    def follow(self, changes: Changes) -> None:
        camera = self.camera
        if camera is None:
            return
        self.redraw()
        watched = (camera.state, camera.recorder, camera.clients, camera.adopted_by, camera.note)
        if changes.everything or changes.link or watched != self._watched:
            self._watched = watched
            self.read()

    def read(self, *, doing: str = "") -> None:
        """Anew, with what is to be said of it."""
        self.ask("camera.trace", self._show, {"id": self.camera_id, "limit": TRACE_LIMIT}, doing=doing)
        self.ask("camera.diagnosis", self._diagnosed)

    def _look(self) -> None:
        """One entry tells whether there are others: a full list would be twenty times as much for nothing."""

        def arrived(trace: list[TraceEntry]) -> None:
            if _newest(trace) != self._newest:
                self.read()

        self.ask("camera.trace", arrived, {"id": self.camera_id, "limit": 1})

    def _show(self, trace: list[TraceEntry]) -> None:
        self._newest = _newest(trace)
        look, zone = ui_of(self).look, ui_of(self).local_now().tzinfo
        rows = []
        for entry in reversed(trace):
            glyph, tone, cells = request_cells(entry, look, zone)
            rows.append(Row(entry.number, glyph, tone, cells))
        self._rows = rows
        self.redraw()

    def _diagnosed(self, findings: list[Finding]) -> None:
        self._findings = findings
        self.redraw()

    def redraw(self) -> None:
        self.show_heading()
        if self._rows is not None:
            self.query_one("#requests", LiveTable).show(self._rows, stale=self.stale, empty=_EMPTY)

    def show_heading(self, more: Sequence[Line] = ()) -> None:
        room = max(2, self.size.height // 4)
        super().show_heading(diagnosis_lines(self._findings, ui_of(self).look, max(20, self.size.width - 1), room))

    def on_resize(self) -> None:
        self.redraw()

    @on(LiveTable.Opened, "#requests")
    def open(self) -> None:
        """What went over the wire in the request under the cursor."""
        number = self.query_one("#requests", LiveTable).cursor_key
        if number is not None:

            def arrived(exchange: Exchange) -> None:
                self.app.push_screen(ExchangeText(exchange))

            self.ask("camera.exchange", arrived, {"id": self.camera_id, "number": number}, doing="Reading it…")


def _newest(trace: Sequence[TraceEntry]) -> tuple[int, int, str] | None:
    return (trace[-1].number, trace[-1].times, trace[-1].at) if trace else None


def in_keys(todo: str) -> str:
    """The daemon says what to do in commands; on a camera's screen there are keys for the commonest."""
    for command, keys in _KEYS.items():
        todo = re.sub(command, keys, todo)
    return todo


def diagnosis_lines(findings: Sequence[Finding], look: Look, width: int, room: int) -> list[Line]:
    """The worst, as far as there is room; the rest stands behind `x`."""
    lines: list[Line] = []
    for number, finding in enumerate(findings):
        tone = _TONES[finding.severity]
        glyph = _SIGNS[finding.severity][look.ascii]
        said = [*wrap(finding.what, width - 3, tone, limit=3)]
        said += wrap(in_keys(finding.todo), width - 3, Tone.ACCENT, limit=3) if finding.todo else []
        if lines and len(lines) + len(said) > room:
            more = len(findings) - number
            return [*lines, line((f"   and {more} more: x", Tone.MUTED))]
        first, *rest = said
        lines += [((f" {glyph} ", tone), *first), *(((" " * 3, Tone.TEXT), *one) for one in rest)]
    return lines
