"""Encoders of the Media service, version 10, and their options. Pure.

Every range holds exactly the present value, since the NVR decides; where the operator lets recorders set encoders, the
NVR is asked for the options of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from proxyd.camera.commands import Ask
from proxyd.camera.encoders import CodecOptions, EncoderOptions
from proxyd.camera.features import Span
from proxyd.camera.spec import CameraSpec, Codec, StreamSpec

from ..faults import no_configuration
from ..soap import Element, el
from . import configurations as conf
from . import encoder_changes
from .operation import Access, Context, Operation

_H264_PROFILES = frozenset({"Baseline", "Main", "Extended", "High"})
_CODECS: tuple[Codec, ...] = ("JPEG", "MPEG4", "H264")  # in the order of the schema


def expressible(stream: StreamSpec) -> bool:
    """Whether the enumeration of this schema has the codec."""
    return stream.codec != "H265"


def encoded(spec: CameraSpec) -> list[StreamSpec]:
    """Streams whose encoder can be told here: H.264 first, else in their own order (main before sub)."""
    return sorted((s for s in spec.streams if expressible(s)), key=lambda s: s.codec != "H264")


def listed(spec: CameraSpec) -> list[StreamSpec]:
    """Streams that GetProfiles shows. With H.265 alone they are shown without encoder: go2rtc and Frigate need only the
    URI, and Home Assistant says "no H.264 profile" instead of failing on an empty list."""
    return encoded(spec) or list(spec.streams)


def video_encoder(name: str, stream: StreamSpec) -> Element:
    codec: Element | None = None
    if stream.codec == "H264":
        codec = el("tt:H264", el("tt:GovLength", str(stream.gov_length)), el("tt:H264Profile", _h264_profile(stream)))
    elif stream.codec == "MPEG4":
        codec = el("tt:MPEG4", el("tt:GovLength", str(stream.gov_length)), el("tt:Mpeg4Profile", "SP"))
    return el(
        name,
        el("tt:Name", conf.title(stream)),
        el("tt:UseCount", "1"),
        el("tt:Encoding", stream.codec),
        conf.resolution("tt:Resolution", stream),
        el("tt:Quality", conf.number(stream.quality)),
        el(
            "tt:RateControl",
            el("tt:FrameRateLimit", str(stream.fps)),
            el("tt:EncodingInterval", "1"),
            el("tt:BitrateLimit", str(stream.bitrate_kbps)),
        ),
        codec,
        conf.multicast(),
        el("tt:SessionTimeout", conf.SESSION_TIMEOUT),
        token=conf.video_encoder_token(stream),
    )


def _h264_profile(stream: StreamSpec) -> str:
    return stream.codec_profile if stream.codec_profile in _H264_PROFILES else "Main"


def audio_encoder(name: str, stream: StreamSpec) -> Element:
    audio = stream.audio
    if audio is None:
        raise no_configuration(conf.audio_encoder_token(stream))
    return el(
        name,
        el("tt:Name", f"{conf.title(stream)} audio"),
        el("tt:UseCount", "1"),
        el("tt:Encoding", audio.codec),
        el("tt:Bitrate", str(audio.bitrate_kbps)),
        el("tt:SampleRate", str(audio.sample_rate_khz)),
        conf.multicast(),
        el("tt:SessionTimeout", conf.SESSION_TIMEOUT),
        token=conf.audio_encoder_token(stream),
    )


def _video_options(streams: list[StreamSpec]) -> Element:
    """One block per codec; the bit rate has its place only in the extension (Media 2.0 and later)."""
    plain: list[Element] = []
    extended: list[Element] = []
    for codec in _CODECS:
        same = [stream for stream in streams if stream.codec == codec]
        if same:
            plain.append(_codec_options(f"tt:{codec}", same, with_bitrate=False))
            extended.append(_codec_options(f"tt:{codec}", same, with_bitrate=True))
    return el(
        "trt:Options",
        conf.int_range("tt:QualityRange", 0, conf.quality_limit(streams)),
        *plain,
        el("tt:Extension", *extended) if extended else None,
    )


def _codec_options(name: str, streams: list[StreamSpec], *, with_bitrate: bool) -> Element:
    def span(element: str, values: list[int]) -> Element:
        return conf.int_range(element, min(values), max(values))

    gov = None if name == "tt:JPEG" else span("tt:GovLengthRange", [s.gov_length for s in streams])
    profiles: list[Element] = []
    if name == "tt:H264":
        profiles = [el("tt:H264ProfilesSupported", each) for each in sorted({_h264_profile(s) for s in streams})]
    elif name == "tt:MPEG4":
        profiles = [el("tt:Mpeg4ProfilesSupported", "SP")]
    return el(
        name,
        *(conf.resolution("tt:ResolutionsAvailable", stream) for stream in streams),
        gov,
        span("tt:FrameRateRange", [s.fps for s in streams]),
        conf.int_range("tt:EncodingIntervalRange", 1, 1),
        *profiles,
        span("tt:BitrateRange", [s.bitrate_kbps for s in streams]) if with_bitrate else None,
    )


def _selected(
    ctx: Context, by_token: Callable[[CameraSpec, str], StreamSpec], otherwise: Iterable[StreamSpec]
) -> list[StreamSpec]:
    """The streams an …Options request asks about: by configuration, by profile, or `otherwise`."""
    if token := ctx.request.text("trt:ConfigurationToken"):
        return [by_token(ctx.spec, token)]
    if token := ctx.request.text("trt:ProfileToken"):
        return [conf.profile_stream(ctx.spec, token)]
    return list(otherwise)


def _video_encoder_options(ctx: Context) -> Element | Ask[Element]:
    streams = _selected(ctx, conf.by_video_encoder, encoded(ctx.spec))

    def present() -> Element:
        return el("trt:GetVideoEncoderConfigurationOptionsResponse", _video_options(streams))

    if len(streams) == 1 and encoder_changes.may_change(ctx, streams[0]):
        return encoder_changes.ask_options(streams[0], _told_options, present)
    return present()


def _told_options(told: EncoderOptions) -> Element:
    """What the NVR offers, as far as this schema has the codec."""
    codecs = sorted(
        (c for c in told.codecs if c.codec in _CODECS and c.sizes and c.fps), key=lambda c: _CODECS.index(c.codec)
    )
    extended = [_told_codec(codec, with_bitrate=True) for codec in codecs if codec.bitrate_kbps is not None]
    options = el(
        "trt:Options",
        conf.int_range("tt:QualityRange", math.floor(told.quality.low), math.ceil(told.quality.high)),
        *(_told_codec(codec, with_bitrate=False) for codec in codecs),
        el("tt:Extension", *extended) if extended else None,
    )
    return el("trt:GetVideoEncoderConfigurationOptionsResponse", options)


def _told_codec(told: CodecOptions, *, with_bitrate: bool) -> Element:
    profiles: list[Element] = []
    if told.codec == "H264":
        names = [name for name in told.profiles if name in _H264_PROFILES] or ["Main"]
        profiles = [el("tt:H264ProfilesSupported", name) for name in names]
    elif told.codec == "MPEG4":
        profiles = [el("tt:Mpeg4ProfilesSupported", "SP")]
    gov = told.gov_length or Span(1, max(told.fps))
    return el(
        f"tt:{told.codec}",
        *(el("tt:ResolutionsAvailable", el("tt:Width", str(w)), el("tt:Height", str(h))) for w, h in told.sizes),
        None if told.codec == "JPEG" else conf.int_range("tt:GovLengthRange", round(gov.low), round(gov.high)),
        conf.int_range("tt:FrameRateRange", max(1, math.ceil(min(told.fps))), math.floor(max(told.fps))),
        conf.int_range("tt:EncodingIntervalRange", 1, 1),
        *profiles,
        _bitrate_range(told.bitrate_kbps) if with_bitrate and told.bitrate_kbps else None,
    )


def _bitrate_range(span: Span) -> Element:
    return conf.int_range("tt:BitrateRange", round(span.low), round(span.high))


def _audio_encoder_options(ctx: Context) -> Element:
    known = {
        (s.audio.codec, s.audio.bitrate_kbps, s.audio.sample_rate_khz)
        for s in _selected(ctx, conf.by_audio_encoder, ctx.spec.streams)
        if s.audio is not None
    }
    options = (
        el(
            "tt:Options",
            el("tt:Encoding", codec),
            el("tt:BitrateList", el("tt:Items", str(bitrate))),
            el("tt:SampleRateList", el("tt:Items", str(rate))),
        )
        for codec, bitrate, rate in sorted(known)
    )
    return el("trt:GetAudioEncoderConfigurationOptionsResponse", el("trt:Options", *options))


OPERATIONS = (
    Operation("GetVideoEncoderConfigurationOptions", Access.READ_MEDIA, _video_encoder_options, static=False),
    Operation("GetAudioEncoderConfigurationOptions", Access.READ_MEDIA, _audio_encoder_options),
)
