"""What an NVR's description means for a session: which of its tracks, and by which addresses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxyd.media.wire import Track
from proxyd.rtsp.addresses import resolve_control, with_host
from proxyd.rtsp.backchannel import ways_back
from proxyd.rtsp.messages import Response
from proxyd.rtsp.metadata_sdp import metadata_tracks
from proxyd.rtsp.sdp import Media, encoding, offered, parse_sdp

_KEY_FRAME_CODECS = ("h264", "h265", "jpeg")


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The NVR's connection, or (`udp`) a pair of ports of each track, for a media process. `descriptors` belong to who
    gets this; `numbers[n]` is our number of `tracks[n]`."""

    descriptors: tuple[int, ...]
    udp: bool
    data: bytes
    tracks: tuple[Track, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UpstreamDescription:
    """`aggregate` is the URL of all, `controls` are those of `media`."""

    media: list[Media]
    aggregate: str
    controls: list[str]


def read_description(
    response: Response, url: str, host: str, *, audio: bool, back: bool, metadata: bool
) -> UpstreamDescription:
    """The answer to DESCRIBE of `url`, at `host` whatever it names; the rest as of Upstream."""
    description = parse_sdp(response.body.decode("utf-8", "replace"))
    if back:
        media = ways_back(description)
    elif metadata:
        media = metadata_tracks(description)
    else:
        media = offered(description, audio=audio)
    base = url
    for name in ("Content-Base", "Content-Location"):
        try:
            base = with_host(response.headers.get(name) or "", host)
            break
        except ValueError:
            continue  # missing, relative or nonsense
    aggregate = resolve_control(description.control, base, host)
    controls = [resolve_control(one.attribute("control") or "", aggregate, host) for one in media]
    return UpstreamDescription(media, aggregate, controls)


def tracks_of(media: list[Media], granted: Mapping[int, tuple[int, int]]) -> tuple[Track, ...]:
    """For a media process, in the order of their numbers; `granted`: the channels of each."""
    tracks = []
    for number, channels in sorted(granted.items()):
        name, clock_hz = encoding(media[number])
        codec = name if name in _KEY_FRAME_CODECS else ""
        tracks.append(Track(channels, codec, clock_hz, media[number].kind == "video"))
    return tuple(tracks)
