"""What a camera says of one stream to a recorder: the NVR's tracks in our words, and those that are made here. Pure."""

from __future__ import annotations

import zlib

from proxyd.camera.spec import CameraSpec
from proxyd.camera.told import offers_metadata
from proxyd.rtsp.backchannel import as_received, format_ways_back
from proxyd.rtsp.metadata_sdp import metadata_section
from proxyd.rtsp.sdp import Media, format_sdp


def describe(spec: CameraSpec, stream: str, media: list[Media], back: list[Media]) -> bytes:
    """`back`: the tracks for sound to the NVR, where the recorder asked for them."""
    body = format_sdp(
        as_received(media) if back else media,
        address=spec.address,
        session_id=zlib.crc32(f"{spec.uuid}/{stream}".encode()),
        title=stream,
    )
    if offers_metadata(spec):
        body += metadata_section()
    return (body + format_ways_back(back)).encode()
