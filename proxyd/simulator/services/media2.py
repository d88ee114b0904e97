"""The Media2 service (media2.wsdl): the only place where a strict device can say H.265."""

from __future__ import annotations

from lxml import etree

from proxyd.simulator.layout import SimProfile
from proxyd.simulator.scene import metadata_configuration
from proxyd.simulator.services.analytics import analytics_configuration
from proxyd.simulator.services.audio import decoder, output
from proxyd.simulator.services.context import Answer, Context, wanted_profile
from proxyd.simulator.services.device import media2_capabilities
from proxyd.simulator.services.encoders import MEDIA2_ENCODERS
from proxyd.simulator.services.media import source_configuration
from proxyd.simulator.services.ptz_nodes import ptz_configuration
from proxyd.simulator.services.uris import snapshot_uri, stream_uri
from proxyd.simulator.soap import Element, Request, el


def _encoder(context: Context, profile: SimProfile, tag: str) -> Element | None:
    media = profile.media
    if not profile.online:
        return None
    rate = el(
        "tt:RateControl",
        el("tt:FrameRateLimit", str(media.fps)),
        el("tt:BitrateLimit", str(media.bitrate_kbps)),
        ConstantBitRate="true",
    )
    return el(
        tag,
        el("tt:Name", profile.encoder),
        el("tt:UseCount", "1"),
        el("tt:Encoding", media.codec),
        el("tt:Resolution", el("tt:Width", str(media.width)), el("tt:Height", str(media.height))),
        rate,
        el("tt:Quality", "5" if media.name == "main" else "3"),
        token=profile.encoder,
        GovLength=str(media.fps),
        Profile="Main",
    )


def _profile(context: Context, profile: SimProfile, types: set[str]) -> Element:
    everything = "All" in types
    parts: list[Element | None] = []
    if everything or "VideoSource" in types:
        parts.append(source_configuration(context, profile, "tr2:VideoSource"))
    if everything or "VideoEncoder" in types:
        parts.append(_encoder(context, profile, "tr2:VideoEncoder"))
    if everything or "Analytics" in types:
        parts.append(analytics_configuration(context, profile, "tr2:Analytics"))
    if everything or "PTZ" in types:
        parts.append(ptz_configuration(context, profile, "tr2:PTZ"))
    if everything or "Metadata" in types:
        parts.append(metadata_configuration(context.faults, profile, "tr2:Metadata"))
    if everything or "AudioOutput" in types:
        parts.append(output(context, profile, "tr2:AudioOutput"))
    if everything or "AudioDecoder" in types:
        parts.append(decoder(context, profile, "tr2:AudioDecoder"))
    return el(
        "tr2:Profiles",
        el("tr2:Name", profile.name),
        el("tr2:Configurations", *parts),
        token=profile.token,
        fixed="true",
    )


def _get_profiles(context: Context, request: Request) -> Element:
    """Without Type no configurations (media2.wsdl, GetProfiles)."""
    types, token = set(), None
    for child in request.body:
        name, value = etree.QName(child).localname, (child.text or "").strip()
        if name == "Type":
            types.add(value)
        elif name == "Token":
            token = value
    if token:
        profiles: tuple[SimProfile, ...] = (wanted_profile(context, request, "tr2:Token", media1=False),)
    else:
        profiles = context.layout.profiles
    return el("tr2:GetProfilesResponse", *(_profile(context, p, types) for p in profiles))


def _get_video_encoder_configurations(context: Context, _: Request) -> Element:
    found = (_encoder(context, p, "tr2:Configurations") for p in context.layout.profiles)
    return el("tr2:GetVideoEncoderConfigurationsResponse", *found)


def _get_video_source_configurations(context: Context, _: Request) -> Element:
    first: dict[str, SimProfile] = {}
    for profile in context.layout.profiles:
        first.setdefault(profile.source_config, profile)
    found = (source_configuration(context, p, "tr2:Configurations") for p in first.values())
    return el("tr2:GetVideoSourceConfigurationsResponse", *found)


def _get_stream_uri(context: Context, request: Request) -> Element:
    profile = wanted_profile(context, request, "tr2:ProfileToken", media1=False)
    return el("tr2:GetStreamUriResponse", el("tr2:Uri", stream_uri(context, profile)))


def _get_snapshot_uri(context: Context, request: Request) -> Element:
    profile = wanted_profile(context, request, "tr2:ProfileToken", media1=False)
    return el("tr2:GetSnapshotUriResponse", el("tr2:Uri", snapshot_uri(context, profile)))


def _get_service_capabilities(context: Context, _: Request) -> Element:
    return el("tr2:GetServiceCapabilitiesResponse", media2_capabilities(context))


MEDIA2: dict[str, Answer] = {
    "GetProfiles": _get_profiles,
    "GetVideoSourceConfigurations": _get_video_source_configurations,
    "GetVideoEncoderConfigurations": _get_video_encoder_configurations,
    **MEDIA2_ENCODERS,
    "GetStreamUri": _get_stream_uri,
    "GetSnapshotUri": _get_snapshot_uri,
    "GetServiceCapabilities": _get_service_capabilities,
}
