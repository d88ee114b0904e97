"""Configurations of the Media service, version 10: encoders, sources, their options, and the empty lists. Pure.

Every range holds exactly the present value: the NVR decides, and Set… operations are refused as not implemented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proxyd.camera.spec import CameraSpec, StreamSpec

from ..faults import no_configuration
from ..soap import Element, el
from . import configurations as conf
from .operation import Access, Answer, Context, Operation

_H264_PROFILES = frozenset({"Baseline", "Main", "Extended", "High"})
_EMPTY_LISTS = (
    "GetMetadataConfigurations",
    "GetVideoAnalyticsConfigurations",
    "GetAudioOutputs",
    "GetAudioOutputConfigurations",
    "GetAudioDecoderConfigurations",
    "GetCompatibleMetadataConfigurations",
    "GetCompatibleVideoAnalyticsConfigurations",
    "GetCompatibleAudioOutputConfigurations",
    "GetCompatibleAudioDecoderConfigurations",
)


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
    for codec in ("JPEG", "MPEG4", "H264"):
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


def _video_encoder_options(ctx: Context) -> Element:
    options = _video_options(_selected(ctx, conf.by_video_encoder, encoded(ctx.spec)))
    return el("trt:GetVideoEncoderConfigurationOptionsResponse", options)


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


def _video_source_options(ctx: Context) -> Element:
    options = conf.video_source_configuration_options("trt:Options", ctx.spec)
    return el("trt:GetVideoSourceConfigurationOptionsResponse", options)


def _audio_source_options(ctx: Context) -> Element:
    if not conf.streams_with_audio(ctx.spec):
        raise no_configuration(conf.AUDIO_SOURCE_CONFIG)
    options = conf.audio_source_configuration_options("trt:Options")
    return el("trt:GetAudioSourceConfigurationOptionsResponse", options)


def _one(operation: str, by_token: Callable[[Context, str], Element]) -> Answer:
    def answer(ctx: Context) -> Element:
        return el(f"trt:{operation}Response", by_token(ctx, ctx.required("trt:ConfigurationToken")))

    return answer


def _many(operation: str, all_of: Callable[[CameraSpec], list[Element]]) -> Answer:
    def answer(ctx: Context) -> Element:
        if (token := ctx.request.text("trt:ProfileToken")) is not None:
            conf.profile_stream(ctx.spec, token)
        return el(f"trt:{operation}Response", *all_of(ctx.spec))

    return answer


def _video_encoders(spec: CameraSpec) -> list[Element]:
    return [video_encoder("trt:Configurations", stream) for stream in encoded(spec)]


def _audio_encoders(spec: CameraSpec) -> list[Element]:
    return [audio_encoder("trt:Configurations", stream) for stream in conf.streams_with_audio(spec)]


def _video_source_configs(spec: CameraSpec) -> list[Element]:
    return [conf.video_source_configuration("trt:Configurations", spec)] if spec.streams else []


def _audio_source_configs(spec: CameraSpec) -> list[Element]:
    has_audio = bool(conf.streams_with_audio(spec))
    return [conf.audio_source_configuration("trt:Configurations", spec)] if has_audio else []


def _video_encoder_by_token(ctx: Context, token: str) -> Element:
    stream = conf.by_video_encoder(ctx.spec, token)
    if not expressible(stream):
        raise no_configuration(token)
    return video_encoder("trt:Configuration", stream)


def _audio_encoder_by_token(ctx: Context, token: str) -> Element:
    return audio_encoder("trt:Configuration", conf.by_audio_encoder(ctx.spec, token))


def _video_source_by_token(ctx: Context, token: str) -> Element:
    if token != conf.VIDEO_SOURCE_CONFIG or not ctx.spec.streams:
        raise no_configuration(token)
    return conf.video_source_configuration("trt:Configuration", ctx.spec)


def _audio_source_by_token(ctx: Context, token: str) -> Element:
    if token != conf.AUDIO_SOURCE_CONFIG or not conf.streams_with_audio(ctx.spec):
        raise no_configuration(token)
    return conf.audio_source_configuration("trt:Configuration", ctx.spec)


def _read(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.READ_MEDIA, answer)


def _operations() -> list[Operation]:
    operations = [
        _read("GetVideoEncoderConfigurationOptions", _video_encoder_options),
        _read("GetAudioEncoderConfigurationOptions", _audio_encoder_options),
        _read("GetVideoSourceConfigurationOptions", _video_source_options),
        _read("GetAudioSourceConfigurationOptions", _audio_source_options),
    ]
    for kind, all_of, by_token in (
        ("VideoEncoderConfiguration", _video_encoders, _video_encoder_by_token),
        ("AudioEncoderConfiguration", _audio_encoders, _audio_encoder_by_token),
        ("VideoSourceConfiguration", _video_source_configs, _video_source_by_token),
        ("AudioSourceConfiguration", _audio_source_configs, _audio_source_by_token),
    ):
        one, many, compatible = f"Get{kind}", f"Get{kind}s", f"GetCompatible{kind}s"
        operations += [
            _read(one, _one(one, by_token)),
            _read(many, _many(many, all_of)),
            _read(compatible, _many(compatible, all_of)),
        ]
    return operations + [_read(name, _many(name, lambda _: [])) for name in _EMPTY_LISTS]


OPERATIONS = tuple(_operations())
