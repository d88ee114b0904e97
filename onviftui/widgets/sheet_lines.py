"""The title of a contact sheet: whose pictures, which page, and what they cost or how far they are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..picture_words import size_words
from ..pictures.capability import Method
from ..pictures.drawing import Canvas
from ..pictures.grid import page_bytes
from ..pictures.pages import Pages
from ..words import Look, Tone, count
from .line import Line, line, plain


@dataclass(slots=True)
class Progress:
    """Of the pictures of one page. `agreed`: their cost on the line is known and wanted."""

    wanted: int = 0
    fetched: int = 0
    running: bool = False
    stopped: bool = False
    agreed: bool = False


def sheet_title(title: str, pages: Pages, progress: Progress, canvas: Canvas, look: Look) -> Line:
    several = pages.count > 1
    where = f"page {pages.page + 1} of {pages.count}" if several else count(len(pages.cameras), "camera")
    named = line((f" {plain(title)}", Tone.STRONG), (f"   {where}", Tone.MUTED))
    return (*named, *_state(pages, progress, canvas, look))


def _state(pages: Pages, progress: Progress, canvas: Canvas, look: Look) -> Line:
    if canvas.method is Method.OFF:
        return line(("   Pictures are switched off in Settings.", Tone.WARNING))
    if progress.wanted and not progress.agreed:
        colours = canvas.method is Method.BLOCKS
        size = page_bytes(pages.grid, progress.wanted, colours=colours, true_colour=canvas.true_colour)
        costs = f"   {count(progress.wanted, 'picture')}, about {size_words(size).removeprefix('about ')}. "
        return line((costs, Tone.TEXT), ("Enter", Tone.ACCENT), (" fetches them", Tone.MUTED))
    if progress.running:
        bar = look.bar(progress.fetched, progress.wanted, 14)
        done = f"   {bar} {progress.fetched}/{progress.wanted}"
        return line((done, Tone.ACCENT), ("   Esc stops", Tone.MUTED))
    if progress.stopped:
        return line(("   stopped; r fetches again", Tone.WARNING))
    return ()
