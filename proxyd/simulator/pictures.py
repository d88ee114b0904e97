"""Pictures of the simulated channels: the channel number large on a colour of its own.

Snapshots and the stored video loops are drawn by the same hand, so a person sees at a glance
whether both belong to one channel; programs read the JPEG comment `channel=<n>`.
"""

from __future__ import annotations

import colorsys
import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

_GOLDEN_ANGLE = 0.6180339887  # neighbouring channels get hues far apart


def channel_colour(channel: int) -> tuple[int, int, int]:
    """The background of a channel: dark enough for white letters, different from its neighbours."""
    hue = (channel * _GOLDEN_ANGLE) % 1.0
    value = (0.62, 0.45, 0.53)[channel % 3]
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.65, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_channel(channel: int, label: str, width: int, height: int) -> Image.Image:
    """The still part of a channel's picture: number in the middle, `label` below it."""
    image = Image.new("RGB", (width, height), channel_colour(channel))
    pen = ImageDraw.Draw(image)
    middle = width / 2
    pen.text((middle, height * 0.44), str(channel), font=_font(round(height * 0.6)), fill="white", anchor="mm")
    pen.text((middle, height * 0.83), label, font=_font(round(height * 0.1)), fill="white", anchor="mm")
    return image


@lru_cache(maxsize=256)
def snapshot_jpeg(channel: int, width: int, height: int) -> bytes:
    """A JPEG of the wanted size, always the same bytes for the same arguments, with COM `channel=<n>`."""
    out = io.BytesIO()
    image = draw_channel(channel, "snapshot", width, height)
    image.save(out, "JPEG", quality=80, comment=f"channel={channel}".encode("ascii"))
    return out.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(size, 6))
