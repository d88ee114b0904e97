"""Positions, translations, velocities and speeds: from a request, checked against the camera's spaces; and out again.

Pure. camera/ptz_calls.py says what a vector looks like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from proxyd.camera.features import PtzFeatures, PtzSpace, Span
from proxyd.camera.ptz_calls import Vector

from ..faults import SoapFault, invalid_args, invalid_value
from ..namespaces import clark
from ..soap import Element, RequestElement, el
from . import configurations as conf
from .operation import Context

_ROUNDING = 1e-4  # clients compute with single precision
_SPACES_OF_ONVIF = "http://www.onvif.org/ver10/tptz/"


def read_vector(
    ctx: Context, name: str, pan_tilt: Sequence[PtzSpace], zoom: Sequence[PtzSpace], out_of_bounds: str
) -> Vector:
    """The mandatory vector `name` ("tptz:Position"). Raises SpaceNotSupported, or `out_of_bounds` ("ter:Invalid…")."""
    parent = ctx.request.body.find(clark(name))
    vector: Vector = {}
    for part, spaces in (("PanTilt", pan_tilt), ("Zoom", zoom)):
        found = None if parent is None else parent.find(clark(f"tt:{part}"))
        if found is None:
            continue
        values = _values(found, ("x", "y") if part == "PanTilt" else ("x",), out_of_bounds)
        if not spaces and not any(values.values()) and out_of_bounds != "ter:InvalidPosition":
            continue  # no movement, in a direction in which this camera has none: joysticks send all directions
        space = _space(found, spaces)
        vector[part] = _bounded(values, space, out_of_bounds) | _named(found)
    if not vector:
        raise invalid_args(f"{name.rpartition(':')[2]} has neither PanTilt nor Zoom")
    return vector


def read_speed(ctx: Context, ptz: PtzFeatures) -> dict[str, Vector]:
    """{"Speed": …}, or {} where the client gave none or the camera has but one speed. Raises SpaceNotSupported,
    InvalidSpeed."""
    parent = ctx.request.body.find(clark("tptz:Speed"))
    speed: Vector = {}
    for part, spaces in (("PanTilt", ptz.pan_tilt_speed), ("Zoom", ptz.zoom_speed)):
        found = None if parent is None else parent.find(clark(f"tt:{part}"))
        if found is None or not spaces:
            continue
        values = _values(found, ("x", "y") if part == "PanTilt" else ("x",), "ter:InvalidSpeed")
        speed[part] = _bounded(values, _space(found, spaces), "ter:InvalidSpeed") | _named(found)
    return {"Speed": speed} if speed else {}


def is_still(vector: Vector) -> bool:
    return not any(part[axis] for part in vector.values() for axis in ("x", "y") if axis in part)


def vector_element(name: str, raw: object) -> Element | None:
    """A tt:PTZVector as the NVR gave it; None without a number in it."""
    told = raw if isinstance(raw, Mapping) else {}
    parts = [_part_element(f"tt:{part}", told.get(part), axes) for part, axes in (("PanTilt", "xy"), ("Zoom", "x"))]
    return el(name, *parts) if any(part is not None for part in parts) else None


def _part_element(name: str, raw: object, axes: str) -> Element | None:
    if not isinstance(raw, Mapping):
        return None
    values = {}
    for axis in axes:
        try:
            values[axis] = float(str(raw.get(axis)))
        except ValueError:
            return None
        if not math.isfinite(values[axis]):
            return None
    element = el(name, **{axis: conf.number(value) for axis, value in values.items()})
    space = str(raw.get("space") or "").strip()
    if space.startswith(_SPACES_OF_ONVIF):
        element.set("space", space)
    return element


def _values(element: RequestElement, axes: Sequence[str], out_of_bounds: str) -> dict[str, float]:
    values = {}
    for axis in axes:
        try:
            value = float(element.get(axis, ""))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise _outside(axis, element.get(axis, ""), out_of_bounds)
        values[axis] = value
    return values


def _space(element: RequestElement, spaces: Sequence[PtzSpace]) -> PtzSpace:
    wanted = element.get("space", "").strip()
    for space in spaces:
        if not wanted or space.uri == wanted:
            return space
    raise invalid_value(f"The space {wanted[:128]!r} is not supported", "ter:SpaceNotSupported")


def _named(element: RequestElement) -> dict[str, str]:
    space = element.get("space", "").strip()
    return {"space": space} if space else {}


def _bounded(values: Mapping[str, float], space: PtzSpace, out_of_bounds: str) -> dict[str, Any]:
    spans = {"x": space.x, "y": space.y or space.x}
    return {axis: _in_span(value, spans[axis], axis, out_of_bounds) for axis, value in values.items()}


def _in_span(value: float, span: Span, axis: str, out_of_bounds: str) -> float:
    slack = _ROUNDING * (span.high - span.low)
    if not span.low - slack <= value <= span.high + slack:
        raise _outside(axis, f"{value:g}", out_of_bounds, f": {conf.number(span.low)} to {conf.number(span.high)}")
    return min(max(value, span.low), span.high)


def _outside(axis: str, value: str, out_of_bounds: str, bounds: str = "") -> SoapFault:
    return invalid_value(f"{axis}={value[:32]} is out of bounds{bounds}", out_of_bounds)
