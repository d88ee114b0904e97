"""Media2 service (ver20): the same profiles with H.265, configurations only where asked for. Pure.

Source: ONVIF Media2 Service Specification sections 5.2 to 5.6.
"""

from __future__ import annotations

from proxyd.camera.spec import CameraSpec, StreamSpec
from proxyd.camera.told import offers_metadata
from proxyd.camera.urls import SNAPSHOT_PATH

from ..faults import invalid_value, no_configuration
from ..namespaces import MEDIA2
from ..soap import Element, el
from . import audio_outputs as back
from . import configurations as conf
from . import media2_changes, media2_configurations
from . import media2_encoders as enc
from .analytics_items import analytics_configuration, offers_analytics
from .metadata import metadata_configuration
from .operation import MEDIA2_PATH, Access, Answer, Context, Operation, Service, table
from .ptz_nodes import offers_ptz, ptz_configuration

_PROTOCOLS = frozenset({"RtspUnicast", "RTSP", "RtspOverHttp"})
# Media2 means SRTP over UDP by it, which SecureRTSPStreaming would promise: that is not told. But who asks gets the
# encrypted way that there is, and learns by SETUP that media comes inside the connection.
_BY_TLS = "RtspsUnicast"
_TYPES = frozenset(
    {
        *("VideoSource", "AudioSource", "VideoEncoder", "AudioEncoder", "Analytics", "PTZ", "Metadata"),
        *("AudioOutput", "AudioDecoder"),
    }
)


def service_capabilities(spec: CameraSpec) -> Element:
    kinds = ["VideoSource", "VideoEncoder", "AudioSource", "AudioEncoder"]
    kinds += ["AudioOutput", "AudioDecoder"] if back.offers_backchannel(spec) else []
    kinds += ["Analytics"] if offers_analytics(spec) else []
    kinds += ["PTZ"] if offers_ptz(spec) else []
    kinds += ["Metadata"] if offers_metadata(spec) else []
    return el(
        "tr2:Capabilities",
        el(
            "tr2:ProfileCapabilities",
            MaximumNumberOfProfiles="2",
            ConfigurationsSupported=" ".join(kinds),
        ),
        el(
            "tr2:StreamingCapabilities",
            RTSPStreaming="true",
            RTPMulticast="false",
            RTP_RTSP_TCP="true",
            NonAggregateControl="false",
        ),
        SnapshotUri="true",
        Rotation="false",
        VideoSourceMode="false",
        OSD="false",
        Mask="false",
    )


def get_service_capabilities(ctx: Context) -> Element:
    return el("tr2:GetServiceCapabilitiesResponse", service_capabilities(ctx.spec))


def get_profiles(ctx: Context) -> Element:
    """Without Type only names and tokens; Type names what to include, All means everything."""
    asked = set(ctx.request.texts("tr2:Type"))
    wanted = set(_TYPES) if "All" in asked else asked & _TYPES
    token = ctx.request.text("tr2:Token")
    streams = [conf.profile_stream(ctx.spec, token)] if token else ctx.spec.streams
    return el("tr2:GetProfilesResponse", *(_profile(ctx.spec, stream, wanted) for stream in streams))


def _profile(spec: CameraSpec, stream: StreamSpec, wanted: set[str]) -> Element:
    parts: list[Element] = []
    if "VideoSource" in wanted:
        parts.append(conf.video_source_configuration("tr2:VideoSource", spec))
    if "AudioSource" in wanted and stream.audio:
        parts.append(conf.audio_source_configuration("tr2:AudioSource", spec))
    if "VideoEncoder" in wanted:
        parts.append(enc.video_encoder("tr2:VideoEncoder", stream))
    if "AudioEncoder" in wanted and stream.audio:
        parts.append(enc.audio_encoder("tr2:AudioEncoder", stream))
    if "Analytics" in wanted and (rules := analytics_configuration("tr2:Analytics", spec)) is not None:
        parts.append(rules)
    if "PTZ" in wanted and (moving := ptz_configuration("tr2:PTZ", spec)) is not None:
        parts.append(moving)
    if "Metadata" in wanted and offers_metadata(spec):
        parts.append(metadata_configuration("tr2:Metadata", spec))
    if "AudioOutput" in wanted and back.offers_backchannel(spec):
        parts.append(back.output_configuration("tr2:AudioOutput", spec))
    if "AudioDecoder" in wanted and back.offers_backchannel(spec):
        parts.append(back.decoder_configuration("tr2:AudioDecoder", spec))
    return el(
        "tr2:Profiles",
        el("tr2:Name", conf.title(stream)),
        el("tr2:Configurations", *parts) if wanted else None,
        token=stream.name,
        fixed="true",
    )


def get_stream_uri(ctx: Context) -> Element:
    stream = conf.profile_stream(ctx.spec, ctx.required("tr2:ProfileToken"))
    protocol = ctx.required("tr2:Protocol")
    offered = _PROTOCOLS | {_BY_TLS} if ctx.spec.settings.https else _PROTOCOLS
    if protocol not in offered:
        raise invalid_value(
            f"The protocol {protocol[:64]!r} is not offered, only {', '.join(sorted(offered))}",
            "ter:InvalidStreamSetup",
        )
    uri = ctx.rtsps(stream.name) if protocol == _BY_TLS else ctx.rtsp(stream.name)
    return el("tr2:GetStreamUriResponse", el("tr2:Uri", uri))


def get_snapshot_uri(ctx: Context) -> Element:
    conf.profile_stream(ctx.spec, ctx.required("tr2:ProfileToken"))
    return el("tr2:GetSnapshotUriResponse", el("tr2:Uri", ctx.reached.http(SNAPSHOT_PATH)))


def get_video_encoder_instances(ctx: Context) -> Element:
    if (token := ctx.required("tr2:ConfigurationToken")) != conf.VIDEO_SOURCE_CONFIG:
        raise no_configuration(token)
    codecs = [enc.ENCODINGS[stream.codec] for stream in ctx.spec.streams]
    per_codec = (
        el("tr2:Codec", el("tr2:Encoding", codec), el("tr2:Number", str(codecs.count(codec))))
        for codec in sorted(set(codecs))
    )
    info = el("tr2:Info", *per_codec, el("tr2:Total", str(len(codecs))))
    return el("tr2:GetVideoEncoderInstancesResponse", info)


def set_synchronization_point(ctx: Context) -> Element:
    conf.profile_stream(ctx.spec, ctx.required("tr2:ProfileToken"))
    ctx.subscriptions.tell_watchers(ctx.now)
    return el("tr2:SetSynchronizationPointResponse")


def _read(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.READ_MEDIA, answer)


SERVICE = Service(
    MEDIA2_PATH,
    table(
        MEDIA2,
        (
            Operation("GetServiceCapabilities", Access.PRE_AUTH, get_service_capabilities),
            _read("GetProfiles", get_profiles),
            _read("GetStreamUri", get_stream_uri),
            _read("GetSnapshotUri", get_snapshot_uri),
            _read("GetVideoEncoderInstances", get_video_encoder_instances),
            Operation("SetSynchronizationPoint", Access.ACTUATE, set_synchronization_point, static=False),
            *enc.OPERATIONS,
            *media2_configurations.OPERATIONS,
            *media2_changes.OPERATIONS,
        ),
    ),
    MEDIA2,
    (2, 0),
    service_capabilities,
)
