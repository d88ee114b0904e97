"""One exchange between a recorder and a camera, as it went over the wire; the daemon has taken out what is secret."""

from __future__ import annotations

from collections.abc import Iterator

from proxyd.api.models import Exchange

from ..widgets.line import Line, line, plain
from ..words import Tone
from .read_text import ReadText

WIDTH = 70  # in the smallest terminal


class ExchangeText(ReadText):
    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    def text_lines(self, width: int) -> list[Line]:
        return exchange_lines(self._exchange, max(WIDTH, width))


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
