"""What an NVR really sends in a stream: codec, size and profile, by its SDP and by the parameter sets in its video.

Pure. What ONVIF says of the same stream is a setting of the NVR, and not always the one in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxyd.camera.spec import Codec
from proxyd.rtsp.sdp import Media
from proxyd.sources import h264, h265
from proxyd.sources.description import NoUsableVideo, described
from proxyd.sources.shape import BadVideo, VideoShape


@dataclass(frozen=True, slots=True)
class SentVideo:
    """`track` is our number of the video; `shape` None while neither SDP nor packets have told it. `in_band`: packets
    have told it, which are right where the SDP says something else."""

    track: int
    codec: Codec
    shape: VideoShape | None = None
    in_band: bool = False


def by_description(media: Sequence[Media]) -> SentVideo | None:
    """What the SDP says; None when there is no video that we know."""
    try:
        found = described(media)
    except NoUsableVideo:
        return None
    return SentVideo(found.track, found.codec, found.shape)


def by_parameter_set(before: SentVideo | None, track: int, nal: bytes) -> SentVideo | None:
    """`before`, as a sequence parameter set in its packets corrects it. What cannot be read changes nothing."""
    if before is None or before.track != track or before.codec not in ("H264", "H265"):
        return before
    try:
        shape = (h264 if before.codec == "H264" else h265).parse_sps(nal)
    except BadVideo:
        return before
    return SentVideo(track, before.codec, shape, in_band=True)
