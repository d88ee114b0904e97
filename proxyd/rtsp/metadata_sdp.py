"""The metadata track in descriptions: found in an NVR's, written into ours (ONVIF Streaming Specification section
5.1.2.1.1). Pure."""

from __future__ import annotations

from proxyd.rtsp.metadata_rtp import CLOCK_HZ, ENCODING, PAYLOAD_TYPE
from proxyd.rtsp.sdp import MAX_MEDIA, RTP_PROFILES, Description, Media, encoding

# Behind all that an NVR's description may have, and behind its ways back: no other track's number depends on it.
METADATA_TRACK = 2 * MAX_MEDIA


def metadata_tracks(description: Description) -> list[Media]:
    """Those whose documents are plain XML; a compressed one has another name."""
    return [media for media in description.media if _is_metadata(media)][:1]


def metadata_section() -> str:
    """To be put behind the last track of our description."""
    lines = (
        f"m=application 0 RTP/AVP {PAYLOAD_TYPE}",
        "a=recvonly",
        f"a=rtpmap:{PAYLOAD_TYPE} {ENCODING}/{CLOCK_HZ}",
        f"a=control:trackID={METADATA_TRACK}",
    )
    return "".join(f"{line}\r\n" for line in lines)


def _is_metadata(media: Media) -> bool:
    return media.kind == "application" and media.protocol in RTP_PROFILES and encoding(media)[0] == ENCODING
