"""Calls that move the camera behind a channel, with the NVR's tokens. Pure.

A vector is what onvif-zeep-async sends: {"PanTilt": {"x", "y", "space"}, "Zoom": {"x", "space"}}, each part and
`space` only where it is given: without `space` the NVR takes its default, which is the first of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from .commands import LookUp, NvrCall
from .features import MAX_PRESETS, PtzFeatures
from .spec import CameraSpec

Vector = dict[str, dict[str, Any]]
_LONGEST_NAME = 64  # tt:Name


def ptz_call(
    spec: CameraSpec, operation: str, parameters: Mapping[str, Any] | None = None, *, ends_motion: bool = False
) -> NvrCall:
    """For the channel of this camera."""
    token = spec.features.tokens.ptz_profile
    return NvrCall("ptz", operation, {"ProfileToken": token, **(parameters or {})}, ends_motion=ends_motion)


def continuous_move(spec: CameraSpec, ptz: PtzFeatures, velocity: Vector, seconds: float) -> NvrCall:
    """Moves for `seconds`, whatever the NVR makes of its timeout."""
    told_s = min(max(seconds, ptz.timeout_s.low), ptz.timeout_s.high)
    token = spec.features.tokens.ptz_profile
    parameters = {"ProfileToken": token, "Velocity": velocity, "Timeout": timedelta(seconds=told_s)}
    return NvrCall(
        "ptz",
        "ContinuousMove",
        parameters,
        stop=stop(spec),
        stop_after_s=seconds,
        ends_motion=covers_all(ptz, velocity),
    )


def covers_all(ptz: PtzFeatures, vector: Vector) -> bool:
    """Whether a move by `vector` leaves no direction as it was (PTZ Service Specification section 5.3: a part that is
    left out goes on as before)."""
    return ("PanTilt" in vector or not ptz.continuous_pan_tilt) and ("Zoom" in vector or not ptz.continuous_zoom)


def stop(spec: CameraSpec, *, pan_tilt: bool = True, zoom: bool = True) -> NvrCall:
    return ptz_call(spec, "Stop", {"PanTilt": pan_tilt, "Zoom": zoom}, ends_motion=pan_tilt and zoom)


def on_preset(
    spec: CameraSpec,
    operation: str,
    wanted: Callable[[Mapping[str, Any]], bool],
    missing: Callable[[list[Mapping[str, Any]]], Exception],
    parameters: Mapping[str, Any],
) -> LookUp:
    """`operation` on the first preset that is `wanted`; `missing` makes the error when there is none of it."""

    def then(answer: object) -> NvrCall:
        presets = presets_in(answer)
        found = next((raw for raw in presets if wanted(raw)), None)
        if found is None:
            raise missing(presets)
        told = {"PresetToken": found["token"], **parameters}
        return ptz_call(spec, operation, told, ends_motion=operation == "GotoPreset")

    return LookUp(ptz_call(spec, "GetPresets"), then)


def presets_in(answer: object) -> list[Mapping[str, Any]]:
    """The first MAX_PRESETS of a GetPresets answer that can be used."""
    return _usable(answer)[:MAX_PRESETS]


def presets_cut(call: NvrCall, answer: object) -> int:
    """How many presets an answer to `call` has, when these are more than recorders are told; else 0."""
    found = len(_usable(answer)) if (call.service, call.operation) == ("ptz", "GetPresets") else 0
    return found if found > MAX_PRESETS else 0


def _usable(answer: object) -> list[Mapping[str, Any]]:
    entries = answer if isinstance(answer, list) else []
    return [e for e in entries if isinstance(e, Mapping) and isinstance(e.get("token"), str) and e["token"]]


def preset_name(raw: Mapping[str, Any]) -> str:
    """What people call it; "" when it has no name."""
    return "".join(c for c in str(raw.get("Name") or "") if c.isprintable()).strip()[:_LONGEST_NAME]
