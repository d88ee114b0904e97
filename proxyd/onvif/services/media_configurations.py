"""Configurations of the Media service, version 10: lists of them, each by its token, and options of sources. Pure."""

from __future__ import annotations

from collections.abc import Callable

from proxyd.camera.spec import CameraSpec
from proxyd.camera.told import offers_metadata

from ..faults import no_configuration
from ..soap import Element, el
from . import audio_outputs as back
from . import configurations as conf
from . import media_encoders as enc
from .analytics_items import ANALYTICS_CONFIG, analytics_configuration
from .metadata import METADATA_CONFIG, metadata_configuration, metadata_options
from .operation import Access, Answer, Context, Operation

# All configurations of one kind, each by its token, and the same again in words of another element.
_Make = Callable[[str, CameraSpec], list[tuple[str, Element]]]


def _video_encoders(name: str, spec: CameraSpec) -> list[tuple[str, Element]]:
    return [(conf.video_encoder_token(s), enc.video_encoder(name, s)) for s in enc.encoded(spec)]


def _audio_encoders(name: str, spec: CameraSpec) -> list[tuple[str, Element]]:
    return [(conf.audio_encoder_token(s), enc.audio_encoder(name, s)) for s in conf.streams_with_audio(spec)]


def _video_sources(name: str, spec: CameraSpec) -> list[tuple[str, Element]]:
    return [(conf.VIDEO_SOURCE_CONFIG, conf.video_source_configuration(name, spec))] if spec.streams else []


def _audio_sources(name: str, spec: CameraSpec) -> list[tuple[str, Element]]:
    if not conf.streams_with_audio(spec):
        return []
    return [(conf.AUDIO_SOURCE_CONFIG, conf.audio_source_configuration(name, spec))]


def _analytics(name: str, spec: CameraSpec) -> list[tuple[str, Element]]:
    found = analytics_configuration(name, spec)
    return [] if found is None else [(ANALYTICS_CONFIG, found)]


def _outputs(name: str, spec: CameraSpec) -> list[tuple[str, Element]]:
    if not back.offers_backchannel(spec):
        return []
    return [(back.OUTPUT_CONFIG, back.output_configuration(name, spec))]


def _decoders(name: str, spec: CameraSpec) -> list[tuple[str, Element]]:
    if not back.offers_backchannel(spec):
        return []
    return [(back.DECODER_CONFIG, back.decoder_configuration(name, spec))]


def _metadata(name: str, spec: CameraSpec) -> list[tuple[str, Element]]:
    return [(METADATA_CONFIG, metadata_configuration(name, spec))] if offers_metadata(spec) else []


_KINDS: tuple[tuple[str, _Make], ...] = (
    ("VideoEncoderConfiguration", _video_encoders),
    ("AudioEncoderConfiguration", _audio_encoders),
    ("VideoSourceConfiguration", _video_sources),
    ("AudioSourceConfiguration", _audio_sources),
    ("VideoAnalyticsConfiguration", _analytics),
    ("MetadataConfiguration", _metadata),
    ("AudioOutputConfiguration", _outputs),
    ("AudioDecoderConfiguration", _decoders),
)


def _one(operation: str, make: _Make) -> Answer:
    def answer(ctx: Context) -> Element:
        token = ctx.required("trt:ConfigurationToken")
        found = dict(make("trt:Configuration", ctx.spec)).get(token)
        if found is None:
            raise no_configuration(token)
        return el(f"trt:{operation}Response", found)

    return answer


def _many(operation: str, make: _Make) -> Answer:
    def answer(ctx: Context) -> Element:
        if (token := ctx.request.text("trt:ProfileToken")) is not None:
            conf.profile_stream(ctx.spec, token)
        return el(f"trt:{operation}Response", *(found for _, found in make("trt:Configurations", ctx.spec)))

    return answer


def _check_asked(ctx: Context, token: str, present: bool) -> None:
    """Whether the request is about the only configuration of a kind, or about a profile, or names nothing. Raises
    NoConfig and NoProfile."""
    if profile := ctx.request.text("trt:ProfileToken"):
        conf.profile_stream(ctx.spec, profile)
    asked = ctx.request.text("trt:ConfigurationToken")
    if not present or asked not in (None, "", token):
        raise no_configuration(asked or token)


def _video_source_options(ctx: Context) -> Element:
    _check_asked(ctx, conf.VIDEO_SOURCE_CONFIG, bool(ctx.spec.streams))
    options = conf.video_source_configuration_options("trt:Options", ctx.spec)
    return el("trt:GetVideoSourceConfigurationOptionsResponse", options)


def _audio_source_options(ctx: Context) -> Element:
    _check_asked(ctx, conf.AUDIO_SOURCE_CONFIG, bool(conf.streams_with_audio(ctx.spec)))
    options = conf.audio_source_configuration_options("trt:Options")
    return el("trt:GetAudioSourceConfigurationOptionsResponse", options)


def _output_options(ctx: Context) -> Element:
    _check_asked(ctx, back.OUTPUT_CONFIG, back.offers_backchannel(ctx.spec))
    return el("trt:GetAudioOutputConfigurationOptionsResponse", back.output_options("trt:Options"))


def _decoder_options(ctx: Context) -> Element:
    _check_asked(ctx, back.DECODER_CONFIG, back.offers_backchannel(ctx.spec))
    return el("trt:GetAudioDecoderConfigurationOptionsResponse", back.decoder_options("trt:Options"))


def _metadata_options(ctx: Context) -> Element:
    _check_asked(ctx, METADATA_CONFIG, offers_metadata(ctx.spec))
    return el("trt:GetMetadataConfigurationOptionsResponse", metadata_options("trt:Options", ctx.spec))


def _audio_outputs(ctx: Context) -> Element:
    output = el("trt:AudioOutputs", token=back.OUTPUT) if back.offers_backchannel(ctx.spec) else None
    return el("trt:GetAudioOutputsResponse", output)


def _read(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.READ_MEDIA, answer)


def _operations() -> list[Operation]:
    operations = [
        _read("GetVideoSourceConfigurationOptions", _video_source_options),
        _read("GetAudioSourceConfigurationOptions", _audio_source_options),
        _read("GetAudioOutputConfigurationOptions", _output_options),
        _read("GetAudioDecoderConfigurationOptions", _decoder_options),
        _read("GetMetadataConfigurationOptions", _metadata_options),
        _read("GetAudioOutputs", _audio_outputs),
    ]
    for kind, make in _KINDS:
        one, many, compatible = f"Get{kind}", f"Get{kind}s", f"GetCompatible{kind}s"
        operations += [
            _read(one, _one(one, make)),
            _read(many, _many(many, make)),
            _read(compatible, _many(compatible, make)),
        ]
    return operations


OPERATIONS = tuple(_operations())
