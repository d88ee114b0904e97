"""A picture as sixels, DEC's format of pixels in six rows at a time (VT330/VT340 manual, chapter 14). Pure.

Six rows make a band; a band is drawn once per colour, a character for each column says which of its six pixels have
that colour. The work on pixels is done by `bytes.translate` and large integers, at C's speed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = 96
BAND = 6
_RUN = re.compile(rb"([?-~])\1{3,}")
_TO_CHARACTERS = bytes(min(value + 63, 126) for value in range(256))


def encode(image: Image) -> str:
    """The whole escape sequence. The cursor must stand where the picture's upper left corner shall be; the height shall
    be a multiple of BAND, so that nothing else is touched."""
    from PIL.Image import Dither

    indexed = image.quantize(COLOURS, dither=Dither.NONE)
    palette = indexed.getpalette() or []
    width, height = indexed.size
    data = indexed.tobytes()
    # 1: pixels that are not drawn stay as they are; raster attributes: square pixels, the picture's size
    parts = [f'\x1bP0;1;0q"1;1;{width};{height}'.encode()]
    for colour in sorted(set(data)):
        red, green, blue = (round(part * 100 / 255) for part in palette[colour * 3 : colour * 3 + 3])
        parts.append(b"#%d;2;%d;%d;%d" % (colour, red, green, blue))
    masks = {(colour, bit): _mask(colour, bit) for colour in set(data) for bit in range(BAND)}
    bands = []
    for top in range(0, height, BAND):
        rows = [data[y * width : (y + 1) * width] for y in range(top, min(top + BAND, height))]
        passes = []
        for colour in sorted(set().union(*rows)):
            bits = 0
            for bit, row in enumerate(rows):
                if colour in row:
                    bits |= int.from_bytes(row.translate(masks[colour, bit]), "big")
            line = bits.to_bytes(width, "big").translate(_TO_CHARACTERS).rstrip(b"?")
            passes.append(b"#%d" % colour + _RUN.sub(_shortened, line))
        bands.append(b"$".join(passes))
    # No new line after the last band: it could scroll the screen.
    return (b"".join(parts) + b"-".join(bands) + b"\x1b\\").decode("ascii")


def _mask(colour: int, bit: int) -> bytes:
    """A table for `translate`: this colour to the bit of its row, all others to nothing."""
    return bytes(colour) + bytes([1 << bit]) + bytes(255 - colour)


def _shortened(run: re.Match[bytes]) -> bytes:
    return b"!%d%s" % (len(run[0]), run[1])
