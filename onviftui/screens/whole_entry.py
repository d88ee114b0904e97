"""One entry of a log in full."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from ..key_order import give_focus
from ..ui import ui_of
from ..widgets.log_lines import AnyEntry, whole_lines
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from .dialog import CLOSE


class WholeEntry(ModalScreen[None]):
    """Scrolls; closes like the help."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    def __init__(self, entry: AnyEntry, about: str) -> None:
        super().__init__()
        self._entry = entry
        self._about = about

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
        lines.show(whole_lines(self._entry, self._about, ui_of(self).local_now(), max(30, lines.size.width)))

    def action_close(self) -> None:
        self.dismiss(None)
