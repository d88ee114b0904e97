"""The way back for sound (ONVIF Streaming Specification section 5.3): its feature tag, its tracks, its packets. Pure.

An NVR lists a section marked `sendonly`, as seen from the client, for each codec that it can decode; the recorder sets
up one of them.
"""

from __future__ import annotations

from dataclasses import replace

from proxyd.rtsp.sdp import MAX_MEDIA, RTP_PROFILES, Description, Media, encoding, format_media, parse_sdp

FEATURE = "www.onvif.org/ver20/backchannel"
NO_LOUDSPEAKER = "wants to speak, but the NVR has no loudspeaker here"
FIRST_TRACK = MAX_MEDIA  # our number of the first one, beyond those of a stream's own tracks
_MAX_PACKET_BYTES = 4096
_DIRECTIONS = ("recvonly", "sendonly", "sendrecv")
_MAX_FORMATS = 16  # of a section
_CODECS = frozenset(
    {
        "pcmu",
        "pcma",
        "g722",
        "g726-16",
        "g726-24",
        "g726-32",
        "g726-40",
        "l16",
        "mpeg4-generic",
        "mp4a-latm",
        "opus",
    }
)
_RTP_HEADER_BYTES = 12
_RTP_VERSION = 2


def is_way_back(track: int | None) -> bool:
    return track is not None and FIRST_TRACK <= track < FIRST_TRACK + MAX_MEDIA


def requires_way_back(values: list[str]) -> bool:
    """`values` are those of Require."""
    return any(feature.strip() == FEATURE for value in values for feature in value.split(","))


def ways_back(description: Description) -> list[Media]:
    """The sections of an NVR's that take sound, with the formats alone whose codec we know."""
    found = []
    for media in description.media:
        if media.kind != "audio" or media.attribute("sendonly") is None or media.protocol not in RTP_PROFILES:
            continue
        few = replace(media, formats=media.formats[:_MAX_FORMATS])
        for shown in parse_sdp(format_media(few, 0)).media:  # as recorders will read it
            formats = tuple(name for name in shown.formats if encoding(shown, name)[0] in _CODECS)
            if formats:
                found.append(replace(media, formats=formats))
    return found


def as_received(media: list[Media]) -> list[Media]:
    """A stream's own tracks, each marked `recvonly`, as they have to be beside a way back."""
    kept = ([item for item in one.attributes if item[0] not in _DIRECTIONS] for one in media)
    return [replace(one, attributes=(*rest, ("recvonly", ""))) for one, rest in zip(media, kept, strict=True)]


def format_ways_back(media: list[Media]) -> str:
    """Their sections in our SDP."""
    return "".join(
        format_media(one, FIRST_TRACK + number).replace("a=control:", "a=sendonly\r\na=control:")
        for number, one in enumerate(media)
    )


def same_ways(one: list[Media], other: list[Media]) -> bool:
    """Whether who set up the one can go on with the other."""
    return [_codecs(media) for media in one] == [_codecs(media) for media in other]


def _codecs(media: Media) -> dict[str, tuple[str, int]]:
    return {name: encoding(media, name) for name in media.formats}


def is_sound(packet: bytes, media: Media) -> bool:
    """Whether it is RTP of one of the formats of `media`, and no larger than such packets are."""
    return (
        _RTP_HEADER_BYTES < len(packet) <= _MAX_PACKET_BYTES
        and packet[0] >> 6 == _RTP_VERSION
        and str(packet[1] & 0x7F) in media.formats
    )
