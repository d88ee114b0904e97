"""PTZ service (ver20): moves of the camera behind us, passed on to its channel at the NVR. Pure.

Source: ONVIF PTZ Service Specification sections 5.2 to 5.6. Both profiles move the same camera. A continuous move is
stopped by us when its time is over (camera/motion.py), because not every NVR does.
"""

from __future__ import annotations

from collections.abc import Mapping

from proxyd.camera.commands import Ask, NvrCall
from proxyd.camera.features import PtzFeatures
from proxyd.camera.ptz_calls import continuous_move, covers_all, ptz_call, stop

from ..durations import format_duration, format_instant, parse_duration
from ..faults import SoapFault, action_not_supported, invalid_value
from ..namespaces import PTZ
from ..soap import Element, el
from . import configurations as conf
from . import ptz_nodes as nodes
from . import ptz_presets
from .operation import Access, Context, Operation, Service, table
from .ptz_vectors import is_still, read_speed, read_vector, vector_element


def _moving(ctx: Context) -> PtzFeatures:
    """For the profile that the request names. Raises NoProfile."""
    conf.profile_stream(ctx.spec, ctx.required("tptz:ProfileToken"))
    return nodes.ptz_of(ctx.spec)


def _done(ctx: Context, call: NvrCall) -> Ask[Element]:
    return Ask(call, lambda _: el(f"tptz:{ctx.request.operation}Response"))


def _continuous_move(ctx: Context) -> Ask[Element]:
    ptz = _moving(ctx)
    _require(ctx, ptz.continuous_pan_tilt or ptz.continuous_zoom)
    pan_tilt, zoom = ptz.continuous_pan_tilt, ptz.continuous_zoom
    velocity = read_vector(ctx, "tptz:Velocity", pan_tilt, zoom, "ter:InvalidVelocity")
    seconds = _timeout_s(ctx, ptz)
    if is_still(velocity):
        given = {part: part in velocity for part in ("PanTilt", "Zoom")}
        return _done(ctx, stop(ctx.spec, pan_tilt=given["PanTilt"] or not pan_tilt, zoom=given["Zoom"] or not zoom))
    return _done(ctx, continuous_move(ctx.spec, ptz, velocity, seconds))


def _timeout_s(ctx: Context, ptz: PtzFeatures) -> float:
    """Shorter ones than the NVR's shortest are fine, since we stop it. Raises TimeoutNotSupported."""
    text = ctx.request.text("tptz:Timeout")
    if text is None:
        return nodes.usual_timeout_s(ptz)
    seconds = parse_duration(text)
    if seconds is None or not 0 < seconds <= ptz.timeout_s.high:
        longest = format_duration(ptz.timeout_s.high)
        raise invalid_value(f"The timeout is not supported, only up to {longest}", "ter:TimeoutNotSupported")
    return seconds


def _relative_move(ctx: Context) -> Ask[Element]:
    ptz = _moving(ctx)
    pan_tilt, zoom = ptz.relative_pan_tilt, ptz.relative_zoom
    _require(ctx, pan_tilt or zoom)
    translation = read_vector(ctx, "tptz:Translation", pan_tilt, zoom, "ter:InvalidTranslation")
    speed = read_speed(ctx, ptz)
    ends = covers_all(ptz, translation)
    return _done(ctx, ptz_call(ctx.spec, "RelativeMove", {"Translation": translation, **speed}, ends_motion=ends))


def _absolute_move(ctx: Context) -> Ask[Element]:
    ptz = _moving(ctx)
    pan_tilt, zoom = ptz.absolute_pan_tilt, ptz.absolute_zoom
    _require(ctx, pan_tilt or zoom)
    position = read_vector(ctx, "tptz:Position", pan_tilt, zoom, "ter:InvalidPosition")
    speed = read_speed(ctx, ptz)
    ends = covers_all(ptz, position)
    return _done(ctx, ptz_call(ctx.spec, "AbsoluteMove", {"Position": position, **speed}, ends_motion=ends))


def _require(ctx: Context, spaces: object) -> None:
    if not spaces:
        raise action_not_supported(ctx.request.operation, "this camera cannot be moved so")


def _stop(ctx: Context) -> Ask[Element] | Element:
    _moving(ctx)
    pan_tilt, zoom = (_flag(ctx, f"tptz:{name}") for name in ("PanTilt", "Zoom"))
    if not pan_tilt and not zoom:
        return el("tptz:StopResponse")
    return _done(ctx, stop(ctx.spec, pan_tilt=pan_tilt, zoom=zoom))


def _flag(ctx: Context, name: str) -> bool:
    """True unless the client says no."""
    return (ctx.request.text(name) or "true").lower() not in ("false", "0")


def _get_status(ctx: Context) -> Ask[Element]:
    ptz = _moving(ctx)

    def answer(result: object) -> Element:
        told = result if isinstance(result, Mapping) else {}
        states = _move_states(told.get("MoveStatus")) if ptz.move_status else []
        unknown = any(state.text == "UNKNOWN" for state in states)
        return el(
            "tptz:GetStatusResponse",
            el(
                "tptz:PTZStatus",
                vector_element("tt:Position", told.get("Position")),
                el("tt:MoveStatus", *states) if states else None,
                el("tt:Error", "It is not known whether the camera moves") if unknown else None,
                el("tt:UtcTime", format_instant(ctx.now)),  # ours: the clocks of NVRs are wrong too often
            ),
        )

    return Ask(ptz_call(ctx.spec, "GetStatus"), answer)


def _move_states(raw: object) -> list[Element]:
    told = raw if isinstance(raw, Mapping) else {}
    found = {part: str(told[part]) for part in ("PanTilt", "Zoom") if told.get(part) is not None}
    found = found or {"PanTilt": "UNKNOWN"}
    return [el(f"tt:{part}", text if text in ("IDLE", "MOVING") else "UNKNOWN") for part, text in found.items()]


def _goto_home(ctx: Context) -> Ask[Element]:
    ptz = _moving(ctx)
    if not ptz.home:
        raise invalid_value("This camera has no home position", "ter:NoHomePosition")
    return _done(ctx, ptz_call(ctx.spec, "GotoHomePosition", read_speed(ctx, ptz), ends_motion=True))


def _set_home(ctx: Context) -> Ask[Element]:
    if not _moving(ctx).home:
        reason = "This camera has no home position that could be set"
        raise SoapFault("Receiver", reason, "ter:Action", "ter:CannotOverwriteHome")
    return _done(ctx, ptz_call(ctx.spec, "SetHomePosition"))


def _auxiliary(ctx: Context) -> Ask[Element]:
    ptz, command = _moving(ctx), ctx.required("tptz:AuxiliaryData")
    if not ptz.auxiliary:
        raise action_not_supported("SendAuxiliaryCommand", "this camera has no auxiliary commands")
    if command not in ptz.auxiliary:
        raise invalid_value(f"There is no auxiliary command {command[:64]!r}")
    call = ptz_call(ctx.spec, "SendAuxiliaryCommand", {"AuxiliaryData": command})
    return Ask(call, lambda _: el("tptz:SendAuxiliaryCommandResponse", el("tptz:AuxiliaryResponse", command)))


SERVICE = Service(
    nodes.PTZ_PATH,
    table(
        PTZ,
        (
            Operation("GetServiceCapabilities", Access.PRE_AUTH, nodes.get_service_capabilities),
            Operation("GetNodes", Access.READ_MEDIA, nodes.get_nodes),
            Operation("GetNode", Access.READ_MEDIA, nodes.get_node),
            Operation("GetConfigurations", Access.READ_MEDIA, nodes.get_configurations),
            Operation("GetConfiguration", Access.READ_MEDIA, nodes.get_configuration),
            Operation("GetConfigurationOptions", Access.READ_MEDIA, nodes.get_configuration_options),
            Operation("GetCompatibleConfigurations", Access.READ_MEDIA, nodes.get_compatible_configurations),
            Operation("ContinuousMove", Access.ACTUATE, _continuous_move, static=False),
            Operation("RelativeMove", Access.ACTUATE, _relative_move, static=False),
            Operation("AbsoluteMove", Access.ACTUATE, _absolute_move, static=False),
            Operation("Stop", Access.ACTUATE, _stop, static=False),
            Operation("GetStatus", Access.READ_MEDIA, _get_status, static=False),
            Operation("GotoHomePosition", Access.ACTUATE, _goto_home, static=False),
            Operation("SetHomePosition", Access.ACTUATE, _set_home, static=False),
            Operation("SendAuxiliaryCommand", Access.ACTUATE, _auxiliary, static=False),
            *ptz_presets.OPERATIONS,
        ),
    ),
    namespace=PTZ,
    version=(2, 60),
    capabilities=nodes.service_capabilities,
    category="PTZ",
    legacy=nodes.legacy_capabilities,
    offered=nodes.offers_ptz,
)
