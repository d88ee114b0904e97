"""How large a picture is in cells and in pixels, and the picture in that size. Pure; Pillow decodes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 48_000_000  # the daemon lets no larger one pass either
_FORMATS = ("JPEG", "MPO", "PNG")


class NotAPicture(Exception):
    """The bytes cannot be drawn."""


def fitted(picture: tuple[int, int], room: tuple[int, int], cell: tuple[int, int] = (1, 2)) -> tuple[int, int]:
    """Columns and rows of a picture in its shape, as large as the room allows. `cell` is the shape of a cell."""
    width, height = max(1, picture[0]), max(1, picture[1])
    columns, rows = max(1, room[0]), max(1, room[1])
    by_height = rows * cell[1] * width / (height * cell[0])
    if by_height < columns:
        return max(1, round(by_height)), rows
    return columns, min(rows, max(1, round(columns * cell[0] * height / (width * cell[1]))))


def within(picture: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Pixels of a picture that is stretched to the shape of the box, and no larger than either."""
    share = min(1.0, max(picture[0] / box[0], picture[1] / box[1]))
    width, height = (min(max(1, int(side * share)), most) for side, most in zip(box, picture, strict=True))
    return width, height


def shape(data: bytes) -> tuple[int, int]:
    """Width and height of the picture itself. Raises NotAPicture."""
    with _opened(data) as image:
        return image.size


def load(data: bytes, size: tuple[int, int]) -> Image:
    """The picture in exactly this size, RGB. Raises NotAPicture."""
    from PIL.Image import Resampling

    with _opened(data) as image:
        if image.width * image.height > MAX_PIXELS:
            raise NotAPicture(f"a picture of {image.width}×{image.height}")
        image.draft("RGB", size)  # a JPEG may be decoded at a part of its size
        return image.convert("RGB").resize(size, Resampling.BILINEAR, reducing_gap=2.0)


@contextmanager
def _opened(data: bytes) -> Iterator[ImageFile]:
    """Raises NotAPicture, also for what goes wrong in the block."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            yield image
    except NotAPicture:
        raise
    except Exception as error:  # Pillow's readers raise many kinds
        raise NotAPicture("something that is no picture") from error
