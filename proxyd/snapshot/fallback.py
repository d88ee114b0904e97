"""The fallback picture: what a recorder gets while the NVR has no picture for a camera, or does not answer.

A dark JPEG in the size of the main stream (recorders compare the two) that carries the camera's name and the words
“no picture from the NVR”, and the JPEG comment MARK, so that people and programs can tell it from a real picture.
CPU work: call it in a thread. Pillow is imported where it is used, as in `image`.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

from proxyd.camera.spec import CameraSpec

from .picture import SnapshotPicture

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

MARK = b"onviftui: no picture from the NVR"
_DEFAULT_SIZE = (1280, 720)
_LIMITS = (16, 8192)
_WORDS = "no picture from the NVR"


def picture_size(spec: CameraSpec) -> tuple[int, int] | None:
    """That of the main stream, or of the only one; None while nothing is known. Recorders compare the two: a picture of
    another size made some take the camera for another kind."""
    for stream in sorted(spec.streams, key=lambda stream: stream.name != "main"):
        if stream.width > 0 and stream.height > 0:
            low, high = _LIMITS
            return min(max(stream.width, low), high), min(max(stream.height, low), high)
    return None


def fallback_size(spec: CameraSpec) -> tuple[int, int]:
    """A usual size while nothing is known."""
    return picture_size(spec) or _DEFAULT_SIZE


@lru_cache(maxsize=64)
def fallback_picture(name: str, width: int, height: int) -> SnapshotPicture:
    """The same bytes for the same arguments."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), (24, 26, 32))
    pen = ImageDraw.Draw(image)
    name = "".join(c if c.isprintable() else " " for c in name)
    middle = width / 2
    pen.text(
        (middle, height * 0.42), name, font=_font(pen, name, width, height * 0.11), fill=(235, 235, 235), anchor="mm"
    )
    pen.text(
        (middle, height * 0.60), _WORDS, font=_font(pen, _WORDS, width, height * 0.06), fill=(205, 160, 70), anchor="mm"
    )
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, comment=MARK)
    return SnapshotPicture("image/jpeg", out.getvalue(), fallback=True)


def _font(pen: ImageDraw, text: str, width: int, size: float) -> FreeTypeFont | ImageFont:
    """The built-in font at `size`, smaller when the text would not fit into 90 % of the width."""
    from PIL.ImageFont import load_default

    font = load_default(max(size, 6))
    length = pen.textlength(text, font=font)
    return font if length <= width * 0.9 else load_default(max(size * width * 0.9 / length, 6))
