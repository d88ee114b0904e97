"""Configurations of the Media2 service (ver20) besides encoders: sources, analytics, the way back; and masks. Pure."""

from __future__ import annotations

from collections.abc import Callable

from proxyd.camera.spec import CameraSpec
from proxyd.camera.told import offers_metadata

from ..faults import SoapFault, no_configuration
from ..soap import Element, el
from . import audio_outputs as back
from . import configurations as conf
from .analytics_items import ANALYTICS_CONFIG, analytics_configuration, offers_analytics
from .metadata import METADATA_CONFIG, metadata_configuration, metadata_options
from .operation import Access, Answer, Context, Operation


def _check(ctx: Context, token: str, present: bool) -> bool:
    """Whether the only configuration of its kind is among those asked for. Raises faults for unknown tokens."""
    asked = ctx.request.text("tr2:ConfigurationToken")
    if asked and (asked != token or not present):
        raise no_configuration(asked)
    if profile := ctx.request.text("tr2:ProfileToken"):
        conf.profile_stream(ctx.spec, profile)
    return present


def _has_video(spec: CameraSpec) -> bool:
    return bool(spec.streams)


def _has_audio(spec: CameraSpec) -> bool:
    return bool(conf.streams_with_audio(spec))


def _listed(
    name: str, token: str, present: Callable[[CameraSpec], bool], make: Callable[[str, CameraSpec], Element | None]
) -> Operation:
    """Get…Configurations of a kind of which a camera has one or none."""

    def answer(ctx: Context) -> Element:
        found = make("tr2:Configurations", ctx.spec) if _check(ctx, token, present(ctx.spec)) else None
        return el(f"tr2:{name}Response", found)

    return _read(name, answer)


def _options(
    name: str, token: str, present: Callable[[CameraSpec], bool], make: Callable[[str, CameraSpec], Element]
) -> Operation:
    def answer(ctx: Context) -> Element:
        if not _check(ctx, token, present(ctx.spec)):
            raise no_configuration(token)
        return el(f"tr2:{name}Response", make("tr2:Options", ctx.spec))

    return _read(name, answer)


def _get_masks(ctx: Context) -> Element:
    if mask := ctx.request.text("tr2:Token"):
        raise no_configuration(mask)
    token = ctx.request.text("tr2:ConfigurationToken")
    if token and token != conf.VIDEO_SOURCE_CONFIG:
        raise no_configuration(token)
    return el("tr2:GetMasksResponse")


def _no_mask(ctx: Context) -> Element:
    raise no_configuration(ctx.request.text("tr2:Token") or "of a mask")


def _too_many_masks(_: Context) -> Element:
    raise SoapFault("Receiver", "Privacy masks are made on the NVR", "ter:Action", "ter:MaxMasks")


def _read(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.READ_MEDIA, answer)


OPERATIONS = (
    _listed("GetVideoSourceConfigurations", conf.VIDEO_SOURCE_CONFIG, _has_video, conf.video_source_configuration),
    _listed("GetAudioSourceConfigurations", conf.AUDIO_SOURCE_CONFIG, _has_audio, conf.audio_source_configuration),
    _listed("GetAnalyticsConfigurations", ANALYTICS_CONFIG, offers_analytics, analytics_configuration),
    _listed("GetAudioOutputConfigurations", back.OUTPUT_CONFIG, back.offers_backchannel, back.output_configuration),
    _listed("GetAudioDecoderConfigurations", back.DECODER_CONFIG, back.offers_backchannel, back.decoder_configuration),
    _listed("GetMetadataConfigurations", METADATA_CONFIG, offers_metadata, metadata_configuration),
    _options(
        "GetVideoSourceConfigurationOptions",
        conf.VIDEO_SOURCE_CONFIG,
        _has_video,
        conf.video_source_configuration_options,
    ),
    _options(
        "GetAudioSourceConfigurationOptions",
        conf.AUDIO_SOURCE_CONFIG,
        _has_audio,
        lambda name, _: conf.audio_source_configuration_options(name),
    ),
    _options(
        "GetAudioOutputConfigurationOptions",
        back.OUTPUT_CONFIG,
        back.offers_backchannel,
        lambda name, _: back.output_options(name),
    ),
    _options(
        "GetAudioDecoderConfigurationOptions",
        back.DECODER_CONFIG,
        back.offers_backchannel,
        lambda name, _: back.decoder2_options(name),
    ),
    _options("GetMetadataConfigurationOptions", METADATA_CONFIG, offers_metadata, metadata_options),
    _read("GetMasks", _get_masks),
    Operation("SetMask", Access.ACTUATE, _no_mask, static=False),
    Operation("DeleteMask", Access.ACTUATE, _no_mask, static=False),
    Operation("CreateMask", Access.ACTUATE, _too_many_masks, static=False),
)
