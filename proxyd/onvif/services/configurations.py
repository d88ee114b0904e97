"""Elements and tokens that Media and Media2 share. Pure.

Tokens are made from the stream's name and never change: recorders store them (design contract 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from proxyd.camera.features import Span
from proxyd.camera.spec import CameraSpec, StreamSpec

from ..faults import no_configuration, no_profile
from ..soap import Element, el

VIDEO_SOURCE = "video_source"
VIDEO_SOURCE_CONFIG = "video_source_config"
AUDIO_SOURCE = "audio_source"
AUDIO_SOURCE_CONFIG = "audio_source_config"
SESSION_TIMEOUT = "PT60S"
_TITLES = {"main": "Main stream", "sub": "Sub stream"}


def video_encoder_token(stream: StreamSpec) -> str:
    return f"video_encoder_{stream.name}"


def audio_encoder_token(stream: StreamSpec) -> str:
    return f"audio_encoder_{stream.name}"


def title(stream: StreamSpec) -> str:
    return _TITLES[stream.name]


def profile_stream(spec: CameraSpec, token: str) -> StreamSpec:
    """The stream of profile `token` (they share their names). Raises the NoProfile fault."""
    stream = spec.stream(token)
    if stream is None:
        raise no_profile(token)
    return stream


def by_video_encoder(spec: CameraSpec, token: str) -> StreamSpec:
    for stream in spec.streams:
        if video_encoder_token(stream) == token:
            return stream
    raise no_configuration(token)


def by_audio_encoder(spec: CameraSpec, token: str) -> StreamSpec:
    for stream in streams_with_audio(spec):
        if audio_encoder_token(stream) == token:
            return stream
    raise no_configuration(token)


def streams_with_audio(spec: CameraSpec) -> tuple[StreamSpec, ...]:
    return tuple(stream for stream in spec.streams if stream.audio is not None)


def largest(spec: CameraSpec) -> tuple[int, int]:
    """Size of the picture the sensor is said to deliver: that of the largest stream."""
    sizes = [(stream.width, stream.height) for stream in spec.streams]
    return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))


def video_source_configuration(name: str, spec: CameraSpec) -> Element:
    width, height = largest(spec)
    return el(
        name,
        el("tt:Name", "Video source"),
        el("tt:UseCount", str(len(spec.streams))),
        el("tt:SourceToken", VIDEO_SOURCE),
        el("tt:Bounds", x="0", y="0", width=str(width), height=str(height)),
        token=VIDEO_SOURCE_CONFIG,
    )


def video_source_configuration_options(name: str, spec: CameraSpec) -> Element:
    width, height = largest(spec)
    return el(
        name,
        el(
            "tt:BoundsRange",
            int_range("tt:XRange", 0, 0),
            int_range("tt:YRange", 0, 0),
            int_range("tt:WidthRange", width, width),
            int_range("tt:HeightRange", height, height),
        ),
        el("tt:VideoSourceTokensAvailable", VIDEO_SOURCE),
    )


def audio_source_configuration(name: str, spec: CameraSpec) -> Element:
    return el(
        name,
        el("tt:Name", "Audio source"),
        el("tt:UseCount", str(len(streams_with_audio(spec)))),
        el("tt:SourceToken", AUDIO_SOURCE),
        token=AUDIO_SOURCE_CONFIG,
    )


def audio_source_configuration_options(name: str) -> Element:
    return el(name, el("tt:InputTokensAvailable", AUDIO_SOURCE))


def multicast() -> Element:
    """Mandatory in Media; all zero says that there is no multicast."""
    return el(
        "tt:Multicast",
        el("tt:Address", el("tt:Type", "IPv4"), el("tt:IPv4Address", "0.0.0.0")),  # noqa: S104 - "none" in ONVIF
        el("tt:Port", "0"),
        el("tt:TTL", "0"),
        el("tt:AutoStart", "false"),
    )


def resolution(name: str, stream: StreamSpec) -> Element:
    return el(name, el("tt:Width", str(stream.width)), el("tt:Height", str(stream.height)))


def int_range(name: str, low: int, high: int) -> Element:
    return el(name, el("tt:Min", str(low)), el("tt:Max", str(high)))


def float_range(name: str, span: Span) -> Element:
    return el(name, el("tt:Min", number(span.low)), el("tt:Max", number(span.high)))


def quality_limit(streams: Iterable[StreamSpec]) -> int:
    """Upper end of the quality scale: 10, or more where the NVR counts further (some go to 100)."""
    return max((10, *(math.ceil(stream.quality) for stream in streams)))


def number(value: float) -> str:
    return f"{value:g}"
