"""Every key that does something here, from the one table, in groups; `/` finds one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from proxyd.api.models import Role

from ..key_order import give_focus
from ..keys import Key, help_groups
from ..layers import Modal
from ..ui import ui_of
from ..widgets.line import Line, fit, line, line_len, wrap
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from ..words import Tone
from .dialog import CLOSE

_KEY = 10  # cells for the key
_TEXT = 58  # and for what it does
_TEXT_BESIDE = 40  # at least, where two columns stand beside each other
_BETWEEN = 3
_AROUND = 16  # of the dialog: border, padding, scroll bar, and what is seen of the screen below


class Help(Modal[None]):
    """The keys of one place. On a wide terminal the groups stand in two columns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *CLOSE,
        Binding("question_mark", "close", show=False),
        Binding("slash", "find", show=False),
    ]

    def __init__(self, view: str) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"):
            yield Input(placeholder="a key, or what it does", compact=True, id="typed")
            with ScrollPane():
                yield Lines(id="keys")
            yield Lines(id="hint")

    def on_mount(self) -> None:
        self.query_one("#typed").display = False
        self.query_one("#hint", Lines).show([line(("/ finds a key   j k scroll   Esc closes this help", Tone.MUTED))])
        self._show("")
        give_focus(self.query_one(ScrollPane))

    def on_resize(self) -> None:
        self.call_after_refresh(self._show, self.query_one("#typed", Input).value)

    def _show(self, typed: str) -> None:
        beside = min(_TEXT, (self.app.size.width - _AROUND - _BETWEEN) // 2 - _KEY)
        wide = beside >= _TEXT_BESIDE
        self.query_one(".help").set_class(wide, "wide")
        keys = help_lines(self._view, ui_of(self).store.role, typed, text=beside if wide else _TEXT, wide=wide)
        self.query_one("#keys", Lines).show(keys)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value)

    @on(Input.Submitted)
    def _found(self) -> None:
        give_focus(self.query_one(ScrollPane))

    def action_find(self) -> None:
        box = self.query_one("#typed", Input)
        box.display = True
        give_focus(box)

    def action_close(self) -> None:
        box = self.query_one("#typed", Input)
        if box.display:  # first out of the search, then out of the help
            box.value, box.display = "", False
            give_focus(self.query_one(ScrollPane))
        else:
            self.dismiss(None)


def help_lines(view: str, role: Role, typed: str = "", *, text: int = _TEXT, wide: bool = False) -> list[Line]:
    """The groups below each other, or the first beside the rest; those keys alone that hold every typed word. `text`:
    cells for what a key does."""
    words = typed.casefold().split()
    groups: list[list[Line]] = []
    for title, keys in help_groups(view, role):
        kept = [key for key in keys if all(word in f"{key.shown} {key.help}".casefold() for word in words)]
        if kept:
            shown = (part for key in kept for part in _key_lines(key, text))
            groups.append([line((title, Tone.STRONG)), *shown, line("")])
    if not groups:
        return [line(("No key does that here. Ctrl-p opens the palette.", Tone.MUTED))]
    if not wide or len(groups) < 2:
        return [shown for group in groups for shown in group]
    return _beside(groups[0], [shown for group in groups[1:] for shown in group], _KEY + text + _BETWEEN)


def _key_lines(key: Key, text: int) -> list[Line]:
    wrapped = wrap(key.help, text, limit=3)
    first = line((fit(key.shown, _KEY), Tone.ACCENT), *wrapped[0])
    return [first, *(line((" " * _KEY, Tone.TEXT), *more) for more in wrapped[1:])]


def _beside(left: Sequence[Line], right: Sequence[Line], width: int) -> list[Line]:
    """`width`: of the left column, with what is between them."""
    lines: list[Line] = []
    for place in range(max(len(left), len(right))):
        one = left[place] if place < len(left) else ()
        other = right[place] if place < len(right) else ()
        lines.append(line(*one, (" " * (width - line_len(one)), Tone.TEXT), *other))
    return lines
