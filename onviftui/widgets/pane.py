"""A pane of text that scrolls by the same keys as the lists do, at once rather than in many small steps."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

# How all lists and panes are moved in.
MOVES: list[BindingType] = [
    Binding("down,j", "move(1)", show=False),
    Binding("up,k", "move(-1)", show=False),
    Binding("ctrl+d", "half_page(1)", show=False),
    Binding("ctrl+u", "half_page(-1)", show=False),
    Binding("pagedown,ctrl+f", "page(1)", show=False),
    Binding("pageup,ctrl+b", "page(-1)", show=False),
    Binding("g,home", "first", show=False),
    Binding("G,end", "last", show=False),
]


class ScrollPane(VerticalScroll):
    """Takes the focus; its contents are its children's business."""

    BINDINGS: ClassVar[list[BindingType]] = MOVES

    def _by(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_target_y + lines, animate=False)

    def action_move(self, step: int) -> None:
        self._by(step)

    def action_half_page(self, direction: int) -> None:
        self._by(direction * max(1, self.size.height // 2))

    def action_page(self, direction: int) -> None:
        self._by(direction * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_last(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False)
