"""What recorders wish of a video encoder, and what the NVR's encoder can do: frozen, pure."""

from __future__ import annotations

from dataclasses import dataclass

from .features import Span
from .spec import Codec


@dataclass(frozen=True, slots=True)
class EncoderWish:
    """Settings that a recorder wants changed. None: as it is."""

    codec: Codec | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None
    bitrate_kbps: int | None = None
    gov_length: int | None = None
    codec_profile: str | None = None
    quality: float | None = None


@dataclass(frozen=True, slots=True)
class CodecOptions:
    """What an encoder offers with one codec. An empty `profiles`, and None, mean that the NVR did not say."""

    codec: Codec
    sizes: tuple[tuple[int, int], ...]
    fps: tuple[float, ...]  # the rates, or the lowest and the highest
    gov_length: Span | None = None
    bitrate_kbps: Span | None = None
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    quality: Span
    codecs: tuple[CodecOptions, ...]
