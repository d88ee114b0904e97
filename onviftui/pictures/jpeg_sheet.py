"""A contact sheet as one JPEG: small pictures in a grid, each with its camera's name. CPU work of Pillow."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .scaling import NotAPicture, fitted, load, shape

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

WIDTH, HEIGHT = 320, 180  # of one picture, pixels
MOST = 1024
_TEXT_HEIGHT, _GAP, _MARGIN = 24, 10, 14
_BACKGROUND, _EMPTY, _TEXT, _WHY = (16, 21, 27), (29, 38, 48), (214, 221, 230), (224, 176, 96)
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Entry:
    """`picture`: a JPEG, or None and `why` in a few words."""

    name: str
    picture: bytes | None
    why: str = ""


def size_for(count: int) -> tuple[int, int]:
    """Pixels of a sheet with so many pictures."""
    across, down = _grid(count)
    return (
        2 * _MARGIN + across * WIDTH + (across - 1) * _GAP,
        2 * _MARGIN + down * (HEIGHT + _TEXT_HEIGHT) + (down - 1) * _GAP,
    )


def sheet(entries: Sequence[Entry]) -> bytes:
    """A JPEG. At most MOST entries."""
    from PIL import Image, ImageDraw

    across, _ = _grid(len(entries))
    image = Image.new("RGB", size_for(len(entries)), _BACKGROUND)
    pen = ImageDraw.Draw(image)
    for number, entry in enumerate(entries):
        down, right = divmod(number, across)
        left = _MARGIN + right * (WIDTH + _GAP)
        top = _MARGIN + down * (HEIGHT + _TEXT_HEIGHT + _GAP)
        pen.rectangle((left, top, left + WIDTH - 1, top + HEIGHT - 1), fill=_EMPTY)
        why = entry.why
        if entry.picture is not None:
            try:
                small = _small(entry.picture)
                image.paste(small, (left + (WIDTH - small.width) // 2, top + (HEIGHT - small.height) // 2))
            except NotAPicture as error:
                why = str(error)
        if why:
            _write(pen, why, (left + 10, top + HEIGHT // 2 - 8), _WHY, 14)
        _write(pen, entry.name, (left, top + HEIGHT + 4), _TEXT, 15)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _grid(count: int) -> tuple[int, int]:
    """As wide as a screen: across and down."""
    across = max(1, math.ceil(math.sqrt(max(1, count))))
    return across, max(1, math.ceil(count / across))


def _small(data: bytes) -> Image:
    return load(data, fitted(shape(data), (WIDTH, HEIGHT), (1, 1)))


def _write(pen: ImageDraw, text: str, place: tuple[int, int], colour: tuple[int, int, int], size: int) -> None:
    """What does not fit is cut. Pillow's own font knows the letters of Europe; others are boxes."""
    from PIL.ImageFont import load_default

    font = load_default(size)
    shown = "".join(c if c.isprintable() else " " for c in text)
    while shown and pen.textlength(shown, font=font) > WIDTH - 12:
        shown = shown[:-1]
    pen.text(place, shown if shown == text else f"{shown[:-1]}…", font=font, fill=colour)
