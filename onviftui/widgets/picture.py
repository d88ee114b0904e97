"""A picture among the cells of the screen, or words in its place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from ..pictures.blocks import Colour, Run
from ..pictures.drawing import Drawn
from ..ui import ui_of
from ..words import Tone
from .line import Line, cut, line_len, to_ascii
from .paint import Palette


@lru_cache(maxsize=4096)
def run_style(front: Colour | None, back: Colour | None) -> Style:
    return Style(color=Color.from_rgb(*front) if front else None, bgcolor=Color.from_rgb(*back) if back else None)


def run_segments(row: Sequence[Run], base: Style) -> list[Segment]:
    """One row of a picture; where it has no colours of its own, in those of the base."""
    return [Segment(text, base + run_style(front, back)) for text, front, back in row]


class PictureBox(Widget):
    """`show` draws a picture in the middle, `say` lines of text."""

    DEFAULT_CSS = "PictureBox { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._palette = Palette(self)
        self._drawn: Drawn | None = None
        self._lines: list[Line] = []

    @property
    def drawn(self) -> Drawn | None:
        return self._drawn

    def show(self, drawn: Drawn) -> None:
        self._drawn, self._lines = drawn, []
        self.refresh()

    def say(self, lines: Sequence[Line]) -> None:
        self._drawn, self._lines = None, list(lines)
        self.refresh()

    @property
    def picture_region(self) -> Region:
        """Where the picture is on the screen; empty without one."""
        if self._drawn is None:
            return Region()
        left, top = self._corner(self._drawn.columns, len(self._drawn.rows))
        place = Region(left, top, self._drawn.columns, len(self._drawn.rows))
        return place.translate(self.content_region.offset).intersection(self.content_region)

    def _corner(self, width: int, height: int) -> tuple[int, int]:
        return max(0, (self.size.width - width) // 2), max(0, (self.size.height - height) // 2)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self._palette.style(Tone.TEXT)
        drawn = self._drawn
        if drawn is None:
            return self._text_line(y, base)
        left, top = self._corner(drawn.columns, len(drawn.rows))
        if not top <= y < top + len(drawn.rows):
            return Strip([Segment(" " * width, base)], width)
        segments = run_segments(drawn.rows[y - top], base)
        return Strip([Segment(" " * left, base), *segments]).adjust_cell_length(width, base)

    def _text_line(self, y: int, base: Style) -> Strip:
        width = self.size.width
        _, top = self._corner(0, len(self._lines))
        pieces = cut(self._lines[y - top], width - 2) if 0 <= y - top < len(self._lines) else ()
        if ui_of(self).look.ascii:
            pieces = tuple((to_ascii(text), tone) for text, tone in pieces)
        left = (width - line_len(pieces)) // 2
        segments = [Segment(text, self._palette.style(tone)) for text, tone in pieces]
        return Strip([Segment(" " * left, base), *segments]).adjust_cell_length(width, base)

    def notify_style_update(self) -> None:
        self._palette.clear()
        super().notify_style_update()

    def render(self) -> Any:
        return ""
