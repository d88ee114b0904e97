"""A camera's ONVIF address as a QR code, to be read from the screen."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from ..layers import Modal
from ..ui import ui_of
from ..widgets.line import Line, line, plain, wrap
from ..widgets.paint import Lines
from ..words import Tone
from .dialog import CLOSE

_ON_BLACK = Style(color="#ffffff", bgcolor="#000000")
_REVERSED = Style(color="#ffffff", bgcolor="#000000", reverse=True)  # white also where there is no colour
_FRAME = (4, 6)  # columns and lines that the dialog needs around it


class QrCode(Widget):
    """White on black whatever the theme; blanks on two grounds where there are no block characters."""

    DEFAULT_CSS = "QrCode { width: auto; height: auto; }"

    def __init__(self, text: str, *, ascii_only: bool) -> None:
        super().__init__()
        from ..widgets.qr import half_blocks, light_modules, runs  # here: the library is of no use to other screens

        light = light_modules(text)
        if ascii_only:
            self.strips = [
                Strip([Segment(" " * cells, _REVERSED if is_light else _ON_BLACK) for is_light, cells in row])
                for row in runs(light)
            ]
        else:
            self.strips = [Strip([Segment(row, _ON_BLACK)]) for row in half_blocks(light)]

    @property
    def wanted(self) -> Size:
        return Size(self.strips[0].cell_length, len(self.strips))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return self.wanted.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.wanted.height

    def render_line(self, y: int) -> Strip:
        return self.strips[y] if y < len(self.strips) else Strip.blank(self.size.width)


class QrScreen(Modal[None]):
    """Closes like the help; says so when the terminal is too small."""

    BINDINGS: ClassVar[list[BindingType]] = [*CLOSE, Binding("Q,enter", "close", show=False)]

    def __init__(self, name: str, url: str) -> None:
        super().__init__()
        self._camera_name = name
        self._url = url

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog qr"):
            yield Lines(id="title")
            yield QrCode(self._url, ascii_only=ui_of(self).look.ascii)
            yield Lines(id="hint")

    def on_mount(self) -> None:
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        code = self.query_one(QrCode)
        wanted, there = code.wanted, self.app.size
        columns, lines = wanted.width + _FRAME[0], wanted.height + _FRAME[1]
        code.display = there.width >= columns and there.height >= lines
        said: list[Line] = [line((plain(self._camera_name), Tone.STRONG))]
        if not code.display:
            words = (
                f"The code needs {columns} columns and {lines} lines, this terminal has {there.width} and "
                f"{there.height}. Make it larger, or use a terminal that shows UTF-8."
            )
            said += [line(""), *wrap(words, 50, Tone.WARNING), line("")]
        self.query_one("#title", Lines).show(said)
        self.query_one("#hint", Lines).show([line(self._url), line(("Esc closes this", Tone.MUTED))])

    def action_close(self) -> None:
        self.dismiss(None)
