"""Changes of many cameras at once: models and parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from .fields import Username, typeable
from .models import Camera, Model
from .params import ByIds
from .renaming import LONGEST_PATTERN

SWITCHES = ("discovery", "https", "audio", "h265", "metadata", "forward", "share")


class CameraUpdateAll(ByIds):
    """All of them or none. What is left out stays. `pattern` gives new names (see docs/cli.md); `dry_run` only says
    which."""

    discovery: bool | None = None
    https: bool | None = None
    audio: bool | None = None
    h265: bool | None = None
    metadata: bool | None = None
    forward: bool | None = None
    share: bool | None = None
    username: Username | None = None
    password: Annotated[SecretStr | None, AfterValidator(typeable)] = Field(default=None, min_length=4, max_length=64)
    pattern: Annotated[str | None, Field(min_length=1, max_length=LONGEST_PATTERN)] = None
    dry_run: bool = False


class Renamed(Model):
    camera: int
    before: str
    after: str


class CamerasUpdated(Model):
    """`names`: those that change. `cameras` as they are afterwards; with `dry_run` as they are."""

    names: list[Renamed]
    cameras: list[Camera]
    done: bool
