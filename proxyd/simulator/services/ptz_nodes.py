"""What the simulated device says of its PTZ nodes: one node and one configuration for each movable channel."""

from __future__ import annotations

from proxyd.simulator.layout import SimProfile
from proxyd.simulator.services.context import Answer, Context
from proxyd.simulator.soap import Element, Fault, Request, el, text_of

PAN_TILT = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/"
ZOOM = "http://www.onvif.org/ver10/tptz/ZoomSpaces/"
FOV = PAN_TILT + "TranslationSpaceFov"
MAX_PRESETS = 8
LONGEST_S = 300.0
AUXILIARY = ("tt:Wiper|On", "tt:Wiper|Off")


def wrong(subcode: str) -> Fault:
    return Fault("Sender", ("ter:InvalidArgVal", subcode), "Invalid argument")


def ptz_configuration(context: Context, profile: SimProfile, tag: str) -> Element | None:
    """What a profile says of PTZ; None for a fixed camera, and where the dialect leaves it out."""
    style = context.dialect.ptz
    if style is None or not style.moves(profile.channel) or (style.main_only and profile.media.name != "main"):
        return None
    return _configuration(profile.channel, tag)


def _configuration(channel: int, tag: str) -> Element:
    return el(
        tag,
        el("tt:Name", f"PTZ{channel:03d}"),
        el("tt:UseCount", "2"),
        el("tt:NodeToken", _node_token(channel)),
        el("tt:DefaultAbsolutePantTiltPositionSpace", PAN_TILT + "PositionGenericSpace"),
        el("tt:DefaultAbsoluteZoomPositionSpace", ZOOM + "PositionGenericSpace"),
        el("tt:DefaultRelativePanTiltTranslationSpace", PAN_TILT + "TranslationGenericSpace"),
        el("tt:DefaultRelativeZoomTranslationSpace", ZOOM + "TranslationGenericSpace"),
        el("tt:DefaultContinuousPanTiltVelocitySpace", PAN_TILT + "VelocityGenericSpace"),
        el("tt:DefaultContinuousZoomVelocitySpace", ZOOM + "VelocityGenericSpace"),
        el("tt:DefaultPTZTimeout", "PT300S"),
        token=f"PTZToken{channel:03d}",
    )


def _node_token(channel: int) -> str:
    return f"PTZNode{channel:03d}"


def _channels(context: Context) -> list[int]:
    style = context.dialect.ptz
    listed = dict.fromkeys(p.channel for p in context.layout.profiles)
    return [channel for channel in listed if style is not None and style.moves(channel)]


def most_presets(context: Context) -> int:
    return context.faults.presets or MAX_PRESETS


def _node(context: Context, channel: int) -> Element:
    return el(
        "tptz:PTZNode",
        el("tt:Name", f"Node {channel}"),
        _spaces(context, "tt:SupportedPTZSpaces"),
        el("tt:MaximumNumberOfPresets", str(most_presets(context))),
        el("tt:HomeSupported", "true"),
        *(el("tt:AuxiliaryCommands", command) for command in AUXILIARY),
        token=_node_token(channel),
    )


def _spaces(context: Context, tag: str) -> Element:
    style = context.dialect.ptz
    return el(
        tag,
        _space("AbsolutePanTiltPositionSpace", PAN_TILT + "PositionGenericSpace", -1, y=-1),
        _space("AbsoluteZoomPositionSpace", ZOOM + "PositionGenericSpace", 0),
        _space("RelativePanTiltTranslationSpace", FOV, -1, y=-1) if style and style.fov else None,
        _space("RelativePanTiltTranslationSpace", PAN_TILT + "TranslationGenericSpace", -1, y=-1),
        _space("RelativeZoomTranslationSpace", ZOOM + "TranslationGenericSpace", -1),
        _space("ContinuousPanTiltVelocitySpace", PAN_TILT + "VelocityGenericSpace", -1, y=-1),
        _space("ContinuousZoomVelocitySpace", ZOOM + "VelocityGenericSpace", -1),
        _space("PanTiltSpeedSpace", PAN_TILT + "GenericSpeedSpace", 0),
        _space("ZoomSpeedSpace", ZOOM + "ZoomGenericSpeedSpace", 0),
    )


def _space(name: str, uri: str, x: int, *, y: int | None = None) -> Element:
    def span(tag: str, low: int) -> Element:
        return el(tag, el("tt:Min", str(low)), el("tt:Max", "1"))

    return el(f"tt:{name}", el("tt:URI", uri), span("tt:XRange", x), None if y is None else span("tt:YRange", y))


def ptz_capabilities(context: Context) -> Element:
    told = "true" if context.dialect.ptz and context.dialect.ptz.move_status else "false"
    return el("tptz:Capabilities", EFlip="false", Reverse="false", MoveStatus=told, StatusPosition="true")


def _get_nodes(context: Context, _: Request) -> Element:
    return el("tptz:GetNodesResponse", *(_node(context, channel) for channel in _channels(context)))


def _get_node(context: Context, request: Request) -> Element:
    return el("tptz:GetNodeResponse", _node(context, _named(context, request, "NodeToken", "PTZNode", "ter:NoEntity")))


def _named(context: Context, request: Request, name: str, stem: str, subcode: str) -> int:
    token = text_of(request, f"tptz:{name}") or ""
    for channel in _channels(context):
        if token == f"{stem}{channel:03d}":
            return channel
    raise wrong(subcode)


def _get_configurations(context: Context, _: Request) -> Element:
    found = (_configuration(channel, "tptz:PTZConfiguration") for channel in _channels(context))
    return el("tptz:GetConfigurationsResponse", *found)


def _get_configuration(context: Context, request: Request) -> Element:
    channel = _named(context, request, "PTZConfigurationToken", "PTZToken", "ter:NoConfig")
    return el("tptz:GetConfigurationResponse", _configuration(channel, "tptz:PTZConfiguration"))


def _get_configuration_options(context: Context, request: Request) -> Element:
    _named(context, request, "ConfigurationToken", "PTZToken", "ter:NoConfig")
    return el(
        "tptz:GetConfigurationOptionsResponse",
        el(
            "tptz:PTZConfigurationOptions",
            _spaces(context, "tt:Spaces"),
            el("tt:PTZTimeout", el("tt:Min", "PT1S"), el("tt:Max", f"PT{LONGEST_S:.0f}S")),
        ),
    )


def _get_service_capabilities(context: Context, _: Request) -> Element:
    return el("tptz:GetServiceCapabilitiesResponse", ptz_capabilities(context))


PTZ_NODES: dict[str, Answer] = {
    "GetServiceCapabilities": _get_service_capabilities,
    "GetNodes": _get_nodes,
    "GetNode": _get_node,
    "GetConfigurations": _get_configurations,
    "GetConfiguration": _get_configuration,
    "GetConfigurationOptions": _get_configuration_options,
}
