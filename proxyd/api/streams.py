"""Results of camera.streams: what is seen of a camera's streams at the moment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .model import Model


class SentPicture(Model):
    """What the NVR really sends, read from the stream itself; sizes are 0 and `profile` "" while that is not known."""

    codec: str
    width: int = 0
    height: int = 0
    profile: str = ""


class StreamClient(Model):
    """A recorder that plays, and how it keeps up.

    `skips`: how often it was too slow and was moved on to the next key frame; `dropped`: packets it did not get.
    """

    address: str  # with its port
    transport: str
    since: str
    skips: int = 0
    dropped: int = 0


class StreamStatus(Model):
    """What recorders are told of a stream, what is sent, and what passes.

    `mismatch`: codec or size of `sent` differ from what is told, `warning` says so in words. `source_…`,
    `frames_total`, `fps`, `key_interval_s` (0: unknown), `lost` packets and `jitter_ms` are those of the NVR's
    stream; `bps`, `bytes_total` and `packets_total` went to recorders. Totals count from the start of the camera.
    """

    name: Literal["main", "sub"]
    state: Literal["idle", "running", "interrupted"]
    codec: str
    width: int
    height: int
    profile: str
    sent: SentPicture | None = None
    mismatch: bool = False
    warning: str = ""
    source_bps: int = 0
    source_bytes_total: int = 0
    frames_total: int = 0
    bps: int = 0
    bytes_total: int = 0
    packets_total: int = 0
    fps: float = 0.0
    key_interval_s: float = 0.0
    lost: int = 0
    jitter_ms: float = 0.0
    reconnects: int = 0
    clients: list[StreamClient] = Field(default_factory=list)
