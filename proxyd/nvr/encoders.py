"""Settings of an NVR's video encoder: what is told of them, and how a changed configuration is written. Pure.

The raw mappings are zeep's results as plain dicts; a configuration goes back with everything it came with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lxml import etree

from proxyd.camera.encoders import CodecOptions, EncoderOptions, EncoderWish
from proxyd.camera.features import Span
from proxyd.camera.spec import Codec, StreamSpec

from .numbers import items, mapping, real, span
from .profiles import Profile, parse_codec

_MAX_CHOICES = 128  # resolutions, rates and profiles of one codec
_UNKNOWN_QUALITY = Span(0, 10)
_MEDIA_CODECS: tuple[Codec, ...] = ("H264", "MPEG4", "JPEG")
_MEDIA2_NAMES: dict[Codec, str] = {"H264": "H264", "H265": "H265", "JPEG": "JPEG", "MPEG4": "MPV4-ES"}


def media_configuration(raw: Mapping[str, Any], wish: EncoderWish) -> dict[str, Any]:
    """A tt:VideoEncoderConfiguration with the wish in it, for SetVideoEncoderConfiguration of Media."""
    changed = _without_empty(raw)
    codec = wish.codec or parse_codec(changed.get("Encoding")) or "H264"
    changed["Encoding"] = codec
    _set_picture(changed, wish)
    rate = changed.setdefault("RateControl", {"EncodingInterval": 1})
    if wish.fps is not None:
        rate["FrameRateLimit"] = round(wish.fps)
    if wish.bitrate_kbps is not None:
        rate["BitrateLimit"] = wish.bitrate_kbps
    for other in {"H264", "MPEG4"} - {codec}:
        changed.pop(other, None)
    if codec in ("H264", "MPEG4"):
        profile_name, usual = ("H264Profile", "Main") if codec == "H264" else ("Mpeg4Profile", "SP")
        details = changed.setdefault(codec, {"GovLength": 50, profile_name: usual})
        if wish.gov_length is not None:
            details["GovLength"] = wish.gov_length
        if wish.codec_profile and codec == "H264":
            details[profile_name] = wish.codec_profile
    return changed


def media2_configuration(raw: Mapping[str, Any], wish: EncoderWish) -> dict[str, Any]:
    """A tt:VideoEncoder2Configuration with the wish in it, for SetVideoEncoderConfiguration of Media2."""
    changed = _without_empty(raw)
    if wish.codec is not None:
        changed["Encoding"] = _MEDIA2_NAMES[wish.codec]
    _set_picture(changed, wish)
    rate = changed.setdefault("RateControl", {})
    if wish.fps is not None:
        rate["FrameRateLimit"] = wish.fps
    if wish.bitrate_kbps is not None:
        rate["BitrateLimit"] = wish.bitrate_kbps
    if wish.gov_length is not None:
        changed["GovLength"] = wish.gov_length
    if wish.codec_profile:
        changed["Profile"] = wish.codec_profile
    return changed


def media_options(raw: Mapping[str, Any]) -> EncoderOptions:
    """From Media's GetVideoEncoderConfigurationOptions. The bit rate stands in the extension."""
    extension = mapping(raw.get("Extension"))
    codecs: list[CodecOptions] = []
    for codec in _MEDIA_CODECS:
        told = mapping(raw.get(codec))
        if not told:
            continue
        rates = span(told.get("FrameRateRange"))
        codecs.append(
            CodecOptions(
                codec,
                _sizes(told),
                (rates.low, rates.high) if rates else (),
                span(told.get("GovLengthRange")),
                _extended_bitrate(extension, codec),
                tuple(str(each) for each in items(told.get("H264ProfilesSupported"), _MAX_CHOICES)),
            )
        )
    return EncoderOptions(span(raw.get("QualityRange")) or _UNKNOWN_QUALITY, tuple(codecs))


def media2_options(raw: object) -> EncoderOptions:
    """From Media2's GetVideoEncoderConfigurationOptions: one entry per codec."""
    quality = None
    codecs: list[CodecOptions] = []
    for told in map(mapping, items(raw, _MAX_CHOICES)):
        codec = parse_codec(told.get("Encoding"))
        if codec is None or codec in [known.codec for known in codecs]:
            continue
        quality = quality or span(told.get("QualityRange"))
        gov = _numbers(told.get("GovLengthRange"))
        codecs.append(
            CodecOptions(
                codec,
                _sizes(told),
                _numbers(told.get("FrameRatesSupported")),
                Span(min(gov), max(gov)) if gov else None,
                span(told.get("BitrateRange")),
                tuple(str(each) for each in _words(told.get("ProfilesSupported"))),
            )
        )
    return EncoderOptions(quality or _UNKNOWN_QUALITY, tuple(codecs))


def with_told(stream: StreamSpec, told: Profile) -> StreamSpec:
    """`stream` with what the NVR says of its encoder now; what it leaves out stays."""
    return replace(
        stream,
        codec=told.codec or stream.codec,
        width=told.width or stream.width,
        height=told.height or stream.height,
        fps=told.fps or stream.fps,
        bitrate_kbps=told.bitrate_kbps or stream.bitrate_kbps,
        gov_length=told.gov_length,
        codec_profile=told.codec_profile,
        quality=told.quality,
    )


def _set_picture(changed: dict[str, Any], wish: EncoderWish) -> None:
    if wish.size is not None:
        changed["Resolution"] = {"Width": wish.size[0], "Height": wish.size[1]}
    if wish.quality is not None:
        changed["Quality"] = wish.quality


def _sizes(told: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    sizes = []
    for size in map(mapping, items(told.get("ResolutionsAvailable"), _MAX_CHOICES)):
        width, height = real(size.get("Width")), real(size.get("Height"))
        if width and height and width > 0 and height > 0:
            sizes.append((round(width), round(height)))
    return tuple(dict.fromkeys(sizes))


def _extended_bitrate(extension: Mapping[str, Any], codec: Codec) -> Span | None:
    """zeep leaves the extension as it came, since its schema begins with a wildcard."""
    for element in items(extension.get("_value_1"), _MAX_CHOICES):
        if isinstance(element, etree._Element) and etree.QName(element).localname == codec:
            limits = {name: element.findtext(f"{{*}}BitrateRange/{{*}}{name}") for name in ("Min", "Max")}
            return span(limits)
    return span(mapping(extension.get(codec)).get("BitrateRange"))


def _words(value: object) -> list[Any]:
    """A list type of the schema: zeep gives the text, or a list."""
    return value.split()[:_MAX_CHOICES] if isinstance(value, str) else items(value, _MAX_CHOICES)


def _numbers(value: object) -> tuple[float, ...]:
    return tuple(number for each in _words(value) if (number := real(each)) is not None and number >= 0)


def _without_empty(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What was there: zeep names every element of the schema, and what it could not place by "_value_1"."""
    return {
        key: _without_empty(value) if isinstance(value, Mapping) else value
        for key, value in raw.items()
        if value is not None and value != [] and not key.startswith("_")
    }
