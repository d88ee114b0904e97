"""What is said about pictures: where one is from, how large it is, what it costs, how to save it. Pure."""

from __future__ import annotations

import shlex
from datetime import datetime

from proxyd.api.models import Picture

from .pictures.capability import WORDS, Method

_NONE = "none: "


def size_words(size: int) -> str:
    """ "about 90 kB"; exact below ten."""
    if size < 10_000:
        return f"{size / 1000:.1f} kB"
    return f"about {round(size, -3) // 1000} kB" if size < 10_000_000 else f"about {size / 1_000_000:.0f} MB"


def origin_words(picture: Picture) -> str:
    return "the stand-in picture" if picture.fallback else picture.origin or "from the NVR"


def why_none(picture: Picture) -> str:
    """Of a stand-in picture: why there is no other; a sentence without its end."""
    return picture.origin.removeprefix(_NONE).rstrip(".") or "the NVR gave none"


def picture_words(picture: Picture, fetched: datetime) -> str:
    """One line of facts."""
    kind = picture.content_type.removeprefix("image/").upper()
    shape = f"{picture.width}×{picture.height} " if picture.width else ""
    size = f"{picture.size / 1000:.1f} kB" if picture.size else ""
    return f"{origin_words(picture)}, {fetched:%H:%M:%S}   {shape}{kind} {size}".rstrip()


def cost_words(method: Method, size: int) -> str:
    return f"{WORDS[method]}, {size_words(size)} to this terminal"


def file_name(camera: str, fetched: datetime) -> str:
    """Safe on any file system, and in the order of time."""
    safe = "".join(c if c.isalnum() else "-" for c in camera).strip("-") or "camera"
    while "--" in safe:
        safe = safe.replace("--", "-")
    return f"{safe}-{fetched:%Y%m%d-%H%M%S}.jpg"


def ssh_command(words: str, file: str, *, bring: bool = False) -> str:
    """What brings a file from our SSH server to the user's own machine, or to it; BOX is how he logs in there."""
    return f"ssh BOX {words} {'<' if bring else '>'} {shlex.quote(file)}"
