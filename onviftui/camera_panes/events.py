"""What happened before a camera, newest first, as it comes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from proxyd.api.models import CameraEvent

from ..store import Changes
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import line
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone, format_time
from .pane import Pane

_EMPTY = [
    line(""),
    line(("    Nothing has happened yet.", Tone.STRONG)),
    line("    Motion and other events that the NVR tells"),
    line("    of this camera come here."),
]


class EventsPane(Pane):
    pane_id = "events"
    title = "Events"
    heading = "What happened, newest first"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("time", "TIME", 8),
        Column("what", "WHAT", 16, flex=1, longest=30),
        Column("topic", "TOPIC", 20, 1, flex=2),
    )

    def __init__(self, camera: int) -> None:
        super().__init__(camera)
        self._last: str | None = None
        self._rows: list[Row] | None = None  # None: not read yet

    def compose(self) -> ComposeResult:
        yield Lines(classes="pane-heading")
        yield LiveTable(self.COLUMNS, ui_of(self).look, id="events")

    def stops(self) -> list[Widget]:
        return [self.query_one("#events")]

    def shown(self) -> None:
        self.show_heading()
        self._read()

    def follow(self, changes: Changes) -> None:
        camera = self.camera
        self.redraw()
        if changes.everything or changes.link or (camera is not None and camera.last_event_at != self._last):
            self._read()

    def _read(self) -> None:
        self._last = self.camera.last_event_at if self.camera else None
        self.ask("camera.events", self._show)

    def _show(self, events: list[CameraEvent]) -> None:
        """Oldest first, as they were told. The number from the oldest is the key: the cursor stays on its event."""
        zone = ui_of(self).local_now().tzinfo
        told = [
            Row(
                number,
                " ",
                Tone.MUTED,
                (
                    Cell(format_time(event.at, zone), Tone.MUTED),
                    Cell(event.what),
                    Cell(event.topic.removeprefix("tns1:"), Tone.MUTED),
                ),
            )
            for number, event in enumerate(events)
        ]
        self._rows = told[::-1]
        self.redraw()

    def redraw(self) -> None:
        if self._rows is not None:
            self.query_one("#events", LiveTable).show(self._rows, stale=self.stale, empty=_EMPTY)
