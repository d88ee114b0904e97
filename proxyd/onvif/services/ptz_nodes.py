"""What a camera says of its one PTZ node and its one PTZ configuration. Pure.

Profiles of Media and Media2 carry the same configuration: `ptz_configuration`.
"""

from __future__ import annotations

from proxyd.camera.features import PtzFeatures, PtzSpace
from proxyd.camera.spec import CameraSpec

from ..durations import format_duration
from ..faults import action_not_supported, invalid_value, no_configuration
from ..soap import Element, el
from . import configurations as conf
from .operation import Context

PTZ_PATH = "/onvif/ptz_service"
NODE = "ptz_node"
CONFIGURATION = "ptz_config"
_USUAL_TIMEOUT_S = 10.0  # of a continuous move that names none: long for a joystick, short for a camera that runs away
_SPACES = (
    ("AbsolutePanTiltPositionSpace", "absolute_pan_tilt"),
    ("AbsoluteZoomPositionSpace", "absolute_zoom"),
    ("RelativePanTiltTranslationSpace", "relative_pan_tilt"),
    ("RelativeZoomTranslationSpace", "relative_zoom"),
    ("ContinuousPanTiltVelocitySpace", "continuous_pan_tilt"),
    ("ContinuousZoomVelocitySpace", "continuous_zoom"),
    ("PanTiltSpeedSpace", "pan_tilt_speed"),
    ("ZoomSpeedSpace", "zoom_speed"),
)
_DEFAULTS = (
    ("DefaultAbsolutePantTiltPositionSpace", "absolute_pan_tilt"),  # spelled so in the schema
    ("DefaultAbsoluteZoomPositionSpace", "absolute_zoom"),
    ("DefaultRelativePanTiltTranslationSpace", "relative_pan_tilt"),
    ("DefaultRelativeZoomTranslationSpace", "relative_zoom"),
    ("DefaultContinuousPanTiltVelocitySpace", "continuous_pan_tilt"),
    ("DefaultContinuousZoomVelocitySpace", "continuous_zoom"),
)


def offers_ptz(spec: CameraSpec) -> bool:
    return spec.features.ptz is not None and bool(spec.features.tokens.ptz_profile)


def ptz_of(spec: CameraSpec) -> PtzFeatures:
    """Raises ActionNotSupported for a camera that does not move."""
    if spec.features.ptz is None:
        raise action_not_supported("PTZ", "this camera does not move")
    return spec.features.ptz


def usual_timeout_s(ptz: PtzFeatures) -> float:
    return min(max(_USUAL_TIMEOUT_S, ptz.timeout_s.low), ptz.timeout_s.high)


def service_capabilities(spec: CameraSpec) -> Element:
    ptz = ptz_of(spec)
    return el(
        "tptz:Capabilities",
        EFlip="false",
        Reverse="false",
        GetCompatibleConfigurations="true",
        MoveStatus=_truth(ptz.move_status),
        StatusPosition=_truth(bool(ptz.absolute_pan_tilt or ptz.absolute_zoom)),
    )


def legacy_capabilities(ctx: Context) -> Element:
    """The PTZ part of the device service's GetCapabilities."""
    return el("tt:PTZ", el("tt:XAddr", ctx.reached.http(PTZ_PATH)))


def get_service_capabilities(ctx: Context) -> Element:
    return el("tptz:GetServiceCapabilitiesResponse", service_capabilities(ctx.spec))


def get_nodes(ctx: Context) -> Element:
    return el("tptz:GetNodesResponse", _node(ptz_of(ctx.spec)))


def get_node(ctx: Context) -> Element:
    if (token := ctx.required("tptz:NodeToken")) != NODE:
        raise invalid_value(f"There is no PTZ node {token[:64]!r}", "ter:NoEntity")
    return el("tptz:GetNodeResponse", _node(ptz_of(ctx.spec)))


def get_configurations(ctx: Context) -> Element:
    return el("tptz:GetConfigurationsResponse", ptz_configuration("tptz:PTZConfiguration", ctx.spec))


def get_configuration(ctx: Context) -> Element:
    _require_configuration(ctx.required("tptz:PTZConfigurationToken"))
    return el("tptz:GetConfigurationResponse", ptz_configuration("tptz:PTZConfiguration", ctx.spec))


def get_compatible_configurations(ctx: Context) -> Element:
    conf.profile_stream(ctx.spec, ctx.required("tptz:ProfileToken"))
    return el("tptz:GetCompatibleConfigurationsResponse", ptz_configuration("tptz:PTZConfiguration", ctx.spec))


def get_configuration_options(ctx: Context) -> Element:
    _require_configuration(ctx.required("tptz:ConfigurationToken"))
    ptz = ptz_of(ctx.spec)
    return el(
        "tptz:GetConfigurationOptionsResponse",
        el(
            "tptz:PTZConfigurationOptions",
            _spaces("tt:Spaces", ptz),
            el(
                "tt:PTZTimeout",
                el("tt:Min", format_duration(ptz.timeout_s.low)),
                el("tt:Max", format_duration(ptz.timeout_s.high)),
            ),
        ),
    )


def ptz_configuration(name: str, spec: CameraSpec) -> Element | None:
    """The tt:PTZConfiguration of every profile as an element `name`; None for a camera that does not move."""
    ptz = spec.features.ptz
    if ptz is None or not offers_ptz(spec):
        return None
    pan_tilt, zoom = ptz.absolute_pan_tilt[:1], ptz.absolute_zoom[:1]
    return el(
        name,
        el("tt:Name", "PTZ"),
        el("tt:UseCount", str(len(spec.streams))),
        el("tt:NodeToken", NODE),
        *(el(f"tt:{tag}", spaces[0].uri) for tag, kind in _DEFAULTS if (spaces := _kind(ptz, kind))),
        el("tt:DefaultPTZTimeout", format_duration(usual_timeout_s(ptz))),
        *(el("tt:PanTiltLimits", _space("tt:Range", space)) for space in pan_tilt),
        *(el("tt:ZoomLimits", _space("tt:Range", space)) for space in zoom),
        token=CONFIGURATION,
    )


def _require_configuration(token: str) -> None:
    if token != CONFIGURATION:
        raise no_configuration(token)


def _node(ptz: PtzFeatures) -> Element:
    return el(
        "tptz:PTZNode",
        el("tt:Name", "PTZ"),
        _spaces("tt:SupportedPTZSpaces", ptz),
        el("tt:MaximumNumberOfPresets", str(ptz.presets)),
        el("tt:HomeSupported", _truth(ptz.home)),
        *(el("tt:AuxiliaryCommands", command) for command in ptz.auxiliary),
        token=NODE,
        FixedHomePosition="false",
    )


def _spaces(name: str, ptz: PtzFeatures) -> Element:
    return el(name, *(_space(f"tt:{tag}", space) for tag, kind in _SPACES for space in _kind(ptz, kind)))


def _kind(ptz: PtzFeatures, kind: str) -> tuple[PtzSpace, ...]:
    spaces: tuple[PtzSpace, ...] = getattr(ptz, kind)
    return spaces


def _space(name: str, space: PtzSpace) -> Element:
    return el(
        name,
        el("tt:URI", space.uri),
        conf.float_range("tt:XRange", space.x),
        None if space.y is None else conf.float_range("tt:YRange", space.y),
    )


def _truth(value: bool) -> str:
    return "true" if value else "false"
