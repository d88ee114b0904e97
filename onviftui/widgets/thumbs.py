"""A page of small pictures with a cursor; a picture that comes repaints its own cells alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ..pictures.drawing import Drawn
from ..pictures.grid import GAP, Grid
from ..ui import ui_of
from ..words import Tone
from .line import Line, fit, line_len, plain, to_ascii
from .paint import Palette
from .picture import run_segments


@dataclass(slots=True)
class Thumb:
    """One camera: `words` stand where there is no picture."""

    camera: int
    name: str
    glyph: str
    tone: Tone
    drawn: Drawn | None = None
    words: list[Line] = field(default_factory=list)


class Thumbs(Widget, can_focus=True):
    DEFAULT_CSS = "Thumbs { width: 1fr; height: 1fr; padding: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "move(1)", show=False),
        Binding("h,left", "move(-1)", show=False),
        Binding("j,down", "row(1)", show=False),
        Binding("k,up", "row(-1)", show=False),
        Binding("g,home", "end(0)", show=False),
        Binding("G,end", "end(-1)", show=False),
    ]

    class Opened(Message):
        """By a double click."""

    class PageWanted(Message):
        """The cursor wants to leave the page."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._palette = Palette(self)
        self._grid = Grid(1, 1, 1, 1)
        self._thumbs: list[Thumb] = []
        self._cursor = 0

    @property
    def current(self) -> Thumb | None:
        return self._thumbs[self._cursor] if self._thumbs else None

    def show(self, grid: Grid, thumbs: Sequence[Thumb], camera: int | None = None) -> None:
        """A page, with the cursor on this camera."""
        self._grid, self._thumbs = grid, list(thumbs)
        places = [place for place, thumb in enumerate(self._thumbs) if thumb.camera == camera]
        self._cursor = places[0] if places else 0
        self.refresh()

    def changed(self, thumb: Thumb) -> None:
        """Paint it anew, if it is on this page."""
        for place, shown in enumerate(self._thumbs):
            if shown is thumb:
                self.refresh(self._region(place))

    def _region(self, place: int) -> Region:
        left, top = self._grid.corner(place)
        return Region(left, top, self._grid.columns + GAP, self._grid.height)

    # moving

    def action_move(self, step: int) -> None:
        self._move_to(self._cursor + step, step)

    def action_row(self, step: int) -> None:
        place = self._cursor + step * self._grid.across
        last_row = (len(self._thumbs) - 1) // self._grid.across
        if step > 0 and place >= len(self._thumbs) and self._cursor // self._grid.across < last_row:
            place = len(self._thumbs) - 1
        self._move_to(place, step)

    def action_end(self, place: int) -> None:
        self._move_to(place % max(1, len(self._thumbs)), 0)

    def _move_to(self, place: int, step: int) -> None:
        if not 0 <= place < len(self._thumbs):
            self.post_message(self.PageWanted(step))
        elif place != self._cursor:
            old, self._cursor = self._cursor, place
            for each in (old, place):
                left, top = self._grid.corner(each)
                self.refresh(Region(left, top + self._grid.rows, self._grid.columns, 1))

    def on_click(self, event: events.Click) -> None:
        for place in range(len(self._thumbs)):
            if self._region(place).contains(event.x - self.gutter.left, event.y - self.gutter.top):
                self._move_to(place, 0)
                if event.chain == 2:
                    self.post_message(self.Opened())

    # drawing

    def render_line(self, y: int) -> Strip:
        base, width = self._palette.style(Tone.TEXT), self.size.width
        down, line = divmod(y, self._grid.height)
        segments: list[Segment] = []
        if down < self._grid.down:
            first = down * self._grid.across
            for place in range(first, min(first + self._grid.across, len(self._thumbs))):
                segments += self._piece(place, line, base)
                segments.append(Segment(" " * GAP, base))
        return Strip(segments).adjust_cell_length(width, base)

    def _piece(self, place: int, line: int, base: Style) -> list[Segment]:
        """Exactly as many cells as a picture is wide."""
        thumb, width, rows = self._thumbs[place], self._grid.columns, self._grid.rows
        if line == rows:
            return self._label(thumb, width, at_cursor=place == self._cursor)
        drawn = thumb.drawn
        if drawn is None:
            top = (rows - len(thumb.words)) // 2
            pieces = thumb.words[line - top] if 0 <= line - top < len(thumb.words) else ()
            texts = [Segment(self._text(text), self._palette.style(tone)) for text, tone in pieces]
            return [*texts, Segment(" " * max(0, width - line_len(pieces)), base)]
        left, top = (width - drawn.columns) // 2, (rows - len(drawn.rows)) // 2
        if not top <= line < top + len(drawn.rows):
            return [Segment(" " * width, base)]
        right = width - left - drawn.columns
        return [Segment(" " * left, base), *run_segments(drawn.rows[line - top], base), Segment(" " * right, base)]

    def _label(self, thumb: Thumb, width: int, *, at_cursor: bool) -> list[Segment]:
        look = ui_of(self).look
        row = "row--cursor" if at_cursor else ""
        mark = look.cursor if at_cursor else " "
        name = self._text(fit(plain(thumb.name), max(0, width - 3), ellipsis=look.ellipsis))
        return [
            Segment(mark[:width], self._palette.style(Tone.ACCENT, row)),
            Segment(thumb.glyph[: max(0, width - 1)], self._palette.style(thumb.tone, row)),
            Segment(" " * min(1, max(0, width - 2)) + name, self._palette.style(Tone.TEXT, row)),
        ]

    def _text(self, text: str) -> str:
        return to_ascii(text) if ui_of(self).look.ascii else text

    def notify_style_update(self) -> None:
        self._palette.clear()
        super().notify_style_update()

    def render(self) -> Any:
        return ""
