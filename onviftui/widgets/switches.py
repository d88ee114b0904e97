"""A list of switches that are on, off, or left as they are: one line each, the cursor keys move and change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from ..words import Tone
from .line import Line, fit
from .paint import Lines

_LABEL = 11
_WORDS: dict[bool | None, str] = {None: "leave", True: "on", False: "off"}
_ORDER = (None, True, False)


class Switches(Lines, can_focus=True):
    """`values` has None where nothing is to be changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("right,l,space,enter", "turn(1)", show=False),
        Binding("left,h", "turn(-1)", show=False),
    ]

    class Changed(Message):
        """One of them was changed."""

    def __init__(self, switches: Sequence[tuple[str, str, str]], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        """Name, label, and what "on" means, of each."""
        super().__init__(id=id)
        self._switches = switches
        self._cursor = 0
        self.values: dict[str, bool | None] = {name: None for name, _, _ in switches}

    def on_mount(self) -> None:
        self._draw()

    def _draw(self) -> None:
        self.show([self._line(name, label, what) for name, label, what in self._switches])

    def _line(self, name: str, label: str, what: str) -> Line:
        value = self.values[name]
        choices: list[tuple[str, Tone]] = []
        for choice in _ORDER:
            chosen = choice is value
            word = f"[{_WORDS[choice]}]" if chosen else f" {_WORDS[choice]} "
            choices.append((word, Tone.ACCENT if chosen and value is not None else Tone.TEXT if chosen else Tone.MUTED))
        return ((fit(label, _LABEL), Tone.MUTED), *choices, (f"  {what}", Tone.MUTED))

    def row_class(self, y: int) -> str:
        return "row--cursor" if self.has_focus and y == self._cursor else ""

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        self._cursor = min(event.y, len(self._switches) - 1)
        self.action_turn(1)
        self.refresh()

    def action_move(self, step: int) -> None:
        """Beyond the first and the last one to the next field."""
        if not 0 <= self._cursor + step < len(self._switches):
            if step > 0:
                self.screen.focus_next()
            else:
                self.screen.focus_previous()
            return
        self._cursor += step
        self.refresh()

    def action_turn(self, step: int) -> None:
        name = self._switches[self._cursor][0]
        self.values[name] = _ORDER[(_ORDER.index(self.values[name]) + step) % len(_ORDER)]
        self._draw()
        self.post_message(self.Changed())
