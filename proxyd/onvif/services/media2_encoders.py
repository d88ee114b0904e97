"""Encoders of the Media2 service (ver20) and their options. Pure.

Every range holds exactly the present value, since the NVR decides; where the operator lets recorders set encoders, the
NVR is asked for the options of one.
"""

from __future__ import annotations

from collections.abc import Callable

from proxyd.camera.commands import Ask
from proxyd.camera.encoders import CodecOptions, EncoderOptions
from proxyd.camera.features import Span
from proxyd.camera.spec import CameraSpec, StreamSpec

from ..faults import no_configuration
from ..soap import Element, el
from . import configurations as conf
from . import encoder_changes
from .operation import Access, Answer, Context, Operation

ENCODINGS = {"H264": "H264", "H265": "H265", "JPEG": "JPEG", "MPEG4": "MPV4-ES"}
_MOST_KBPS = 16_384  # where the NVR names no range
_AUDIO_ENCODINGS = {"G711": "PCMU", "G726": "G726", "AAC": "MP4A-LATM"}
_PROFILES = {
    "H264": frozenset({"Baseline", "Main", "Extended", "High"}),
    "H265": frozenset({"Main", "Main10"}),
    "MPEG4": frozenset({"Simple", "AdvancedSimple"}),
}


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


def get_video_encoder_configuration_options(ctx: Context) -> Element | Ask[Element]:
    streams = _selected(ctx, conf.by_video_encoder)
    if not streams:
        raise no_configuration("")

    def present() -> Element:
        found = (_video_encoder_options(stream) for stream in streams)
        return el("tr2:GetVideoEncoderConfigurationOptionsResponse", *found)

    if len(streams) == 1 and encoder_changes.may_change(ctx, streams[0]):
        return encoder_changes.ask_options(streams[0], _told_options, present)
    return present()


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


def _told_options(told: EncoderOptions) -> Element:
    """What the NVR offers."""
    found = (_told_codec(codec, told.quality) for codec in told.codecs if codec.sizes and codec.fps)
    return el("tr2:GetVideoEncoderConfigurationOptionsResponse", *found)


def _told_codec(told: CodecOptions, quality: Span) -> Element:
    attributes = {"FrameRatesSupported": " ".join(map(conf.number, told.fps)), "ConstantBitRateSupported": "false"}
    if told.codec != "JPEG":
        gov = told.gov_length or Span(1, max(told.fps))
        known = _PROFILES.get(told.codec, frozenset())
        attributes |= {
            "GovLengthRange": f"{round(gov.low)} {round(gov.high)}",
            "ProfilesSupported": " ".join(name for name in told.profiles if name in known) or "Main",
        }
    bitrate = told.bitrate_kbps or Span(1, _MOST_KBPS)
    return el(
        "tr2:Options",
        el("tt:Encoding", ENCODINGS[told.codec]),
        el("tt:QualityRange", el("tt:Min", conf.number(quality.low)), el("tt:Max", conf.number(quality.high))),
        *(el("tt:ResolutionsAvailable", el("tt:Width", str(w)), el("tt:Height", str(h))) for w, h in told.sizes),
        conf.int_range("tt:BitrateRange", round(bitrate.low), round(bitrate.high)),
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


def _read(name: str, answer: Answer, *, static: bool = True) -> Operation:
    return Operation(name, Access.READ_MEDIA, answer, static)


OPERATIONS = (
    _read("GetVideoEncoderConfigurations", get_video_encoder_configurations),
    _read("GetVideoEncoderConfigurationOptions", get_video_encoder_configuration_options, static=False),
    _read("GetAudioEncoderConfigurations", get_audio_encoder_configurations),
    _read("GetAudioEncoderConfigurationOptions", get_audio_encoder_configuration_options),
)
