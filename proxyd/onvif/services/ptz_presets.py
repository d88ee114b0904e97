"""Presets of a moving camera. Pure.

The NVR's preset tokens stay behind us: recorders get tokens made from them, always the same for the same preset. To
go to one, the presets are listed first and the one with that token is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from proxyd.camera.commands import Ask, LookUp, NvrCall
from proxyd.camera.spec import CameraSpec

from ..faults import action_not_supported, invalid_value, not_done
from ..soap import Element, el
from . import configurations as conf
from .operation import Access, Context, Operation
from .ptz_nodes import ptz_of
from .ptz_vectors import read_speed, vector_element

MAX_PRESETS = 512  # in an answer; some NVRs list hundreds of empty ones
_LONGEST_NAME = 64  # tt:Name


def preset_token(spec: CameraSpec, nvr_token: str) -> str:
    """Ours for a preset of the NVR."""
    return f"preset_{hashlib.sha256(f'{spec.uuid}/{nvr_token}'.encode()).hexdigest()[:16]}"


def presets_in(answer: object) -> list[Mapping[str, Any]]:
    """The usable ones of a GetPresets answer."""
    entries = answer[:MAX_PRESETS] if isinstance(answer, list) else []
    return [e for e in entries if isinstance(e, Mapping) and isinstance(e.get("token"), str) and e["token"]]


def list_presets(spec: CameraSpec) -> NvrCall:
    return NvrCall("ptz", "GetPresets", {"ProfileToken": spec.features.tokens.ptz_profile})


def preset_call(spec: CameraSpec, operation: str, nvr_token: str, parameters: Mapping[str, Any]) -> NvrCall:
    """`operation` on this preset of the NVR."""
    names = {"ProfileToken": spec.features.tokens.ptz_profile, "PresetToken": nvr_token}
    return NvrCall("ptz", operation, {**names, **parameters}, ends_motion=operation == "GotoPreset")


def preset_name(raw: Mapping[str, Any]) -> str:
    """What people call it; "" when it has no name."""
    return "".join(c for c in str(raw.get("Name") or "") if c.isprintable()).strip()[:_LONGEST_NAME]


def _get_presets(ctx: Context) -> Element | Ask[Element]:
    conf.profile_stream(ctx.spec, ctx.required("tptz:ProfileToken"))
    if not ptz_of(ctx.spec).presets:
        return el("tptz:GetPresetsResponse")

    def answer(result: object) -> Element:
        return el("tptz:GetPresetsResponse", *(_preset(ctx.spec, raw) for raw in presets_in(result)))

    return Ask(list_presets(ctx.spec), answer)


def _preset(spec: CameraSpec, raw: Mapping[str, Any]) -> Element:
    name = preset_name(raw)
    return el(
        "tptz:Preset",
        el("tt:Name", name) if name else None,
        vector_element("tt:PTZPosition", raw.get("PTZPosition")),
        token=preset_token(spec, raw["token"]),
    )


def _set_preset(ctx: Context) -> Ask[Element]:
    _require_presets(ctx)
    name = ctx.request.text("tptz:PresetName")
    if name and (len(name) > _LONGEST_NAME or not name.isprintable()):
        raise invalid_value(f"A preset's name has up to {_LONGEST_NAME} printable characters", "ter:InvalidPresetName")
    named = {"PresetName": name} if name else {}
    token = ctx.request.text("tptz:PresetToken")
    if token:
        known = _look_up(ctx, token, "SetPreset", named)
        return Ask(known, lambda _: _preset_set(token))
    call = NvrCall("ptz", "SetPreset", {"ProfileToken": ctx.spec.features.tokens.ptz_profile, **named})
    return Ask(call, lambda result: _preset_set(preset_token(ctx.spec, _new_token(result))))


def _new_token(result: object) -> str:
    if not isinstance(result, str) or not result:
        raise not_done()
    return result


def _preset_set(token: str) -> Element:
    return el("tptz:SetPresetResponse", el("tptz:PresetToken", token))


def _goto_preset(ctx: Context) -> Ask[Element]:
    _require_presets(ctx)
    speed = read_speed(ctx, ptz_of(ctx.spec))
    known = _look_up(ctx, ctx.required("tptz:PresetToken"), "GotoPreset", speed)
    return Ask(known, lambda _: el("tptz:GotoPresetResponse"))


def _remove_preset(ctx: Context) -> Ask[Element]:
    _require_presets(ctx)
    known = _look_up(ctx, ctx.required("tptz:PresetToken"), "RemovePreset", {})
    return Ask(known, lambda _: el("tptz:RemovePresetResponse"))


def _require_presets(ctx: Context) -> None:
    conf.profile_stream(ctx.spec, ctx.required("tptz:ProfileToken"))
    if not ptz_of(ctx.spec).presets:
        raise action_not_supported(ctx.request.operation, "this camera has no presets")


def _look_up(ctx: Context, token: str, operation: str, parameters: Mapping[str, Any]) -> LookUp:
    return LookUp(list_presets(ctx.spec), _with_token(ctx.spec, token, operation, parameters))


def _with_token(
    spec: CameraSpec, token: str, operation: str, parameters: Mapping[str, Any]
) -> Callable[[Any], NvrCall]:
    def then(presets: object) -> NvrCall:
        for raw in presets_in(presets):
            if preset_token(spec, raw["token"]) == token:
                return preset_call(spec, operation, raw["token"], parameters)
        raise invalid_value(f"There is no preset {token[:64]!r}", "ter:NoToken")

    return then


OPERATIONS = (
    Operation("GetPresets", Access.READ_MEDIA, _get_presets, static=False),
    Operation("SetPreset", Access.ACTUATE, _set_preset, static=False),
    Operation("GotoPreset", Access.ACTUATE, _goto_preset, static=False),
    Operation("RemovePreset", Access.ACTUATE, _remove_preset, static=False),
)
