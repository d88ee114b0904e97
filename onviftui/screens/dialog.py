"""Small dialogs: ask before something is destroyed, ask for one line of text."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input

from ..key_order import give_focus
from ..layers import Modal
from ..widgets.line import Line, line, wrap
from ..widgets.paint import Lines
from ..words import Tone

WIDTH = 62
CLOSE: list[BindingType] = [
    Binding("escape", "close", show=False),
    Binding("q", "close", show=False),
    Binding("ctrl+c", "app.interrupt", show=False, priority=True),
]


class Confirm(Modal[bool]):
    """Yes or no. With `typed` the user must type that word, for what cannot be undone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *CLOSE,
        Binding("y", "yes", show=False),
        Binding("n", "close", show=False),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, body: str, do: str, typed: str = "") -> None:
        super().__init__()
        self._title = title
        self._body = body
        self._do = do
        self._typed = typed

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Lines(id="title")
            if self._typed:
                yield Input(placeholder=self._typed, compact=True, id="typed")
            with Horizontal(classes="buttons"):
                yield Button("Keep", id="no", compact=True)
                yield Button(self._do, id="yes", compact=True, variant="error", disabled=bool(self._typed))

    def on_mount(self) -> None:
        lines: list[Line] = [line((self._title, Tone.STRONG)), line("")]
        lines += wrap(self._body, WIDTH, Tone.TEXT, limit=10)
        if self._typed:
            lines += [line(""), line("Type ", (self._typed, Tone.ACCENT), " to go on.")]
        lines.append(line(""))
        self.query_one("#title", Lines).show(lines)
        give_focus(self.query_one("#typed" if self._typed else "#no"))

    @on(Input.Changed)
    def _check_word(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value.strip() != self._typed

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_yes()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_yes(self) -> None:
        if not self.query_one("#yes", Button).disabled:
            self.dismiss(True)

    def action_close(self) -> None:
        self.dismiss(False)


class AskText(Modal[str | None]):
    """One line of text; None when the user changed his mind, and when it is as before, unless `same` may be taken."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    def __init__(
        self,
        title: str,
        value: str,
        hint: str = "Enter saves, Esc goes back",
        *,
        same: bool = False,
        longest: int = 64,
    ) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._hint = hint
        self._same = same
        self._longest = longest

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Lines(id="title")
            yield Input(self._value, compact=True, max_length=self._longest)
            yield Lines(id="hint")

    def on_mount(self) -> None:
        self.query_one("#title", Lines).show([line((self._title, Tone.STRONG)), line("")])
        self.query_one("#hint", Lines).show([line(""), line((self._hint, Tone.MUTED))])

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        self.dismiss(text if text and (self._same or text != self._value) else None)

    def action_close(self) -> None:
        self.dismiss(None)
