"""The PTZ service (ptz.wsdl) of the simulated device: one node and one configuration for each movable channel."""

from __future__ import annotations

import math
import re

from lxml import etree

from proxyd.simulator.dialect import PtzStyle
from proxyd.simulator.layout import SimProfile
from proxyd.simulator.optics import PanTiltZoom, Position
from proxyd.simulator.services.context import Answer, Context, wanted_profile
from proxyd.simulator.soap import Element, Fault, Request, el, text_of

_PAN_TILT = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/"
_ZOOM = "http://www.onvif.org/ver10/tptz/ZoomSpaces/"
_FOV = _PAN_TILT + "TranslationSpaceFov"
_FOV_SHARE = 0.1  # of the pan range that the picture shows
_MAX_PRESETS = 8
_LONGEST_S = 300.0
_TIMEOUT = re.compile(r"P(?:0D)?T(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
AUXILIARY = ("tt:Wiper|On", "tt:Wiper|Off")


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
        el("tt:DefaultAbsolutePantTiltPositionSpace", _PAN_TILT + "PositionGenericSpace"),
        el("tt:DefaultAbsoluteZoomPositionSpace", _ZOOM + "PositionGenericSpace"),
        el("tt:DefaultRelativePanTiltTranslationSpace", _PAN_TILT + "TranslationGenericSpace"),
        el("tt:DefaultRelativeZoomTranslationSpace", _ZOOM + "TranslationGenericSpace"),
        el("tt:DefaultContinuousPanTiltVelocitySpace", _PAN_TILT + "VelocityGenericSpace"),
        el("tt:DefaultContinuousZoomVelocitySpace", _ZOOM + "VelocityGenericSpace"),
        el("tt:DefaultPTZTimeout", "PT300S"),
        token=f"PTZToken{channel:03d}",
    )


def _node_token(channel: int) -> str:
    return f"PTZNode{channel:03d}"


def _channels(context: Context) -> list[int]:
    style = context.dialect.ptz
    listed = dict.fromkeys(p.channel for p in context.layout.profiles)
    return [channel for channel in listed if style is not None and style.moves(channel)]


def _node(context: Context, channel: int) -> Element:
    return el(
        "tptz:PTZNode",
        el("tt:Name", f"Node {channel}"),
        _spaces(context, "tt:SupportedPTZSpaces"),
        el("tt:MaximumNumberOfPresets", str(_MAX_PRESETS)),
        el("tt:HomeSupported", "true"),
        *(el("tt:AuxiliaryCommands", command) for command in AUXILIARY),
        token=_node_token(channel),
    )


def _spaces(context: Context, tag: str) -> Element:
    style = context.dialect.ptz
    return el(
        tag,
        _space("AbsolutePanTiltPositionSpace", _PAN_TILT + "PositionGenericSpace", -1, y=-1),
        _space("AbsoluteZoomPositionSpace", _ZOOM + "PositionGenericSpace", 0),
        _space("RelativePanTiltTranslationSpace", _FOV, -1, y=-1) if style and style.fov else None,
        _space("RelativePanTiltTranslationSpace", _PAN_TILT + "TranslationGenericSpace", -1, y=-1),
        _space("RelativeZoomTranslationSpace", _ZOOM + "TranslationGenericSpace", -1),
        _space("ContinuousPanTiltVelocitySpace", _PAN_TILT + "VelocityGenericSpace", -1, y=-1),
        _space("ContinuousZoomVelocitySpace", _ZOOM + "VelocityGenericSpace", -1),
        _space("PanTiltSpeedSpace", _PAN_TILT + "GenericSpeedSpace", 0),
        _space("ZoomSpeedSpace", _ZOOM + "ZoomGenericSpeedSpace", 0),
    )


def _space(name: str, uri: str, x: int, *, y: int | None = None) -> Element:
    def span(tag: str, low: int) -> Element:
        return el(tag, el("tt:Min", str(low)), el("tt:Max", "1"))

    return el(f"tt:{name}", el("tt:URI", uri), span("tt:XRange", x), None if y is None else span("tt:YRange", y))


def ptz_capabilities(context: Context) -> Element:
    told = "true" if context.dialect.ptz and context.dialect.ptz.move_status else "false"
    return el("tptz:Capabilities", EFlip="false", Reverse="false", MoveStatus=told, StatusPosition="true")


def _wanted(context: Context, request: Request) -> PanTiltZoom:
    """The camera behind the profile that the request names. Raises Fault."""
    profile = wanted_profile(context, request, "tptz:ProfileToken", media1=False)
    if ptz_configuration(context, profile, "tptz:PTZConfiguration") is None:
        raise _wrong("ter:NoPTZProfile")
    style = context.dialect.ptz
    assert isinstance(style, PtzStyle)
    return context.optics.movable(profile.channel, obeys_timeout=style.obeys_timeout)


def _wrong(subcode: str) -> Fault:
    return Fault("Sender", ("ter:InvalidArgVal", subcode), "Invalid argument")


def _vector(request: Request, name: str) -> dict[str, float]:
    """The axes that are given, FOV translations in generic units. Raises Fault."""
    found: dict[str, float] = {}
    for vector in request.body.iterfind(f"{{*}}{name}/*"):
        kind = etree.QName(vector).localname
        pairs = (("pan", "x"), ("tilt", "y")) if kind == "PanTilt" else (("zoom", "x"),)
        share = _FOV_SHARE if vector.get("space") == _FOV else 1.0
        for axis, attribute in pairs:
            try:
                value = float(vector.get(attribute, ""))
            except ValueError:
                raise _wrong("ter:InvalidPosition") from None
            if not math.isfinite(value) or abs(value) > 1:
                raise _wrong("ter:InvalidPosition")
            found[axis] = value * share
    return found


def _continuous_move(context: Context, request: Request) -> Element:
    camera = _wanted(context, request)
    camera.run(_vector(request, "Velocity"), _seconds(text_of(request, "tptz:Timeout")))
    return el("tptz:ContinuousMoveResponse")


def _seconds(text: str | None) -> float | None:
    if text is None:
        return _LONGEST_S
    found = _TIMEOUT.fullmatch(text)
    if found is None:
        raise _wrong("ter:TimeoutNotSupported")
    return float(found[1] or 0) * 60 + float(found[2] or 0)


def _relative_move(context: Context, request: Request) -> Element:
    _wanted(context, request).shift(_vector(request, "Translation"))
    return el("tptz:RelativeMoveResponse")


def _absolute_move(context: Context, request: Request) -> Element:
    _wanted(context, request).go(_vector(request, "Position"))
    return el("tptz:AbsoluteMoveResponse")


def _stop(context: Context, request: Request) -> Element:
    camera = _wanted(context, request)
    pan_tilt, zoom = (text_of(request, f"tptz:{name}") not in ("false", "0") for name in ("PanTilt", "Zoom"))
    if pan_tilt and zoom:
        camera.stop()
    elif pan_tilt or zoom:
        camera.stop(*(("pan", "tilt") if pan_tilt else ("zoom",)))
    return el("tptz:StopResponse")


def _get_status(context: Context, request: Request) -> Element:
    camera = _wanted(context, request)
    states = [
        el(f"tt:{tag}", "MOVING" if camera.moving(*axes) else "IDLE")
        for tag, axes in (("PanTilt", ("pan", "tilt")), ("Zoom", ("zoom",)))
    ]
    told = context.dialect.ptz is not None and context.dialect.ptz.move_status
    return el(
        "tptz:GetStatusResponse",
        el(
            "tptz:PTZStatus",
            _position("tt:Position", camera.position),
            el("tt:MoveStatus", *states) if told else None,
            el("tt:UtcTime", context.now.strftime("%Y-%m-%dT%H:%M:%SZ")),
        ),
    )


def _position(tag: str, position: Position) -> Element:
    pan, tilt, zoom = (f"{value:.4f}" for value in position)
    return el(
        tag,
        el("tt:PanTilt", x=pan, y=tilt, space=_PAN_TILT + "PositionGenericSpace"),
        el("tt:Zoom", x=zoom, space=_ZOOM + "PositionGenericSpace"),
    )


def _get_presets(context: Context, request: Request) -> Element:
    presets = _wanted(context, request).presets
    return el(
        "tptz:GetPresetsResponse",
        *(
            el("tptz:Preset", el("tt:Name", name), _position("tt:PTZPosition", position), token=token)
            for token, (name, position) in presets.items()
        ),
    )


def _set_preset(context: Context, request: Request) -> Element:
    camera = _wanted(context, request)
    token = text_of(request, "tptz:PresetToken")
    if token and token not in camera.presets:
        raise _wrong("ter:NoToken")
    if not token:
        if len(camera.presets) >= _MAX_PRESETS:
            raise Fault("Receiver", ("ter:Action", "ter:TooManyPresets"), "Too many presets")
        token = next(str(n) for n in range(1, _MAX_PRESETS + 1) if str(n) not in camera.presets)
    before = camera.presets.get(token, (f"Preset {token}", (0.0, 0.0, 0.0)))[0]
    camera.presets[token] = (text_of(request, "tptz:PresetName") or before, camera.position)
    camera.done.append(f"SetPreset {token}")
    return el("tptz:SetPresetResponse", el("tptz:PresetToken", token))


def _known_preset(camera: PanTiltZoom, request: Request) -> str:
    token = text_of(request, "tptz:PresetToken") or ""
    if token not in camera.presets:
        raise _wrong("ter:NoToken")
    return token


def _goto_preset(context: Context, request: Request) -> Element:
    camera = _wanted(context, request)
    token = _known_preset(camera, request)
    camera.go(dict(zip(("pan", "tilt", "zoom"), camera.presets[token][1], strict=True)), f"GotoPreset {token}")
    return el("tptz:GotoPresetResponse")


def _remove_preset(context: Context, request: Request) -> Element:
    camera = _wanted(context, request)
    token = _known_preset(camera, request)
    del camera.presets[token]
    camera.done.append(f"RemovePreset {token}")
    return el("tptz:RemovePresetResponse")


def _goto_home(context: Context, request: Request) -> Element:
    _wanted(context, request).go_home()
    return el("tptz:GotoHomePositionResponse")


def _set_home(context: Context, request: Request) -> Element:
    _wanted(context, request).set_home()
    return el("tptz:SetHomePositionResponse")


def _auxiliary(context: Context, request: Request) -> Element:
    camera, command = _wanted(context, request), text_of(request, "tptz:AuxiliaryData") or ""
    if command not in AUXILIARY:
        raise Fault("Sender", ("ter:InvalidArgVal",), "Unknown auxiliary command")
    camera.done.append(f"SendAuxiliaryCommand {command}")
    return el("tptz:SendAuxiliaryCommandResponse", el("tptz:AuxiliaryResponse", command))


def _get_nodes(context: Context, _: Request) -> Element:
    return el("tptz:GetNodesResponse", *(_node(context, channel) for channel in _channels(context)))


def _get_node(context: Context, request: Request) -> Element:
    return el("tptz:GetNodeResponse", _node(context, _named(context, request, "NodeToken", "PTZNode", "ter:NoEntity")))


def _named(context: Context, request: Request, name: str, stem: str, subcode: str) -> int:
    token = text_of(request, f"tptz:{name}") or ""
    for channel in _channels(context):
        if token == f"{stem}{channel:03d}":
            return channel
    raise _wrong(subcode)


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
            el("tt:PTZTimeout", el("tt:Min", "PT1S"), el("tt:Max", f"PT{_LONGEST_S:.0f}S")),
        ),
    )


def _get_service_capabilities(context: Context, _: Request) -> Element:
    return el("tptz:GetServiceCapabilitiesResponse", ptz_capabilities(context))


PTZ: dict[str, Answer] = {
    "GetServiceCapabilities": _get_service_capabilities,
    "GetNodes": _get_nodes,
    "GetNode": _get_node,
    "GetConfigurations": _get_configurations,
    "GetConfiguration": _get_configuration,
    "GetConfigurationOptions": _get_configuration_options,
    "ContinuousMove": _continuous_move,
    "RelativeMove": _relative_move,
    "AbsoluteMove": _absolute_move,
    "Stop": _stop,
    "GetStatus": _get_status,
    "GetPresets": _get_presets,
    "SetPreset": _set_preset,
    "GotoPreset": _goto_preset,
    "RemovePreset": _remove_preset,
    "GotoHomePosition": _goto_home,
    "SetHomePosition": _set_home,
    "SendAuxiliaryCommand": _auxiliary,
}
