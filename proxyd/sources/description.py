"""What an SDP says of a stream, as far as a recorder has to be told: pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxyd.camera.spec import AudioSpec, Codec
from proxyd.rtsp.sdp import Media

from . import h264, h265
from .shape import BadVideo, VideoShape, checked_size, sane_fps

_VIDEO: dict[str, Codec] = {"H264": "H264", "H265": "H265", "HEVC": "H265", "JPEG": "JPEG", "MP4V-ES": "MPEG4"}
_STATIC = {"0": ("PCMU", 8000), "8": ("PCMA", 8000), "26": ("JPEG", 90000)}  # RFC 3551 section 6
_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_SIZE = re.compile(r"(?:[0-9]{1,3} )?([0-9]{1,5})[-, x]+([0-9]{1,5})")
_DEFAULT_AAC_KBPS = 64


@dataclass(frozen=True, slots=True)
class Described:
    """`track` is the video's place among the media; `shape` is None when only the packets can tell it."""

    track: int
    codec: Codec
    shape: VideoShape | None
    fps: float | None
    bitrate_kbps: int | None
    audio: AudioSpec | None


class NoUsableVideo(ValueError):
    """The sentence part says what there is instead."""


def described(media: Sequence[Media]) -> Described:
    """`media` as `rtsp.sdp.offered` gives them. Raises NoUsableVideo."""
    others = []
    for track, one in enumerate(media):
        if one.kind != "video":
            continue
        encoding, _ = _encoding(one)
        codec = _VIDEO.get(encoding)
        if codec is None:
            others.append(encoding if re.fullmatch(r"[A-Z0-9-]{1,20}", encoding) else "unknown")
            continue
        shape = _shape(one, codec)
        fps = _stated_fps(one) or (shape.fps if shape else None)
        return Described(track, codec, shape, fps, _bitrate_kbps(one), _audio(media))
    if others:
        raise NoUsableVideo(f"has video of kind {', '.join(others[:3])}, not H.264, H.265, MPEG-4 or JPEG")
    raise NoUsableVideo("has no video")


def _encoding(media: Media) -> tuple[str, int]:
    """Name in capitals and clock rate of the first format."""
    first = media.formats[0] if media.formats else ""
    for name, value in media.attributes:
        number, _, mapping = value.partition(" ")
        if name == "rtpmap" and number == first:
            encoding, _, rate = mapping.strip().partition("/")
            digits = rate.partition("/")[0]
            return encoding.upper(), int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    return _STATIC.get(first, ("", 0))


def _parameters(media: Media) -> dict[str, str]:
    """Of fmtp, names in small letters."""
    value = media.attribute("fmtp") or ""
    pairs = (part.strip().partition("=") for part in value.partition(" ")[2].split(";"))
    return {name.lower(): setting.strip() for name, _, setting in pairs if name}


def parameter_sets(media: Media) -> tuple[bytes, ...]:
    """The NAL units that the SDP gives (RFC 6184 section 8.1, RFC 7798 section 7.1), in the order they are needed."""
    parameters = _parameters(media)
    names = ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets")
    return tuple(nal for name in names for nal in _units(parameters.get(name, "")))


def _shape(media: Media, codec: Codec) -> VideoShape | None:
    """From the parameter sets; else the bare size that some devices write beside them."""
    parameters = _parameters(media)
    try:
        if codec == "H264":
            for nal in _units(parameters.get("sprop-parameter-sets", "")):
                if nal[0] & 0x1F == h264.SPS_TYPE:
                    return h264.parse_sps(nal)
        if codec == "H265":
            for nal in _units(parameters.get("sprop-sps", "")):
                shape = h265.parse_sps(nal)
                return shape if shape.fps else _with_fps(shape, parameters)
    except BadVideo:
        pass
    for name in ("x-dimensions", "framesize"):
        if found := _SIZE.fullmatch(media.attribute(name) or ""):
            try:
                width, height = checked_size(int(found.group(1)), int(found.group(2)))
            except BadVideo:
                continue
            return VideoShape(width, height, None, "Main")
    return None


def _with_fps(shape: VideoShape, parameters: dict[str, str]) -> VideoShape:
    for nal in _units(parameters.get("sprop-vps", "")):
        try:
            return VideoShape(shape.width, shape.height, h265.parse_vps_fps(nal), shape.profile)
        except BadVideo:
            continue
    return shape


def _units(text: str) -> Iterator[bytes]:
    """The NAL units in a sprop parameter; what is no base64 is left out. Some devices leave the padding away."""
    for part in text.split(",")[:16]:
        try:
            nal = base64.b64decode(part.strip() + "=" * (-len(part.strip()) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        if nal:
            yield nal


def _stated_fps(media: Media) -> float | None:
    for name in ("framerate", "x-framerate"):
        value = media.attribute(name) or ""
        if _NUMBER.fullmatch(value) and (fps := sane_fps(float(value))):
            return fps
    return None


def _bitrate_kbps(media: Media) -> int | None:
    """b=AS counts kbit/s, b=TIAS bit/s (RFC 3890)."""
    for value in media.bandwidth:
        kind, _, digits = value.partition(":")
        if digits.isascii() and digits.isdigit() and len(digits) <= 10:
            kbps = int(digits) // (1000 if kind.upper() == "TIAS" else 1)
            if kind.upper() in ("AS", "TIAS") and 0 < kbps <= 1_000_000:
                return kbps
    return None


def _audio(media: Sequence[Media]) -> AudioSpec | None:
    for one in media:
        if one.kind != "audio":
            continue
        encoding, rate = _encoding(one)
        if encoding in ("PCMU", "PCMA"):
            return AudioSpec("G711", 64, max(rate // 1000, 8))
        if encoding.startswith("G726"):
            kbps = encoding.partition("-")[2]
            return AudioSpec("G726", int(kbps) if kbps in ("16", "24", "32", "40") else 32, 8)
        if encoding in ("MPEG4-GENERIC", "MP4A-LATM"):
            return AudioSpec("AAC", _bitrate_kbps(one) or _DEFAULT_AAC_KBPS, max(rate // 1000, 8))
    return None
