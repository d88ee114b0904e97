"""Presets of a moving camera. Pure.

The NVR's preset tokens stay behind us: recorders get tokens made from them, always the same for the same preset. To
go to one, the presets are listed first and the one with that token is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from proxyd.camera.commands import Ask, LookUp
from proxyd.camera.ptz_calls import on_preset, preset_name, presets_in, ptz_call
from proxyd.camera.spec import CameraSpec

from ..faults import SoapFault, action_not_supported, invalid_value, not_done
from ..soap import Element, el
from . import configurations as conf
from .operation import Access, Context, Operation
from .ptz_nodes import ptz_of
from .ptz_vectors import read_speed, vector_element

_LONGEST_NAME = 64  # tt:Name


def preset_token(spec: CameraSpec, nvr_token: str) -> str:
    """Ours for a preset of the NVR."""
    return f"preset_{hashlib.sha256(f'{spec.uuid}/{nvr_token}'.encode()).hexdigest()[:16]}"


def _get_presets(ctx: Context) -> Element | Ask[Element]:
    conf.profile_stream(ctx.spec, ctx.required("tptz:ProfileToken"))
    if not ptz_of(ctx.spec).presets:
        return el("tptz:GetPresetsResponse")

    def answer(result: object) -> Element:
        return el("tptz:GetPresetsResponse", *(_preset(ctx.spec, raw) for raw in presets_in(result)))

    return Ask(ptz_call(ctx.spec, "GetPresets"), answer)


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
    return Ask(
        ptz_call(ctx.spec, "SetPreset", named), lambda result: _preset_set(preset_token(ctx.spec, _new_token(result)))
    )


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
    def wanted(raw: Mapping[str, Any]) -> bool:
        return preset_token(ctx.spec, raw["token"]) == token

    def missing(_: object) -> SoapFault:
        return invalid_value(f"There is no preset {token[:64]!r}", "ter:NoToken")

    return on_preset(ctx.spec, operation, wanted, missing, parameters)


OPERATIONS = (
    Operation("GetPresets", Access.READ_MEDIA, _get_presets, static=False),
    Operation("SetPreset", Access.ACTUATE, _set_preset, static=False),
    Operation("GotoPreset", Access.ACTUATE, _goto_preset, static=False),
    Operation("RemovePreset", Access.ACTUATE, _remove_preset, static=False),
)
