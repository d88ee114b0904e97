"""Screens on top of one another: what cannot be seen is not painted, and of what shines through only what changed.

Textual 8.2 takes the screen under the top one for visible even where that hides it, and paints the whole of the top one
for each cell that changes below: some 50 kB/s while cameras play. What is private there is used here alone.
"""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from textual.app import App
from textual.screen import ModalScreen, Screen, ScreenResultType

from .widgets.partial import CellCompositor


class Layered(App[int]):
    """An application whose hidden screens rest. They are painted whole when they can be seen again."""

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        if not self._screen_stack or self._screen_stack[-1].styles.background.a == 1:
            return []
        return super()._background_screens

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        if renderable is not None:
            self.painted()

    def painted(self) -> None:
        """A frame was given to the terminal."""


class Modal(ModalScreen[ScreenResultType]):
    """A dialog, through which the screen below is seen."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = CellCompositor()

    def _compositor_refresh(self) -> None:
        if not shine_through(self):
            super()._compositor_refresh()


def shine_through(screen: Screen[Any]) -> bool:
    """Where a screen is seen through others, have the top one paint what changed of it, but for what its boxes hide.
    False where it is the top one itself, or hidden."""
    app = screen.app
    below = app._background_screens
    if screen not in below:
        return False
    changed = set(screen._compositor._dirty_regions)
    screen._compositor._dirty_regions.clear()
    screen._dirty_widgets.clear()
    boxes = [child.region for child in app.screen.children if child.styles.background.a == 1]
    seen = [region for region in changed if not any(box.contains_region(region) for box in boxes)]
    if seen:
        for between in below[below.index(screen) + 1 :]:
            between._set_dirty(*seen)  # it remembers how we looked
        app.screen.refresh(*seen)
    return True
