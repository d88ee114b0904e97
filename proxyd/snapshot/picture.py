"""A still picture as it travels between the one who fetches it and the ones who hand it out. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SnapshotPicture:
    """`fallback` true: not from the NVR, but the picture that says so."""

    content_type: str
    data: bytes = field(repr=False)
    fallback: bool = False
