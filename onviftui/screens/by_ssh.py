"""What a session by SSH cannot do, since files are on the user's own machine: the one line that does it from there."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ..layers import Modal
from ..ui import ui_of
from ..widgets.line import Line, line, wrap
from ..widgets.paint import Lines
from ..words import Tone
from .dialog import CLOSE, WIDTH

_WIDEST = 76  # of the line itself


class BySsh(Modal[None]):
    """Says it, and copies it where the terminal allows that."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *CLOSE,
        Binding("y", "copy", show=False),
        Binding("enter", "close", show=False),
    ]

    def __init__(self, title: str, why: str, command: str, then: str = "") -> None:
        """`command` is that line, `then` what comes after it."""
        super().__init__()
        self._title = title
        self._why = why
        self._command = command
        self._then = then

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog copy"):
            yield Lines(id="title")

    def on_mount(self) -> None:
        lines: list[Line] = [line((self._title, Tone.STRONG)), line(""), *wrap(self._why, WIDTH)]
        lines += [line(""), *wrap(self._command, max(WIDTH, min(_WIDEST, self.app.size.width - 12)), Tone.ACCENT)]
        lines += [line(""), *wrap(f"BOX is how you log in here. {self._then}".strip(), WIDTH, Tone.MUTED)]
        lines += [line(""), line(("y copies the line   Esc closes this", Tone.MUTED))]
        self.query_one("#title", Lines).show(lines)

    def action_copy(self) -> None:
        ui_of(self).copy(self._command, "line")
        self.dismiss(None)

    def action_close(self) -> None:
        self.dismiss(None)
