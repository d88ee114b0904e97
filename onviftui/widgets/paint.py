"""From tones to terminal styles, and a widget of lines that repaints only the lines that changed.

The colours of a tone are CSS component classes (`tone--…` in app.tcss), so that themes decide. One widget of the
application has them for all: on each widget they would cost 70 kB, and most of the time until the first frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from ..ui import ui_of
from ..words import Tone
from .line import Line, cut, line_len, to_ascii

ROW_CLASSES = ("row--cursor", "row--cursor-idle", "row--marked", "row--head")
PAINT_CLASSES: set[str] = {f"tone--{tone}" for tone in Tone} | set(ROW_CLASSES)


class Palette:
    """Styles of one widget, looked up once per theme."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[tuple[Tone, str], Style] = {}

    def clear(self) -> None:
        self._styles.clear()

    def style(self, tone: Tone, row: str = "") -> Style:
        """Tone on the widget's background, or on that of a row class. A reversed row has one look from end to end: with
        few colours its tones would become a patchwork of backgrounds."""
        style = self._styles.get((tone, row))
        if style is None:
            holder = self._widget.app.screen_stack[0]
            of_tone = holder.get_component_rich_style(f"tone--{tone}", partial=True)
            of_row = holder.get_component_rich_style(row, partial=True) if row else Style.null()
            style = self._widget.rich_style + (of_row if of_row.reverse else of_tone + of_row)
            self._styles[tone, row] = style
        return style


class Lines(Widget):
    """Shows lines; `show` repaints those that differ. Its height follows the lines when CSS says `auto`."""

    DEFAULT_CSS = "Lines { height: auto; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._palette = Palette(self)
        self._lines: list[Line] = []
        self._stale = False
        self.painted_lines = 0  # for the paint budget in tests

    @property
    def lines(self) -> list[Line]:
        return self._lines

    def show(self, lines: Sequence[Line], *, stale: bool = False) -> None:
        """`stale`: last known data, greyed."""
        old, self._lines = self._lines, list(lines)
        restyled, self._stale = self._stale != stale, stale
        if len(old) != len(lines):
            height = self.styles.height
            self.refresh(layout=height is None or height.is_auto)
        elif restyled:
            self.refresh()
        else:
            width = self.size.width
            changed = [_difference(a, b, y, width) for y, (a, b) in enumerate(zip(old, lines, strict=True)) if a != b]
            if changed:
                self.refresh(*changed)

    def row_class(self, y: int) -> str:
        """Which row class line `y` is painted with."""
        return ""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        self.painted_lines += 1
        width = self.size.width
        row = self.row_class(y)
        base = self._palette.style(Tone.TEXT, row)
        pieces = cut(self._lines[y], width) if y < len(self._lines) else ()
        if ui_of(self).look.ascii:
            pieces = tuple((to_ascii(text), tone) for text, tone in pieces)
        segments = [
            Segment(text, self._palette.style(Tone.MUTED if self._stale else tone, row)) for text, tone in pieces
        ]
        return Strip(segments).adjust_cell_length(width, base).simplify()

    def notify_style_update(self) -> None:
        self._palette.clear()
        super().notify_style_update()

    def render(self) -> Any:
        return ""


def _difference(old: Line, new: Line, y: int, width: int) -> Region:
    """The part of line `y` between the pieces that both have in front and at the end."""
    front = 0
    for a, b in zip(old, new, strict=False):
        if a != b:
            break
        front += cell_len(a[0])
    back = 0
    if line_len(old) == line_len(new):
        for a, b in zip(reversed(old), reversed(new), strict=False):
            if a != b:
                break
            back += cell_len(a[0])
    end = width if back == 0 else min(width, line_len(new) - back)
    return Region(min(front, width), y, max(0, end - front), 1)
