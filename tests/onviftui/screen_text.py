"""A screen as text that people can compare: the characters, and for each theme where which style begins."""

from __future__ import annotations

import string
from collections.abc import Iterable
from itertools import groupby

from rich.segment import Segment
from rich.style import Style

from onviftui.app import OnviftuiApp

_LETTERS = string.ascii_letters + string.digits


def screen_text(app: OnviftuiApp) -> str:
    """The visible characters, without blanks at the ends of lines."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def screen_styles(app: OnviftuiApp) -> str:
    """One line per line of the screen: a letter for each style and how many cells have it; then what letters mean."""
    letters: dict[str, str] = {}
    lines: list[str] = []
    for strip in app.screen._compositor.render_strips():
        runs = groupby(_cells(strip), key=lambda cell: cell[0])
        words = [(style, sum(width for _, width in cells)) for style, cells in runs]
        for style, _ in words:
            if style not in letters:
                letters[style] = _LETTERS[len(letters)] if len(letters) < len(_LETTERS) else f"<{len(letters)}>"
        lines.append("".join(f"{letters[style]}{width}" for style, width in words))
    folded: list[str] = []
    for text, same in groupby(lines):
        times = len(list(same))
        folded.append(f"{text} ×{times}" if times > 1 else text)
    return "\n".join([*folded, *(f"{letter} = {style or 'plain'}" for style, letter in letters.items())])


def _cells(segments: Iterable[Segment]) -> Iterable[tuple[str, int]]:
    for segment in segments:
        yield _named(segment.style), segment.cell_length


def _named(style: Style | None) -> str:
    """Colours and attributes; links and what Textual hangs on a style do not show."""
    if style is None:
        return ""
    attributes = [name for name in ("bold", "dim", "italic", "underline", "reverse", "strike") if getattr(style, name)]
    colour = style.color.name if style.color else ""
    ground = f"on {style.bgcolor.name}" if style.bgcolor else ""
    return " ".join(filter(None, (*attributes, colour, ground)))
