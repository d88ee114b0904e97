"""An address so large that it can be read from the other side of the room: three lines of half blocks. Pure."""

from __future__ import annotations

# Three by five pixels a digit, from the top left; one column for the signs between them.
_PIXELS = {
    "0": "### # # # # # # ###",
    "1": " #  ##   #   #  ###",
    "2": "###   # ### #   ###",
    "3": "###   # ###   # ###",
    "4": "# # # # ###   #   #",
    "5": "### #   ###   # ###",
    "6": "### #   ### # # ###",
    "7": "###   #   #   #   #",
    "8": "### # # ### # # ###",
    "9": "### # # ###   # ###",
    ".": "        #",
    ":": "  #   #  ",
}
_ROWS = 5
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def big(text: str) -> list[str]:
    """Three lines of equal length; none for what has other signs than digits, dots and colons."""
    if not text or any(char not in _PIXELS for char in text):
        return []
    glyphs = [_glyph(char) for char in text]
    lines = []
    for top in range(0, _ROWS + 1, 2):
        cells = []
        for glyph in glyphs:
            pairs = zip(glyph[top], glyph[top + 1] if top + 1 < _ROWS else [False] * len(glyph[top]), strict=True)
            cells.append("".join(_BLOCKS[pair] for pair in pairs))
        lines.append(" ".join(cells))
    return lines


def _glyph(char: str) -> list[list[bool]]:
    """Rows of pixels."""
    pixels = _PIXELS[char]
    width = 1 if char in ".:" else 3
    rows = pixels[::2] if width == 1 else [pixels[start : start + width] for start in range(0, len(pixels), width + 1)]
    return [[pixel == "#" for pixel in row] for row in rows]
