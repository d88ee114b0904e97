"""A text that is read: it scrolls, fits the width anew when that changes, and closes like the help."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from ..key_order import give_focus
from ..layers import Modal
from ..widgets.line import Line
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from .dialog import CLOSE


class ReadText(Modal[None]):
    """Subclasses say what stands there."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    @abstractmethod
    def text_lines(self, width: int) -> list[Line]:
        """`width`: cells in a line."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"), ScrollPane():
            yield Lines()

    def on_mount(self) -> None:
        self._show()
        give_focus(self.query_one(ScrollPane))

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        lines = self.query_one(Lines)
        lines.show(self.text_lines(lines.size.width))

    def action_close(self) -> None:
        self.dismiss(None)
