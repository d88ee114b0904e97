"""Pictures of characters: half blocks in colour, two pixels to a cell, or shades where there are few colours. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = tuple[int, int, int]
Run = tuple[str, Colour | None, Colour | None]  # text, its colour, the colour behind it

UPPER_HALF = "▀"
SHADES = " ░▒▓█"
ASCII_SHADES = " .:-=+*#%@"
# A picture of few colours has long runs of one colour: half the bytes, and hardly to be told apart in half blocks.
_COLOURS = 96
_VIVID = 1.5
_STEPS = (0, 95, 135, 175, 215, 255)  # of xterm's colour cube, colours 16 to 231


def half_blocks(image: Image, *, true_colour: bool) -> list[list[Run]]:
    """`image` has two pixels to a row of cells, one to a column, and an even height."""
    from PIL import ImageEnhance
    from PIL.Image import Dither

    width, height = image.size
    if true_colour:
        image = image.quantize(_COLOURS, dither=Dither.NONE).convert("RGB")
    else:
        # The nearest of few colours is grey for all that is dark; dithering would take several times the bytes.
        image = ImageEnhance.Color(image).enhance(_VIVID)
        image = image.quantize(palette=_cube(), dither=Dither.NONE).convert("RGB")
    data = image.tobytes()
    stride = width * 3
    rows: list[list[Run]] = []
    for y in range(0, height - 1, 2):
        upper, lower = data[y * stride : (y + 1) * stride], data[(y + 1) * stride : (y + 2) * stride]
        pairs = list(zip(_pixels(upper), _pixels(lower), strict=True))
        rows.append([_run(top, bottom, len(list(same))) for (top, bottom), same in groupby(pairs)])
    return rows


def characters(image: Image, *, ascii_only: bool, dark: bool = True) -> list[list[Run]]:
    """`image` has one pixel to a cell. `dark`: the terminal's background is, so that full characters are bright."""
    from PIL import ImageOps

    shades = ASCII_SHADES if ascii_only else SHADES
    table = bytes(min(len(shades) - 1, level * len(shades) // 256) for level in range(256))
    grey = ImageOps.autocontrast(image.convert("L"), cutoff=1)
    data = (grey if dark else ImageOps.invert(grey)).tobytes().translate(table)
    width = image.width
    lines = ("".join(shades[level] for level in data[y : y + width]) for y in range(0, len(data), width))
    return [[(text, None, None)] for text in lines]


def written(rows: list[list[Run]], *, true_colour: bool) -> str:
    """For a terminal, as lines."""
    return "".join("".join(_written(run, true_colour) for run in row) + "\x1b[0m\n" for row in rows)


def _run(top: Colour, bottom: Colour, length: int) -> Run:
    return (" " * length, None, bottom) if top == bottom else (UPPER_HALF * length, top, bottom)


def _pixels(row: bytes) -> Iterator[Colour]:
    return zip(row[0::3], row[1::3], row[2::3], strict=True)


def _written(run: Run, true_colour: bool) -> str:
    text, front, back = run
    parts = [_code(38, front, true_colour)] if front else []
    parts += [_code(48, back, true_colour)] if back else []
    return f"\x1b[{';'.join(parts)}m{text}" if parts else text


def _code(ground: int, colour: Colour, true_colour: bool) -> str:
    if true_colour:
        return f"{ground};2;{colour[0]};{colour[1]};{colour[2]}"
    return f"{ground};5;{number(colour)}"


@lru_cache(maxsize=256)
def number(colour: Colour) -> int:
    """Of a colour that `half_blocks` gave for 256 colours: 16 to 255."""
    if colour[0] == colour[1] == colour[2] and colour[0] not in _STEPS:
        return 232 + round((colour[0] - 8) / 10)
    red, green, blue = (_STEPS.index(part) for part in colour)
    return 16 + 36 * red + 6 * green + blue


@lru_cache(maxsize=1)
def _cube() -> Image:
    """The colours 16 to 255 of xterm as a palette."""
    from PIL import Image

    colours = [(r, g, b) for r in _STEPS for g in _STEPS for b in _STEPS]
    colours += [(level, level, level) for level in range(8, 239, 10)]
    colours += [colours[0]] * (256 - len(colours))
    image = Image.new("P", (1, 1))
    image.putpalette([part for colour in colours for part in colour])
    return image
