"""Sends only the changed cells of a line to the terminal.

Textual 8.2 crops a partial update on the right only: a changed cell at the end of a row would resend the row from
its beginning. This narrows it on both sides. It reaches into the compositor (private there); the byte-budget test
fails when a new Textual changes that, and then falling back to Textual's own compositor is always right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate


class CellUpdate(ChopsUpdate):
    """The same update with both ends of every span cropped."""

    def render_segments(self, console: Console) -> str:
        pieces: list[str] = []
        for y, start, stop in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                first, last = max(x, start), min(end, stop)
                if strip is not None and first < last:
                    pieces.append(Control.move_to(first, y).segment.text)
                    pieces.append(strip.crop(first - x, last - x).render(console))
        return "".join(pieces)


class CellCompositor(Compositor):
    """`painted`, if set, hears which spans (line, from, to) are painted, or None: all of the screen."""

    painted: Callable[[Sequence[tuple[int, int, int]] | None], None] | None = None

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        if self.painted is not None:
            self.painted(None)
        return super().render_full_update(simplify)

    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        if update is None:
            return None
        if self.painted is not None:
            self.painted(update.spans)
        return CellUpdate(update.chops, update.spans, update.chop_ends)
