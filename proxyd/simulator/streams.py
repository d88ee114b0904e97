"""What the simulated NVR can show: per channel a main and a sub stream in two codecs. Pure.

The numbers describe the stored loops (`loops/`, made by contrib/make-loops), so an ONVIF answer
built from them agrees with what the RTSP server really sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SimStreamName = Literal["main", "sub"]
SimCodec = Literal["H264", "H265"]

MAX_CHANNEL = 64


@dataclass(frozen=True, slots=True)
class SimStream:
    """One stream of one channel. `bitrate_kbps` is that of the loop and its frame marks without padding, rounded up."""

    channel: int
    name: SimStreamName
    codec: SimCodec
    width: int
    height: int
    fps: int
    bitrate_kbps: int


# width, height, fps, kbit/s with frame marks
_SHAPES: dict[SimStreamName, tuple[int, int, int, int]] = {"main": (1280, 720, 25, 96), "sub": (640, 360, 15, 48)}


def stream_for(channel: int, name: SimStreamName, codec: SimCodec = "H264") -> SimStream:
    """The stream `name` of channel 1–64. Raises ValueError for a channel without a loop."""
    if not 1 <= channel <= MAX_CHANNEL:
        raise ValueError(f"channel {channel} is outside 1–{MAX_CHANNEL}")
    width, height, fps, bitrate_kbps = _SHAPES[name]
    return SimStream(channel, name, codec, width, height, fps, bitrate_kbps)
