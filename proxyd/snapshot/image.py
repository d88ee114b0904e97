"""Bytes from an NVR that claim to be a picture: checked, and as JPEG. CPU work: call it in a thread.

Pillow is imported where it is used: a daemon that nobody asks for pictures has no use for its 4 MB.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 48_000_000  # more than any camera has; a crafted header must not cost gigabytes
_KNOWN = ("JPEG", "PNG", "BMP", "WEBP")
_PASSES = ("JPEG", "MPO")  # MPO is a JPEG with another one appended
_SMALL = (64, 64)
_QUALITY = 88


class NotAPicture(Exception):
    """The bytes are no whole picture of a known kind. The text says which way, in words."""


def as_jpeg(data: bytes, size: tuple[int, int] | None = None) -> bytes:
    """`data` itself when it is a whole JPEG (of that size, when there is one), else made into such. Stretched where the
    shape differs: pictures of other shapes come from sensors whose pixels are no squares. Raises NotAPicture."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_KNOWN) as image:
            if image.width * image.height > MAX_PIXELS:
                raise NotAPicture(f"a picture of {image.width}×{image.height}")
            if size is not None and image.size != size:
                return _resized(image, size)
            if image.format in _PASSES:
                # Reads all data, so that a cut off picture is noticed, but decodes only 1/8 in each direction.
                image.draft("L", _SMALL)
                image.load()
                return data
            return _written(image.convert("RGB"))
    except NotAPicture:
        raise
    except Exception as error:  # Pillow's readers raise many kinds on foreign bytes
        raise NotAPicture(_in_words(data, error)) from None


def within(jpeg: bytes, max_width: int | None) -> tuple[bytes, int, int]:
    """A whole JPEG that `as_jpeg` made or let pass, at most `max_width` wide, and the size that it has itself. The same
    bytes when it is small enough. Only a part of a large one is decoded: a thumbnail costs little."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg), formats=_PASSES) as image:
        width, height = image.size
        if max_width is None or width <= max_width:
            return jpeg, width, height
        return _resized(image, (max_width, max(1, round(height * max_width / width)))), width, height


def _resized(image: Image, size: tuple[int, int]) -> bytes:
    from PIL.Image import Resampling

    image.draft("RGB", size)  # a JPEG may be decoded at a part of its size
    return _written(image.convert("RGB").resize(size, Resampling.BILINEAR, reducing_gap=2.0))


def _written(image: Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _in_words(data: bytes, error: Exception) -> str:
    start = data[:256].lstrip().lower()
    if not data:
        return "an empty answer"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if start.startswith(b"<"):
        return "an XML text"
    return "a damaged picture" if "truncated" in str(error) else "something that is no picture"
