"""Results about cameras that are known by their stream addresses alone."""

from __future__ import annotations

from typing import Literal

from .model import Model


class Source(Model):
    """A camera that is known by its stream addresses. They are shown without accounts and passwords."""

    nvr: int  # the row of kind rtsp that it belongs to
    channel: int
    name: str
    camera: int | None  # None when the camera was removed
    main: str
    sub: str | None = None
    snapshot: str | None = None


class PlannedSource(Model):
    """A camera in an imported list. `why` says why it is not added; `notes` what is left out of it."""

    name: str
    state: Literal["new", "known", "unusable"]
    host: str = ""
    username: str = ""
    main: str = ""
    sub: str | None = None
    snapshot: str | None = None
    why: str = ""
    notes: list[str] = []


class SourceImported(Model):
    """What source.import adds, or with `dry_run` would add. `nvrs` has the rows that the new cameras went to."""

    format: str
    sources: list[PlannedSource]
    notes: list[str] = []
    nvrs: list[int] = []
    done: bool
