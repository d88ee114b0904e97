"""What stands in the place of everything while the terminal is too small to be of use."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size

from ..layers import Modal
from ..widgets.line import line, wrap
from ..widgets.paint import Lines
from ..words import Tone

LEAST = Size(60, 15)


def too_small(size: Size) -> bool:
    return size.width < LEAST.width or size.height < LEAST.height


class TooSmall(Modal[None]):
    """Goes by itself. What was on the screen is as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "app.leave", show=False),
        Binding("ctrl+c", "app.interrupt", show=False, priority=True),
    ]
    CSS = "TooSmall { background: $background; align: left top; }"

    def compose(self) -> ComposeResult:
        yield Lines()

    def on_mount(self) -> None:
        self._look()

    def on_resize(self) -> None:
        self._look()

    def on_screen_resume(self, _: Any) -> None:
        self._look()

    def _look(self) -> None:
        size = self.app.size
        if not too_small(size):
            if self.is_current:
                self.dismiss(None)
            return
        times = f"{size.width}x{size.height}"
        words = f"This terminal is too small: {times}. It takes {LEAST.width}x{LEAST.height}. q quits."
        self.query_one(Lines).show(wrap(words, max(1, size.width), Tone.WARNING) or [line("")])
