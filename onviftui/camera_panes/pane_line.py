"""The line that names the panes of a camera's screen."""

from __future__ import annotations

from textual import events
from textual.message import Message

from ..widgets.line import Piece, line_len
from ..widgets.paint import Lines
from ..words import Look, Tone
from .pane import Pane


class PaneLine(Lines):
    """The panes by name; a click switches."""

    class Chosen(Message):
        def __init__(self, pane: str) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self) -> None:
        super().__init__(id="panes")
        self._places: list[tuple[int, int, str]] = []

    def show_panes(self, panes: list[type[Pane]], current: str, look: Look) -> None:
        pieces: list[Piece] = [(" ", Tone.TEXT)]
        self._places = []
        for pane in panes:
            active = pane.pane_id == current
            start = line_len(tuple(pieces))
            pieces.append((f"{look.cursor if active else ' '}{pane.title}", Tone.STRONG if active else Tone.MUTED))
            self._places.append((start, line_len(tuple(pieces)), pane.pane_id))
            pieces.append(("  ", Tone.TEXT))
        self.show([tuple(pieces)])

    def on_click(self, event: events.Click) -> None:
        for start, end, pane in self._places:
            if start <= event.x < end:
                self.post_message(self.Chosen(pane))
