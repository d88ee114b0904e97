"""The Media service, version 1 (media.wsdl): profiles, sources, stream and snapshot addresses."""

from __future__ import annotations

from proxyd.simulator.layout import SimProfile
from proxyd.simulator.scene import metadata_configuration
from proxyd.simulator.services.analytics import analytics_configuration
from proxyd.simulator.services.audio import MEDIA_AUDIO, decoder, output
from proxyd.simulator.services.context import Answer, Context, wanted_profile
from proxyd.simulator.services.device import media_capabilities
from proxyd.simulator.services.encoders import MEDIA_ENCODERS, by_encoder_token
from proxyd.simulator.services.ptz_nodes import ptz_configuration
from proxyd.simulator.services.uris import snapshot_uri, stream_uri
from proxyd.simulator.soap import Element, Request, el, unicast_only


def _profile(context: Context, profile: SimProfile, tag: str) -> Element:
    return el(
        tag,
        el("tt:Name", profile.name),
        source_configuration(context, profile, "tt:VideoSourceConfiguration"),
        _encoder(context, profile),
        analytics_configuration(context, profile, "tt:VideoAnalyticsConfiguration"),
        ptz_configuration(context, profile, "tt:PTZConfiguration"),
        metadata_configuration(context.faults, profile, "tt:MetadataConfiguration"),
        _extension(context, profile),
        token=profile.token,
        fixed="true",
    )


def _extension(context: Context, profile: SimProfile) -> Element | None:
    parts = (
        output(context, profile, "tt:AudioOutputConfiguration"),
        decoder(context, profile, "tt:AudioDecoderConfiguration"),
    )
    return el("tt:Extension", *parts) if any(part is not None for part in parts) else None


def source_configuration(context: Context, profile: SimProfile, tag: str) -> Element:
    """A VideoSourceConfiguration; Media2 uses the same type."""
    media = profile.media
    users = 1 if context.dialect.source_per_stream else 2
    return el(
        tag,
        el("tt:Name", profile.source_config),
        el("tt:UseCount", str(users)),
        el("tt:SourceToken", profile.source),
        el("tt:Bounds", x="0", y="0", width=str(media.width), height=str(media.height)),
        token=profile.source_config,
    )


def _encoder(context: Context, profile: SimProfile, tag: str = "tt:VideoEncoderConfiguration") -> Element | None:
    """None, or only a name, for a channel without a camera."""
    media = profile.media
    name = (el("tt:Name", profile.encoder), el("tt:UseCount", "1"))
    if not profile.online:
        # Seen on a 36-profile NVR: an empty encoder on the main stream, none at all on the sub-stream.
        empty = context.dialect.offline == "empty encoder" and media.name == "main"
        return el(tag, *name, token=profile.encoder) if empty else None
    h264 = el("tt:H264", el("tt:GovLength", str(media.fps)), el("tt:H264Profile", "Main"))
    return el(
        tag,
        *name,
        el("tt:Encoding", media.codec),
        el("tt:Resolution", el("tt:Width", str(media.width)), el("tt:Height", str(media.height))),
        el("tt:Quality", "5" if media.name == "main" else "3"),
        el(
            "tt:RateControl",
            el("tt:FrameRateLimit", str(media.fps)),
            el("tt:EncodingInterval", "1"),
            el("tt:BitrateLimit", str(media.bitrate_kbps)),
        ),
        h264 if media.codec == "H264" else None,
        *unicast_only(),
        token=profile.encoder,
    )


def _get_profiles(context: Context, _: Request) -> Element:
    found = (_profile(context, p, "trt:Profiles") for p in context.layout.media1())
    return el("trt:GetProfilesResponse", *found)


def _get_profile(context: Context, request: Request) -> Element:
    profile = wanted_profile(context, request, "trt:ProfileToken", media1=True)
    return el("trt:GetProfileResponse", _profile(context, profile, "trt:Profile"))


def _get_video_sources(context: Context, _: Request) -> Element:
    answer = el("trt:GetVideoSourcesResponse")
    for profile in context.layout.sources():
        media = profile.media
        size = (el("tt:Width", str(media.width)), el("tt:Height", str(media.height)))
        answer.append(
            el(
                "trt:VideoSources",
                el("tt:Framerate", str(media.fps)),
                el("tt:Resolution", *size),
                token=profile.listed_source,
            )
        )
    return answer


def _get_video_source_configurations(context: Context, _: Request) -> Element:
    first: dict[str, SimProfile] = {}
    for profile in context.layout.media1():
        first.setdefault(profile.source_config, profile)
    found = (source_configuration(context, p, "trt:Configurations") for p in first.values())
    return el("trt:GetVideoSourceConfigurationsResponse", *found)


def _get_video_encoder_configurations(context: Context, _: Request) -> Element:
    found = (_encoder(context, p, "trt:Configurations") for p in context.layout.media1())
    return el("trt:GetVideoEncoderConfigurationsResponse", *found)


def _get_video_encoder_configuration(context: Context, request: Request) -> Element:
    found = _encoder(context, by_encoder_token(context, request), "trt:Configuration")
    return el("trt:GetVideoEncoderConfigurationResponse", found)


def _media_uri(tag: str, uri: str) -> Element:
    return el(
        tag,
        el(
            "trt:MediaUri",
            el("tt:Uri", uri),
            el("tt:InvalidAfterConnect", "false"),
            el("tt:InvalidAfterReboot", "false"),
            el("tt:Timeout", "PT60S"),
        ),
    )


def _get_stream_uri(context: Context, request: Request) -> Element:
    profile = wanted_profile(context, request, "trt:ProfileToken", media1=True)
    return _media_uri("trt:GetStreamUriResponse", stream_uri(context, profile))


def _get_snapshot_uri(context: Context, request: Request) -> Element:
    profile = wanted_profile(context, request, "trt:ProfileToken", media1=True)
    return _media_uri("trt:GetSnapshotUriResponse", snapshot_uri(context, profile))


def _get_service_capabilities(context: Context, _: Request) -> Element:
    return el("trt:GetServiceCapabilitiesResponse", media_capabilities(context))


def _get_audio_sources(_: Context, __: Request) -> Element:
    return el("trt:GetAudioSourcesResponse")


MEDIA: dict[str, Answer] = {
    "GetProfiles": _get_profiles,
    "GetProfile": _get_profile,
    "GetVideoSources": _get_video_sources,
    "GetVideoSourceConfigurations": _get_video_source_configurations,
    "GetVideoEncoderConfigurations": _get_video_encoder_configurations,
    "GetVideoEncoderConfiguration": _get_video_encoder_configuration,
    **MEDIA_ENCODERS,
    "GetAudioSources": _get_audio_sources,
    **MEDIA_AUDIO,
    "GetStreamUri": _get_stream_uri,
    "GetSnapshotUri": _get_snapshot_uri,
    "GetServiceCapabilities": _get_service_capabilities,
}
