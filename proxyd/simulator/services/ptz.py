"""The PTZ service (ptz.wsdl) of the simulated device: moves, presets, home and status of its movable cameras."""

from __future__ import annotations

import math
import re

from lxml import etree

from proxyd.simulator.dialect import PtzStyle
from proxyd.simulator.optics import PanTiltZoom, Position
from proxyd.simulator.services.context import Answer, Context, wanted_profile
from proxyd.simulator.services.ptz_nodes import (
    AUXILIARY,
    FOV,
    LONGEST_S,
    PAN_TILT,
    PTZ_NODES,
    ZOOM,
    most_presets,
    ptz_configuration,
    wrong,
)
from proxyd.simulator.soap import Element, Fault, Request, el, text_of

_FOV_SHARE = 0.1  # of the pan range that the picture shows
_TIMEOUT = re.compile(r"P(?:0D)?T(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


def _wanted(context: Context, request: Request) -> PanTiltZoom:
    """The camera behind the profile that the request names. Raises Fault."""
    profile = wanted_profile(context, request, "tptz:ProfileToken", media1=False)
    if ptz_configuration(context, profile, "tptz:PTZConfiguration") is None:
        raise wrong("ter:NoPTZProfile")
    style = context.dialect.ptz
    assert isinstance(style, PtzStyle)
    camera = context.optics.movable(profile.channel, obeys_timeout=style.obeys_timeout)
    for number in range(1, context.faults.presets + 1):
        camera.presets.setdefault(str(number), (f"Preset {number}", (0.0, 0.0, 0.0)))
    return camera


def _vector(request: Request, name: str) -> dict[str, float]:
    """The axes that are given, FOV translations in generic units. Raises Fault."""
    found: dict[str, float] = {}
    for vector in request.body.iterfind(f"{{*}}{name}/*"):
        kind = etree.QName(vector).localname
        pairs = (("pan", "x"), ("tilt", "y")) if kind == "PanTilt" else (("zoom", "x"),)
        share = _FOV_SHARE if vector.get("space") == FOV else 1.0
        for axis, attribute in pairs:
            try:
                value = float(vector.get(attribute, ""))
            except ValueError:
                raise wrong("ter:InvalidPosition") from None
            if not math.isfinite(value) or abs(value) > 1:
                raise wrong("ter:InvalidPosition")
            found[axis] = value * share
    return found


def _continuous_move(context: Context, request: Request) -> Element:
    camera = _wanted(context, request)
    camera.run(_vector(request, "Velocity"), _seconds(text_of(request, "tptz:Timeout")))
    return el("tptz:ContinuousMoveResponse")


def _seconds(text: str | None) -> float | None:
    if text is None:
        return LONGEST_S
    found = _TIMEOUT.fullmatch(text)
    if found is None:
        raise wrong("ter:TimeoutNotSupported")
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
        el("tt:PanTilt", x=pan, y=tilt, space=PAN_TILT + "PositionGenericSpace"),
        el("tt:Zoom", x=zoom, space=ZOOM + "PositionGenericSpace"),
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
        raise wrong("ter:NoToken")
    if not token:
        if len(camera.presets) >= most_presets(context):
            raise Fault("Receiver", ("ter:Action", "ter:TooManyPresets"), "Too many presets")
        token = next(str(n) for n in range(1, most_presets(context) + 1) if str(n) not in camera.presets)
    before = camera.presets.get(token, (f"Preset {token}", (0.0, 0.0, 0.0)))[0]
    camera.presets[token] = (text_of(request, "tptz:PresetName") or before, camera.position)
    camera.done.append(f"SetPreset {token}")
    return el("tptz:SetPresetResponse", el("tptz:PresetToken", token))


def _known_preset(camera: PanTiltZoom, request: Request) -> str:
    token = text_of(request, "tptz:PresetToken") or ""
    if token not in camera.presets:
        raise wrong("ter:NoToken")
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


PTZ: dict[str, Answer] = {
    **PTZ_NODES,
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
