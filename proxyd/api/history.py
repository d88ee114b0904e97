"""Results of camera.history and history: what passed in the last minutes, in equal steps."""

from __future__ import annotations

from typing import Literal

from .model import Model

STEP_S = 5
STEPS = 60  # five minutes


class StreamHistory(Model):
    """Lists of STEPS numbers, the oldest first; 0 where nothing passed, or before the daemon ran.

    `bps` went to recorders, all together; `source_bps`, `fps` and `lost` (packets in that step) are those of the NVR's
    stream; `clients` played at the end of the step.
    """

    name: Literal["main", "sub"]
    bps: list[int]
    source_bps: list[int]
    fps: list[float]
    lost: list[int]
    clients: list[int]


class CameraHistory(Model):
    """`until` is the end of the last step; None before the first one has passed."""

    camera: int
    step_s: int = STEP_S
    until: str | None
    streams: list[StreamHistory]


class History(Model):
    """All cameras together, as in StreamHistory."""

    step_s: int = STEP_S
    until: str | None
    bps: list[int]
    source_bps: list[int]
    lost: list[int]
    clients: list[int]
