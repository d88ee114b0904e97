"""Configurations of the Media2 service (ver20): encoders, sources and their options. Pure.

Every range holds exactly the present value: the NVR decides, and Set… operations are refused as not implemented.
"""

from __future__ import annotations

from collections.abc import Callable

from proxyd.camera.spec import CameraSpec, StreamSpec

from ..faults import no_configuration
from ..soap import Element, el
from . import configurations as conf
from .operation import Access, Answer, Context, Operation

ENCODINGS = {"H264": "H264", "H265": "H265", "JPEG": "JPEG", "MPEG4": "MPV4-ES"}
_AUDIO_ENCODINGS = {"G711": "PCMU", "G726": "G726", "AAC": "MP4A-LATM"}
_PROFILES = {
    "H264": frozenset({"Baseline", "Main", "Extended", "High"}),
    "H265": frozenset({"Main", "Main10"}),
    "MPEG4": frozenset({"Simple", "AdvancedSimple"}),
}
_EMPTY_LISTS = (
    "GetMetadataConfigurations",
    "GetAnalyticsConfigurations",
    "GetAudioOutputConfigurations",
    "GetAudioDecoderConfigurations",
)


def video_encoder(name: str, stream: StreamSpec) -> Element:
    attributes = {"token": conf.video_encoder_token(stream)}
    if stream.codec != "JPEG":
        attributes |= {"GovLength": str(stream.gov_length), "Profile": _codec_profile(stream)}
    return el(
        name,
        el("tt:Name", conf.title(stream)),
        el("tt:UseCount", "1"),
        el("tt:Encoding", ENCODINGS[stream.codec]),
        conf.resolution("tt:Resolution", stream),
        el(
            "tt:RateControl",
            el("tt:FrameRateLimit", str(stream.fps)),
            el("tt:BitrateLimit", str(stream.bitrate_kbps)),
            ConstantBitRate="false",
        ),
        el("tt:Quality", conf.number(stream.quality)),
        **attributes,
    )


def _codec_profile(stream: StreamSpec) -> str:
    if stream.codec == "MPEG4":
        return "Simple"
    return stream.codec_profile if stream.codec_profile in _PROFILES.get(stream.codec, ()) else "Main"


def audio_encoder(name: str, stream: StreamSpec) -> Element:
    audio = stream.audio
    if audio is None:
        raise no_configuration(conf.audio_encoder_token(stream))
    return el(
        name,
        el("tt:Name", f"{conf.title(stream)} audio"),
        el("tt:UseCount", "1"),
        el("tt:Encoding", _AUDIO_ENCODINGS[audio.codec]),
        el("tt:Bitrate", str(audio.bitrate_kbps)),
        el("tt:SampleRate", str(audio.sample_rate_khz)),
        token=conf.audio_encoder_token(stream),
    )


def _selected(
    ctx: Context, by_token: Callable[[CameraSpec, str], StreamSpec], *, audio: bool = False
) -> list[StreamSpec]:
    """The streams a request asks about: by configuration token, by profile token, or all."""
    if token := ctx.request.text("tr2:ConfigurationToken"):
        return [by_token(ctx.spec, token)]
    streams = list(ctx.spec.streams)
    if token := ctx.request.text("tr2:ProfileToken"):
        streams = [conf.profile_stream(ctx.spec, token)]
    return [stream for stream in streams if stream.audio] if audio else streams


def get_video_encoder_configurations(ctx: Context) -> Element:
    streams = _selected(ctx, conf.by_video_encoder)
    found = (video_encoder("tr2:Configurations", stream) for stream in streams)
    return el("tr2:GetVideoEncoderConfigurationsResponse", *found)


def get_audio_encoder_configurations(ctx: Context) -> Element:
    streams = _selected(ctx, conf.by_audio_encoder, audio=True)
    found = (audio_encoder("tr2:Configurations", stream) for stream in streams)
    return el("tr2:GetAudioEncoderConfigurationsResponse", *found)


def _check_source(ctx: Context, token: str, present: bool) -> bool:
    """Whether the only source configuration is among those asked for. Raises faults for unknown tokens."""
    asked = ctx.request.text("tr2:ConfigurationToken")
    if asked and (asked != token or not present):
        raise no_configuration(asked)
    if profile := ctx.request.text("tr2:ProfileToken"):
        conf.profile_stream(ctx.spec, profile)
    return present


def get_video_source_configurations(ctx: Context) -> Element:
    found = None
    if _check_source(ctx, conf.VIDEO_SOURCE_CONFIG, bool(ctx.spec.streams)):
        found = conf.video_source_configuration("tr2:Configurations", ctx.spec)
    return el("tr2:GetVideoSourceConfigurationsResponse", found)


def get_audio_source_configurations(ctx: Context) -> Element:
    found = None
    if _check_source(ctx, conf.AUDIO_SOURCE_CONFIG, bool(conf.streams_with_audio(ctx.spec))):
        found = conf.audio_source_configuration("tr2:Configurations", ctx.spec)
    return el("tr2:GetAudioSourceConfigurationsResponse", found)


def get_video_source_configuration_options(ctx: Context) -> Element:
    _check_source(ctx, conf.VIDEO_SOURCE_CONFIG, bool(ctx.spec.streams))
    options = conf.video_source_configuration_options("tr2:Options", ctx.spec)
    return el("tr2:GetVideoSourceConfigurationOptionsResponse", options)


def get_audio_source_configuration_options(ctx: Context) -> Element:
    if not _check_source(ctx, conf.AUDIO_SOURCE_CONFIG, bool(conf.streams_with_audio(ctx.spec))):
        raise no_configuration(conf.AUDIO_SOURCE_CONFIG)
    options = conf.audio_source_configuration_options("tr2:Options")
    return el("tr2:GetAudioSourceConfigurationOptionsResponse", options)


def get_video_encoder_configuration_options(ctx: Context) -> Element:
    streams = _selected(ctx, conf.by_video_encoder)
    if not streams:
        raise no_configuration("")
    found = (_video_encoder_options(stream) for stream in streams)
    return el("tr2:GetVideoEncoderConfigurationOptionsResponse", *found)


def _video_encoder_options(stream: StreamSpec) -> Element:
    attributes = {"FrameRatesSupported": str(stream.fps), "ConstantBitRateSupported": "false"}
    if stream.codec != "JPEG":
        attributes |= {
            "GovLengthRange": f"{stream.gov_length} {stream.gov_length}",
            "ProfilesSupported": _codec_profile(stream),
        }
    quality = el("tt:QualityRange", el("tt:Min", "0"), el("tt:Max", str(conf.quality_limit([stream]))))
    return el(
        "tr2:Options",
        el("tt:Encoding", ENCODINGS[stream.codec]),
        quality,
        conf.resolution("tt:ResolutionsAvailable", stream),
        conf.int_range("tt:BitrateRange", stream.bitrate_kbps, stream.bitrate_kbps),
        **attributes,
    )


def get_audio_encoder_configuration_options(ctx: Context) -> Element:
    streams = _selected(ctx, conf.by_audio_encoder, audio=True)
    known = {(s.audio.codec, s.audio.bitrate_kbps, s.audio.sample_rate_khz) for s in streams if s.audio is not None}
    if not known:
        raise no_configuration("")
    options = (
        el(
            "tr2:Options",
            el("tt:Encoding", _AUDIO_ENCODINGS[codec]),
            el("tt:BitrateList", el("tt:Items", str(bitrate))),
            el("tt:SampleRateList", el("tt:Items", str(rate))),
        )
        for codec, bitrate, rate in sorted(known)
    )
    return el("tr2:GetAudioEncoderConfigurationOptionsResponse", *options)


def _empty(name: str) -> Answer:
    return lambda _: el(f"tr2:{name}Response")


def _read(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.READ_MEDIA, answer)


OPERATIONS = (
    _read("GetVideoSourceConfigurations", get_video_source_configurations),
    _read("GetVideoSourceConfigurationOptions", get_video_source_configuration_options),
    _read("GetVideoEncoderConfigurations", get_video_encoder_configurations),
    _read("GetVideoEncoderConfigurationOptions", get_video_encoder_configuration_options),
    _read("GetAudioSourceConfigurations", get_audio_source_configurations),
    _read("GetAudioSourceConfigurationOptions", get_audio_source_configuration_options),
    _read("GetAudioEncoderConfigurations", get_audio_encoder_configurations),
    _read("GetAudioEncoderConfigurationOptions", get_audio_encoder_configuration_options),
    *(_read(name, _empty(name)) for name in _EMPTY_LISTS),
)
