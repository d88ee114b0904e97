"""One exchange between a recorder and a camera, as it went over the wire; the daemon has taken out what is secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from proxyd.api.models import Exchange

from ..key_order import give_focus
from ..widgets.line import Line, line, plain
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from ..words import Tone
from .dialog import CLOSE

WIDTH = 70  # in the smallest terminal


class ExchangeText(ModalScreen[None]):
    """Scrolls; closes like the help."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"), ScrollPane():
            yield Lines()

    def on_mount(self) -> None:
        self._show()
        give_focus(self.query_one(ScrollPane))

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        self.query_one(Lines).show(exchange_lines(self._exchange, max(WIDTH, self.query_one(Lines).size.width)))

    def action_close(self) -> None:
        self.dismiss(None)


def exchange_lines(exchange: Exchange, width: int) -> list[Line]:
    """Each XML element begins a line: most recorders send none but one long line."""
    entry = exchange.entry
    result = "ok" if entry.ok else f"refused: {entry.reason}"
    lines = [line((plain(f"{entry.client}  {entry.operation}  {result}"), Tone.STRONG))]
    for title, side in (("The recorder sent", exchange.request), ("The camera sent", exchange.reply)):
        lines += [line(""), line((title, Tone.MUTED))]
        lines += [line((piece, Tone.TEXT)) for piece in _pieces(side, width)]
    return [*lines, line(""), line(("Esc closes this", Tone.MUTED))]


def _pieces(side: str, width: int) -> Iterator[str]:
    for text in side.replace("><", ">\n<").splitlines():
        shown = plain(text.expandtabs(2))
        yield from (shown[start : start + width] for start in range(0, max(1, len(shown)), width))
