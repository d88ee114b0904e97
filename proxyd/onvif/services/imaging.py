"""Imaging service (ver20): picture settings and focus of the camera behind us. Pure.

Source: ONVIF Imaging Service Specification section 5. Reading is always passed on to the NVR; settings are only
changed there where the operator allows it for this camera.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from proxyd.camera.commands import Ask, NvrCall
from proxyd.camera.features import ImagingFeatures
from proxyd.camera.imaging import FOCUS_MOVES
from proxyd.camera.spec import CameraSpec

from ..faults import action_not_supported, invalid_args, invalid_value
from ..namespaces import IMAGING, clark
from ..soap import Element, el
from . import configurations as conf
from . import imaging_settings as settings
from .operation import Access, Context, Operation, Service, table

IMAGING_PATH = "/onvif/imaging_service"
_LONGEST_FOCUS_S = 10.0  # the service has no timeout of its own for a continuous focus move


def service_capabilities(_: CameraSpec) -> Element:
    return el("timg:Capabilities", ImageStabilization="false", Presets="false")


def _legacy_capabilities(ctx: Context) -> Element:
    return el("tt:Imaging", el("tt:XAddr", ctx.reached.http(IMAGING_PATH)))


def _offered(spec: CameraSpec) -> bool:
    return spec.features.imaging is not None and bool(spec.features.tokens.video_source)


def _get_service_capabilities(ctx: Context) -> Element:
    return el("timg:GetServiceCapabilitiesResponse", service_capabilities(ctx.spec))


def _imaging(ctx: Context) -> ImagingFeatures:
    """Of the video source that the request names. Raises NoSource."""
    token = ctx.required("timg:VideoSourceToken")
    if token != conf.VIDEO_SOURCE or ctx.spec.features.imaging is None:
        raise invalid_value(f"There is no video source {token[:64]!r}", "ter:NoSource")
    return ctx.spec.features.imaging


def _call(ctx: Context, operation: str, **parameters: Any) -> NvrCall:
    return NvrCall("imaging", operation, {"VideoSourceToken": ctx.spec.features.tokens.video_source, **parameters})


def _get_settings(ctx: Context) -> Ask[Element]:
    imaging = _imaging(ctx)

    def answer(result: object) -> Element:
        shown = settings.settings_element("timg:ImagingSettings", imaging, result)
        return el("timg:GetImagingSettingsResponse", shown)

    return Ask(_call(ctx, "GetImagingSettings"), answer)


def _set_settings(ctx: Context) -> Ask[Element]:
    imaging = _imaging(ctx)
    if not ctx.spec.settings.forward:
        reason = "the settings of this camera cannot be changed over ONVIF"
        raise action_not_supported("SetImagingSettings", reason)
    wanted = settings.read_settings(imaging, ctx.request.body)
    persistent = ctx.request.text("timg:ForcePersistence")
    kept = {} if persistent is None else {"ForcePersistence": persistent.lower() in ("true", "1")}
    call = _call(ctx, "SetImagingSettings", ImagingSettings=wanted, **kept)
    return Ask(call, lambda _: el("timg:SetImagingSettingsResponse"))


def _get_options(ctx: Context) -> Element:
    return el("timg:GetOptionsResponse", settings.options_element("timg:ImagingOptions", _imaging(ctx)))


def _get_move_options(ctx: Context) -> Element:
    return el("timg:GetMoveOptionsResponse", settings.move_options_element("timg:MoveOptions", _imaging(ctx)))


def _move(ctx: Context) -> Ask[Element]:
    imaging = _imaging(ctx)
    kind, values = _wanted_move(ctx, imaging)
    if kind == "Continuous" and not values["Speed"]:
        return Ask(_stop_call(ctx), lambda _: el("timg:MoveResponse"))
    call = replace(_call(ctx, "Move", Focus={kind: values}), ends_motion=True)
    if kind == "Continuous":
        call = replace(call, stop=_stop_call(ctx), stop_after_s=_LONGEST_FOCUS_S)
    return Ask(call, lambda _: el("timg:MoveResponse"))


def _wanted_move(ctx: Context, imaging: ImagingFeatures) -> tuple[str, dict[str, float]]:
    """The kind of move and its values. Raises a fault when there is none that this camera can do."""
    spans = dict(imaging.focus_move)
    for kind, name in FOCUS_MOVES:
        text = ctx.request.text(f"timg:Focus/tt:{kind}/tt:{name}")
        if text is None:
            continue
        if kind not in spans:
            raise action_not_supported("Move", f"this camera has no {kind.lower()} focus move")
        values = {name: settings.bounded(name, text, spans[kind])}
        speed = ctx.request.text(f"timg:Focus/tt:{kind}/tt:Speed") if kind != "Continuous" else None
        if speed is not None and f"{kind}/Speed" in spans:
            values["Speed"] = settings.bounded("Speed", speed, spans[f"{kind}/Speed"])
        return kind, values
    if ctx.request.body.find(clark("timg:Focus")) is None:
        raise invalid_args("Focus is missing")
    raise invalid_args("Focus names no move")


def _stop_call(ctx: Context) -> NvrCall:
    return replace(_call(ctx, "Stop"), ends_motion=True)


def _stop(ctx: Context) -> Ask[Element] | Element:
    if not _imaging(ctx).focus_move:
        return el("timg:StopResponse")
    return Ask(_stop_call(ctx), lambda _: el("timg:StopResponse"))


def _get_status(ctx: Context) -> Ask[Element] | Element:
    if not _imaging(ctx).focus_move:
        return el("timg:GetStatusResponse", el("timg:Status"))
    return Ask(_call(ctx, "GetStatus"), _status)


def _status(result: object) -> Element:
    told = result.get("FocusStatus20") if isinstance(result, Mapping) else None
    focus = told if isinstance(told, Mapping) else {}
    position, state = focus.get("Position"), focus.get("MoveStatus")
    shown = None
    if isinstance(position, int | float) and math.isfinite(position):
        shown = el(
            "tt:FocusStatus20",
            el("tt:Position", conf.number(position)),
            el("tt:MoveStatus", str(state) if state in ("IDLE", "MOVING") else "UNKNOWN"),
        )
    return el("timg:GetStatusResponse", el("timg:Status", shown))


SERVICE = Service(
    IMAGING_PATH,
    table(
        IMAGING,
        (
            Operation("GetServiceCapabilities", Access.PRE_AUTH, _get_service_capabilities),
            Operation("GetImagingSettings", Access.READ_MEDIA, _get_settings, static=False),
            Operation("SetImagingSettings", Access.ACTUATE, _set_settings, static=False),
            Operation("GetOptions", Access.READ_MEDIA, _get_options),
            Operation("GetMoveOptions", Access.READ_MEDIA, _get_move_options),
            Operation("Move", Access.ACTUATE, _move, static=False),
            Operation("Stop", Access.ACTUATE, _stop, static=False),
            Operation("GetStatus", Access.READ_MEDIA, _get_status, static=False),
        ),
    ),
    namespace=IMAGING,
    version=(2, 60),
    capabilities=service_capabilities,
    category="Imaging",
    legacy=_legacy_capabilities,
    offered=_offered,
)
