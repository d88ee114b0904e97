"""Numbers of the last minutes as a row of blocks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..words import Look

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int, look: Look) -> str:
    """Exactly `width` cells, the newest on the right: each cell is the mean of equally many values, the tallest block
    the greatest of these; a cell in which nothing passed is blank. "" in ASCII, where only numbers are shown."""
    if look.ascii or width <= 0:
        return ""
    cells = means(values, width)
    most = max(cells, default=0.0)
    if most <= 0:
        return " " * width
    return "".join(_BLOCKS[min(7, int(value / most * 8))] if value > 0 else " " for value in cells).rjust(width)


def means(values: Sequence[float], width: int) -> list[float]:
    """At most `width` of them; the oldest values are left out where they do not make a whole cell."""
    together = max(1, -(-len(values) // width))
    first = len(values) % together
    cells = [values[start : start + together] for start in range(first, len(values), together)]
    return [sum(cell) / len(cell) for cell in cells]
