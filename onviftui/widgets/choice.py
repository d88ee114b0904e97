"""A field with a few right answers: all of them stand in its line, and the one that is chosen says what it means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from ..words import Tone
from .line import Line
from .paint import Lines


class Choice(Lines, can_focus=True):
    """`value` is the word that is chosen. Arrows and Space go on to the next, a first letter goes to its word."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "turn(1)", show=False),
        Binding("left", "turn(-1)", show=False),
        Binding("enter", "submit", show=False),
    ]
    DEFAULT_CSS = "Choice { width: 1fr; height: 1; }"

    class Submitted(Message):
        """Enter: on to the next field."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, options: Sequence[tuple[str, str]], value: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        """Word and meaning of each; the first is chosen where `value` is none of the words."""
        super().__init__(id=id)
        self._options = options
        self._words = [word for word, _ in options]
        self.value = value if value in self._words else self._words[0]

    def on_mount(self) -> None:
        self._draw()

    def _draw(self) -> None:
        pieces: Line = ()
        for word, _ in self._options:
            chosen = word == self.value
            pieces += ((f"[{word}]" if chosen else f" {word} ", Tone.ACCENT if chosen else Tone.MUTED),)
        self.show([(*pieces, (f"  {dict(self._options)[self.value]}", Tone.TEXT))])

    def _choose(self, word: str) -> None:
        self.value = word
        self._draw()

    def row_class(self, y: int) -> str:
        return "row--cursor" if self.has_focus else ""

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_key(self, event: events.Key) -> None:
        word = next((word for word in self._words if event.character and word.startswith(event.character.lower())), "")
        if word:
            event.stop()
            self._choose(word)

    def on_click(self, event: events.Click) -> None:
        end = 0
        for word in self._words:
            end += len(word) + 2
            if event.x < end:
                self._choose(word)
                return

    def action_turn(self, step: int) -> None:
        self._choose(self._words[(self._words.index(self.value) + step) % len(self._words)])

    def action_submit(self) -> None:
        self.post_message(self.Submitted(self))
