"""A QR code in characters: two modules above each other in one cell, or one module in two cells. Pure.

Light modules are drawn, dark ones left out: so the code is the right way round on a dark ground without
any colour, and with white on black everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import segno

QUIET = 2  # modules around it; the standard's four do not fit the smallest terminal, and phones do not miss them
Matrix = Sequence[Sequence[bool]]

_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def light_modules(text: str) -> list[list[bool]]:
    """Rows of modules with the quiet zone around them, True where it is light."""
    code = segno.make(text, error="l", micro=False)
    return [[not module for module in row] for row in code.matrix_iter(border=QUIET)]


def half_blocks(light: Matrix) -> list[str]:
    """One cell for two modules above each other: nearly square in most terminals."""
    lines = []
    for upper in range(0, len(light), 2):
        below = light[upper + 1] if upper + 1 < len(light) else [False] * len(light[upper])
        lines.append("".join(_HALVES[pair] for pair in zip(light[upper], below, strict=True)))
    return lines


def runs(light: Matrix) -> list[list[tuple[bool, int]]]:
    """For terminals without block characters: of each row, how many cells of which ground follow one another; a module
    has two cells."""
    rows = []
    for row in light:
        found: list[tuple[bool, int]] = []
        for module in row:
            cells = found.pop()[1] if found and found[-1][0] == module else 0
            found.append((module, cells + 2))
        rows.append(found)
    return rows
