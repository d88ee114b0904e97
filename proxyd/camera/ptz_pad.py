"""Buttons for people: left, right, up, down, in, out, stop, home, preset, as calls to the NVR. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxyd.api.ptz import CameraPtz
from proxyd.errors import Conflict, NotFound

from .commands import LookUp, NvrCall
from .features import PtzFeatures, PtzSpace, Span
from .ptz_calls import Vector, continuous_move, covers_all, on_preset, preset_name, presets_in, ptz_call, stop
from .spec import CameraSpec

_DIRECTIONS = {
    "left": ("x", -1),
    "right": ("x", 1),
    "up": ("y", 1),
    "down": ("y", -1),
    "in": ("x", 1),
    "out": ("x", -1),
}
_STEP = 0.2  # of the whole way, per second at full speed, where a camera only moves by steps


def pad_call(spec: CameraSpec, wanted: CameraPtz) -> NvrCall | LookUp:
    """Raises Conflict when the camera cannot do it."""
    ptz = _ptz_of(spec)
    match wanted.action:
        case "stop":
            return stop(spec)
        case "home":
            if not ptz.home:
                raise Conflict(f"{spec.name} has no home position.", "Make a preset on the NVR and go to that.")
            return ptz_call(spec, "GotoHomePosition", ends_motion=True)
        case "preset":
            return _preset(spec, wanted.preset or "")
        case direction:
            return _move(spec, ptz, direction, wanted.speed, wanted.seconds)


def presets_call(spec: CameraSpec) -> NvrCall:
    """What the preset buttons are called: `preset_names` reads the answer. Raises Conflict when it cannot be moved."""
    _ptz_of(spec)
    return ptz_call(spec, "GetPresets")


def preset_names(answer: object) -> list[str]:
    """Of those that have one, each once; as recorders are told them."""
    return list(dict.fromkeys(name for raw in presets_in(answer) if (name := preset_name(raw))))


def _ptz_of(spec: CameraSpec) -> PtzFeatures:
    ptz = spec.features.ptz
    if ptz is None or not spec.features.tokens.ptz_profile:
        raise Conflict(
            f"{spec.name} cannot be moved: the NVR offers no PTZ for channel {spec.channel}.",
            "If the camera has a motor, allow PTZ for the NVR's ONVIF user there and scan the NVR again.",
        )
    return ptz


def _move(spec: CameraSpec, ptz: PtzFeatures, direction: str, speed: float, seconds: float) -> NvrCall:
    axis, sign = _DIRECTIONS[direction]
    zooms = direction in ("in", "out")
    if continuous := (ptz.continuous_zoom if zooms else ptz.continuous_pan_tilt):
        return continuous_move(spec, ptz, _vector(continuous, zooms, axis, sign * speed), seconds)
    if relative := (ptz.relative_zoom if zooms else ptz.relative_pan_tilt):
        way = _vector(relative, zooms, axis, sign * min(speed * seconds * _STEP, 1.0))
        return ptz_call(spec, "RelativeMove", {"Translation": way}, ends_motion=covers_all(ptz, way))
    what = "zoom" if zooms else "pan and tilt"
    raise Conflict(f"{spec.name} cannot {what}.", "Use the presets of the NVR, if it has some.")


def _vector(spaces: Sequence[PtzSpace], zooms: bool, axis: str, share: float) -> Vector:
    """`share` of the most that the default space allows in this direction."""
    space = spaces[0]
    value = _part_of(space.x if axis == "x" else space.y or space.x, share)
    return {"Zoom": {"x": value}} if zooms else {"PanTilt": {"x": 0.0, "y": 0.0} | {axis: value}}


def _part_of(span: Span, share: float) -> float:
    return share * max(span.high, 0.0) if share > 0 else -share * min(span.low, 0.0)


def _preset(spec: CameraSpec, name: str) -> LookUp:
    def wanted(raw: Mapping[str, Any]) -> bool:
        return preset_name(raw).casefold() == name.strip().casefold()

    def missing(presets: list[Mapping[str, Any]]) -> NotFound:
        names = [preset_name(raw) for raw in presets if preset_name(raw)]
        known = f"It has {', '.join(names[:20])}." if names else "It has none with a name; name one on the NVR."
        return NotFound(f"{spec.name} has no preset {name!r}.", known)

    return on_preset(spec, "GotoPreset", wanted, missing, {})
