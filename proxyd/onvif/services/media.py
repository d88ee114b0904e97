"""Media service, version 10: profiles, sources, stream and snapshot URIs. Pure.

Its schema knows JPEG, MPEG4 and H264 only, so an H.265 stream is listed by Media2 alone, as long as there is another
one; a client that asks for that profile by its token gets it, without an encoder configuration, and its URI. H.264
comes first: Home Assistant takes nothing else, UniFi Protect calls JPEG alone "no usable streams".
"""

from __future__ import annotations

from proxyd.camera.spec import CameraSpec, StreamSpec
from proxyd.camera.told import offers_metadata
from proxyd.camera.urls import SNAPSHOT_PATH

from ..faults import SoapFault, invalid_value, no_configuration
from ..namespaces import MEDIA
from ..soap import Element, el
from . import audio_outputs as back
from . import configurations as conf
from . import media_changes, media_configurations
from . import media_encoders as enc
from .analytics_items import analytics_configuration
from .metadata import metadata_configuration
from .operation import MEDIA_PATH, Access, Context, Operation, Service, table
from .ptz_nodes import ptz_configuration

_PROTOCOLS = frozenset({"UDP", "TCP", "RTSP", "HTTP"})


def service_capabilities(_: CameraSpec) -> Element:
    return el(
        "trt:Capabilities",
        el("trt:ProfileCapabilities", MaximumNumberOfProfiles="2"),
        el(
            "trt:StreamingCapabilities",
            RTPMulticast="false",
            RTP_TCP="true",
            RTP_RTSP_TCP="true",
            NonAggregateControl="false",
        ),
        SnapshotUri="true",
        Rotation="false",
        VideoSourceMode="false",
        OSD="false",
    )


def legacy_capabilities(ctx: Context) -> Element:
    """The Media part of the device service's GetCapabilities."""
    return el(
        "tt:Media",
        el("tt:XAddr", ctx.reached.http(MEDIA_PATH)),
        el(
            "tt:StreamingCapabilities",
            el("tt:RTPMulticast", "false"),
            el("tt:RTP_TCP", "true"),
            el("tt:RTP_RTSP_TCP", "true"),
        ),
        el("tt:Extension", el("tt:ProfileCapabilities", el("tt:MaximumNumberOfProfiles", "2"))),
    )


def get_service_capabilities(ctx: Context) -> Element:
    return el("trt:GetServiceCapabilitiesResponse", service_capabilities(ctx.spec))


def profile(name: str, spec: CameraSpec, stream: StreamSpec) -> Element:
    audio = stream.audio is not None
    return el(
        name,
        el("tt:Name", conf.title(stream)),
        conf.video_source_configuration("tt:VideoSourceConfiguration", spec),
        conf.audio_source_configuration("tt:AudioSourceConfiguration", spec) if audio else None,
        enc.video_encoder("tt:VideoEncoderConfiguration", stream) if enc.expressible(stream) else None,
        enc.audio_encoder("tt:AudioEncoderConfiguration", stream) if audio else None,
        analytics_configuration("tt:VideoAnalyticsConfiguration", spec),
        ptz_configuration("tt:PTZConfiguration", spec),
        metadata_configuration("tt:MetadataConfiguration", spec) if offers_metadata(spec) else None,
        _way_back(spec) if back.offers_backchannel(spec) else None,
        token=stream.name,
        fixed="true",
    )


def _way_back(spec: CameraSpec) -> Element:
    return el(
        "tt:Extension",
        back.output_configuration("tt:AudioOutputConfiguration", spec),
        back.decoder_configuration("tt:AudioDecoderConfiguration", spec),
    )


def get_profiles(ctx: Context) -> Element:
    return el(
        "trt:GetProfilesResponse",
        *(profile("trt:Profiles", ctx.spec, stream) for stream in enc.listed(ctx.spec)),
    )


def get_profile(ctx: Context) -> Element:
    stream = conf.profile_stream(ctx.spec, ctx.required("trt:ProfileToken"))
    return el("trt:GetProfileResponse", profile("trt:Profile", ctx.spec, stream))


def get_video_sources(ctx: Context) -> Element:
    width, height = conf.largest(ctx.spec)
    fps = max((stream.fps for stream in ctx.spec.streams), default=0)
    return el(
        "trt:GetVideoSourcesResponse",
        el(
            "trt:VideoSources",
            el("tt:Framerate", str(fps)),
            el("tt:Resolution", el("tt:Width", str(width)), el("tt:Height", str(height))),
            token=conf.VIDEO_SOURCE,
        ),
    )


def get_audio_sources(ctx: Context) -> Element:
    source = el("trt:AudioSources", el("tt:Channels", "1"), token=conf.AUDIO_SOURCE)
    return el("trt:GetAudioSourcesResponse", source if conf.streams_with_audio(ctx.spec) else None)


def get_stream_uri(ctx: Context) -> Element:
    """One URI for every transport: the client chooses UDP or TCP in its RTSP SETUP, and the tunnel through
    HTTP by how it begins."""
    stream = conf.profile_stream(ctx.spec, ctx.required("trt:ProfileToken"))
    if (kind := ctx.request.text("trt:StreamSetup/tt:Stream")) not in (None, "RTP-Unicast"):
        raise _bad_setup(f"{str(kind)[:64]} is not offered, only RTP-Unicast")
    protocol = ctx.request.text("trt:StreamSetup/tt:Transport/tt:Protocol")
    if protocol not in (None, *_PROTOCOLS):
        raise _bad_setup(f"there is no transport {str(protocol)[:64]!r}")
    return el("trt:GetStreamUriResponse", _media_uri(ctx.rtsp(stream.name)))


def _bad_setup(reason: str) -> SoapFault:
    return invalid_value(f"The stream setup is not possible: {reason}", "ter:InvalidStreamSetup")


def get_snapshot_uri(ctx: Context) -> Element:
    conf.profile_stream(ctx.spec, ctx.required("trt:ProfileToken"))
    return el("trt:GetSnapshotUriResponse", _media_uri(ctx.reached.http(SNAPSHOT_PATH)))


def _media_uri(uri: str) -> Element:
    return el(
        "trt:MediaUri",
        el("tt:Uri", uri),
        el("tt:InvalidAfterConnect", "false"),
        el("tt:InvalidAfterReboot", "false"),
        el("tt:Timeout", "PT0S"),
    )


def get_guaranteed_instances(ctx: Context) -> Element:
    if (token := ctx.required("trt:ConfigurationToken")) != conf.VIDEO_SOURCE_CONFIG:
        raise no_configuration(token)
    codecs = [stream.codec for stream in ctx.spec.streams]
    return el(
        "trt:GetGuaranteedNumberOfVideoEncoderInstancesResponse",
        el("trt:TotalNumber", str(len(codecs))),
        *(el(f"trt:{codec}", str(codecs.count(codec))) for codec in ("JPEG", "H264", "MPEG4") if codec in codecs),
    )


def set_synchronization_point(ctx: Context) -> Element:
    """The metadata stream tells how things stand; the NVR sends key frames at its own pace, and saying so would only
    confuse recorders."""
    conf.profile_stream(ctx.spec, ctx.required("trt:ProfileToken"))
    ctx.subscriptions.tell_watchers(ctx.now)
    return el("trt:SetSynchronizationPointResponse")


SERVICE = Service(
    MEDIA_PATH,
    table(
        MEDIA,
        (
            Operation("GetServiceCapabilities", Access.PRE_AUTH, get_service_capabilities),
            Operation("GetProfiles", Access.READ_MEDIA, get_profiles),
            Operation("GetProfile", Access.READ_MEDIA, get_profile),
            Operation("GetVideoSources", Access.READ_MEDIA, get_video_sources),
            Operation("GetAudioSources", Access.READ_MEDIA, get_audio_sources),
            Operation("GetStreamUri", Access.READ_MEDIA, get_stream_uri),
            Operation("GetSnapshotUri", Access.READ_MEDIA, get_snapshot_uri),
            Operation("GetGuaranteedNumberOfVideoEncoderInstances", Access.READ_MEDIA, get_guaranteed_instances),
            Operation("SetSynchronizationPoint", Access.ACTUATE, set_synchronization_point, static=False),
            *enc.OPERATIONS,
            *media_configurations.OPERATIONS,
            *media_changes.OPERATIONS,
        ),
    ),
    MEDIA,
    (2, 60),
    service_capabilities,
    category="Media",
    legacy=legacy_capabilities,
)
