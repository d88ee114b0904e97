"""Changes of many cameras at once: models and parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .model import Model
from .models import Camera
from .params import ByIds, CameraChanges
from .renaming import LONGEST_PATTERN

SWITCHES = ("discovery", "https", "audio", "h265", "metadata", "forward", "share")


class CameraUpdateAll(CameraChanges, ByIds):
    """All of them or none. `pattern` gives new names (see docs/cli.md); `dry_run` only says which."""

    pattern: Annotated[str | None, Field(min_length=1, max_length=LONGEST_PATTERN)] = None
    dry_run: bool = False


class Renamed(Model):
    """`before` and `after` are names."""

    camera: int
    before: str
    after: str


class CamerasUpdated(Model):
    """`names`: those that change. `cameras` as they are afterwards; with `dry_run` as they are."""

    names: list[Renamed]
    cameras: list[Camera]
    done: bool
