"""A picture by kitty's graphics protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol). Pure.

In the UI a picture is text: cells with a placeholder, whose colour says which picture and whose accents say which part
of it. So it moves, is covered and goes away with the text, and nothing of it can be left behind. On the command line it
is put where the cursor stands, which more terminals can do.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

PLACEHOLDER = "\U0010eeee"
COLOURS = 256
_CHUNK = 4096  # bytes of base64; the protocol allows no more
# Rows and columns are written as accents; these are the protocol's, first to last: combining characters above the
# letter that Unicode 6.0 knew and that never melt into another one.
_ACCENTS = (
    "305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 5a8-5a9 5ab-5ac "
    "5af 5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 735-736 73a 73d 73f-741 743 745 "
    "747 749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 953-954 f82-f83 f86-f87 135d-135f 17dd 193a 1a17 "
    "1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 "
    "20d4-20d7 20db-20dc 20e1 20e7 20e9 20f0 2cef-2cf1 2de0-2dff a66f a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 "
    "aab7-aab8 aabe-aabf aac1 fe20-fe26 10a0f 10a38 1d185-1d189 1d1aa-1d1ad 1d242-1d244"
)


def _expanded(ranges: str) -> str:
    pairs = (part.partition("-") for part in ranges.split())
    return "".join(chr(code) for low, _, high in pairs for code in range(int(low, 16), int(high or low, 16) + 1))


ACCENTS = _expanded(_ACCENTS)
MOST_CELLS = len(ACCENTS)  # columns or rows


def transmit(image: Image, number: int, columns: int, rows: int) -> str:
    """Hands the picture over under this number, to be shown by `placeholders`. The terminal answers nothing."""
    return _sent(image, f"a=T,U=1,i={number},c={columns},r={rows}")


def put(image: Image, columns: int, rows: int) -> str:
    """Draws the picture where the cursor stands."""
    return _sent(image, f"a=T,c={columns},r={rows}")


def placeholders(columns: int, rows: int) -> list[str]:
    """The text that shows a picture, row by row; its foreground colour must be `colour(number)`. Each cell says its row
    and its column, so that a part of a row may be painted anew."""
    return ["".join(f"{PLACEHOLDER}{ACCENTS[y]}{ACCENTS[x]}" for x in range(columns)) for y in range(rows)]


def colour(number: int) -> tuple[int, int, int]:
    """Of the placeholders of picture `number`, which is below 2**24."""
    return number >> 16 & 255, number >> 8 & 255, number & 255


def delete(number: int) -> str:
    """The picture and its data."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"


def _sent(image: Image, keys: str) -> str:
    from PIL.Image import Dither

    out = io.BytesIO()
    # Colours of a palette are a third of the bytes, and in this size hardly to be told apart.
    image.quantize(COLOURS, dither=Dither.NONE).save(out, "PNG", compress_level=9)
    return "".join(_chunks(f"{keys},f=100,q=2", base64.b64encode(out.getvalue()).decode()))


def _chunks(keys: str, data: str) -> Iterator[str]:
    pieces = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    for n, piece in enumerate(pieces):
        more = f"m={int(n < len(pieces) - 1)}"
        yield f"\x1b_G{f'{keys},{more}' if n == 0 else more};{piece}\x1b\\"
