"""DeviceIO service: which inputs and outputs a camera has (ONVIF DeviceIO Service Specification section 5). Pure.

One video source, its microphone and its loudspeaker; no relays and inputs, since an NVR does not tell which of its own
belong to a channel.
"""

from __future__ import annotations

from proxyd.camera.spec import CameraSpec

from ..faults import invalid_value, no_video_source
from ..namespaces import DEVICE, DEVICEIO
from ..soap import Element, el
from . import audio_outputs, relays
from . import configurations as conf
from .operation import DEVICEIO_PATH, Access, Answer, Context, Operation, Service, table


def service_capabilities(spec: CameraSpec) -> Element:
    return el(
        "tmd:Capabilities",
        VideoSources="1",
        VideoOutputs="0",
        AudioSources=str(len(_audio_sources(spec))),
        AudioOutputs=str(len(_audio_outputs(spec))),
        RelayOutputs="0",
        SerialPorts="0",
        DigitalInputs="0",
        DigitalInputOptions="false",
    )


def legacy_capabilities(ctx: Context) -> Element:
    return el(
        "tt:DeviceIO",
        el("tt:XAddr", ctx.reached.http(DEVICEIO_PATH)),
        el("tt:VideoSources", "1"),
        el("tt:VideoOutputs", "0"),
        el("tt:AudioSources", str(len(_audio_sources(ctx.spec)))),
        el("tt:AudioOutputs", str(len(_audio_outputs(ctx.spec)))),
        el("tt:RelayOutputs", "0"),
    )


def _audio_sources(spec: CameraSpec) -> tuple[str, ...]:
    return (conf.AUDIO_SOURCE,) if conf.streams_with_audio(spec) else ()


def _audio_outputs(spec: CameraSpec) -> tuple[str, ...]:
    return (audio_outputs.OUTPUT,) if audio_outputs.offers_backchannel(spec) else ()


def get_service_capabilities(ctx: Context) -> Element:
    return el("tmd:GetServiceCapabilitiesResponse", service_capabilities(ctx.spec))


def get_video_sources(_: Context) -> Element:
    return el("tmd:GetVideoSourcesResponse", el("tmd:Token", conf.VIDEO_SOURCE))


def get_audio_sources(ctx: Context) -> Element:
    return el("tmd:GetAudioSourcesResponse", *(el("tmd:Token", token) for token in _audio_sources(ctx.spec)))


def get_video_source_configuration(ctx: Context) -> Element:
    _check_video_source(ctx)
    return el(
        "tmd:GetVideoSourceConfigurationResponse",
        conf.video_source_configuration("tmd:VideoSourceConfiguration", ctx.spec),
    )


def get_video_source_configuration_options(ctx: Context) -> Element:
    _check_video_source(ctx)
    return el(
        "tmd:GetVideoSourceConfigurationOptionsResponse",
        conf.video_source_configuration_options("tmd:VideoSourceConfigurationOptions", ctx.spec),
    )


def _check_video_source(ctx: Context) -> None:
    if (token := ctx.required("tmd:VideoSourceToken")) != conf.VIDEO_SOURCE:
        raise no_video_source(token)


def get_audio_source_configuration(ctx: Context) -> Element:
    _check_audio_source(ctx)
    return el(
        "tmd:GetAudioSourceConfigurationResponse",
        conf.audio_source_configuration("tmd:AudioSourceConfiguration", ctx.spec),
    )


def get_audio_source_configuration_options(ctx: Context) -> Element:
    _check_audio_source(ctx)
    return el(
        "tmd:GetAudioSourceConfigurationOptionsResponse",
        conf.audio_source_configuration_options("tmd:AudioSourceOptions"),
    )


def _check_audio_source(ctx: Context) -> None:
    if (token := ctx.required("tmd:AudioSourceToken")) not in _audio_sources(ctx.spec):
        raise invalid_value(f"There is no audio source {token[:64]!r}", "ter:NoAudioSource")


def get_audio_outputs(ctx: Context) -> Element:
    return el("tmd:GetAudioOutputsResponse", *(el("tmd:Token", token) for token in _audio_outputs(ctx.spec)))


def get_audio_output_configuration(ctx: Context) -> Element:
    _check_audio_output(ctx)
    return el(
        "tmd:GetAudioOutputConfigurationResponse",
        audio_outputs.output_configuration("tmd:AudioOutputConfiguration", ctx.spec),
    )


def get_audio_output_configuration_options(ctx: Context) -> Element:
    _check_audio_output(ctx)
    return el(
        "tmd:GetAudioOutputConfigurationOptionsResponse",
        audio_outputs.output_options("tmd:AudioOutputOptions"),
    )


def _check_audio_output(ctx: Context) -> None:
    if (token := ctx.required("tmd:AudioOutputToken")) not in _audio_outputs(ctx.spec):
        raise invalid_value(f"There is no audio output {token[:64]!r}", "ter:NoAudioOutput")


def _read(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.READ_MEDIA, answer)


def _none(name: str, access: Access) -> Operation:
    """For a list that is always empty."""
    return Operation(name, access, lambda _: el(f"tmd:{name}Response"))


SERVICE = Service(
    DEVICEIO_PATH,
    table(
        DEVICEIO,
        (
            Operation("GetServiceCapabilities", Access.PRE_AUTH, get_service_capabilities),
            _read("GetVideoSources", get_video_sources),
            _read("GetAudioSources", get_audio_sources),
            _read("GetVideoSourceConfiguration", get_video_source_configuration),
            _read("GetVideoSourceConfigurationOptions", get_video_source_configuration_options),
            _read("GetAudioSourceConfiguration", get_audio_source_configuration),
            _read("GetAudioSourceConfigurationOptions", get_audio_source_configuration_options),
            _read("GetAudioOutputs", get_audio_outputs),
            _read("GetAudioOutputConfiguration", get_audio_output_configuration),
            _read("GetAudioOutputConfigurationOptions", get_audio_output_configuration_options),
            _none("GetVideoOutputs", Access.READ_MEDIA),
            _none("GetRelayOutputOptions", Access.PRE_AUTH),
            _none("GetDigitalInputs", Access.READ_SYSTEM),
            _none("GetSerialPorts", Access.READ_SYSTEM),
            # The WSDL has a message of its own for this one, and the device service's for reading and switching.
            Operation("SetRelayOutputSettings", Access.ACTUATE, relays.no_relay, static=False),
        ),
    )
    | table(DEVICE, relays.OPERATIONS),
    DEVICEIO,
    (2, 60),
    service_capabilities,
    category="DeviceIO",
    legacy=legacy_capabilities,
)
