"""What happened before a camera, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical

from proxyd.api.models import CameraEvent

from ..words import Look, Tone, format_time
from .columns import Cell, Column
from .line import line
from .livetable import LiveTable
from .paint import Lines
from .rows import Row


class EventPane(Vertical):
    """A title and a table with the id `events`."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("time", "TIME", 8),
        Column("what", "WHAT", 16, flex=1, longest=30),
        Column("topic", "TOPIC", 20, 1, flex=2),
    )

    def __init__(self, look: Look) -> None:
        super().__init__(id="events-side")
        self._look = look

    def compose(self) -> ComposeResult:
        yield Lines(id="events-title")
        yield LiveTable(self.COLUMNS, self._look, id="events")

    def show(self, events: Sequence[CameraEvent], zone: tzinfo | None) -> None:
        """`events` oldest first, as `camera.events` gives them."""
        self.query_one("#events-title", Lines).show([line((" What happened, newest first", Tone.MUTED))])
        rows = [
            Row(
                len(events) - number,
                " ",
                Tone.MUTED,
                (
                    Cell(format_time(event.at, zone), Tone.MUTED),
                    Cell(event.what),
                    Cell(event.topic.removeprefix("tns1:"), Tone.MUTED),
                ),
            )
            for number, event in enumerate(reversed(events))
        ]
        empty = [
            line(""),
            line(("    Nothing has happened yet.", Tone.STRONG)),
            line("    Motion and other events that the NVR tells"),
            line("    of this camera come here."),
        ]
        self.query_one("#events", LiveTable).show(rows, empty=empty)
