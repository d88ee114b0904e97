"""The Imaging service (imaging.wsdl) of the simulated device, by the tokens that GetVideoSources lists."""

from __future__ import annotations

from lxml import etree

from proxyd.simulator.optics import Picture
from proxyd.simulator.services.context import Answer, Context
from proxyd.simulator.soap import Element, Fault, Request, el, text_of

# Order of the schema: ImagingSettings20 and ImagingOptions20.
_LEVELS = ("Brightness", "ColorSaturation", "Contrast", "Sharpness", "WideDynamicRange/Level")
_MODES = {
    "BacklightCompensation/Mode": ("OFF", "ON"),
    "Exposure/Mode": ("AUTO", "MANUAL"),
    "Focus/AutoFocusMode": ("AUTO", "MANUAL"),
    "IrCutFilter": ("ON", "OFF", "AUTO"),
    "WideDynamicRange/Mode": ("OFF", "ON"),
    "WhiteBalance/Mode": ("AUTO", "MANUAL"),
}


def _wanted(context: Context, request: Request) -> Picture:
    token = text_of(request, "timg:VideoSourceToken")
    for profile in context.layout.sources():
        if profile.listed_source == token:
            return context.optics.picture(profile.channel)
    raise Fault("Sender", ("ter:InvalidArgVal", "ter:NoSource"), "The requested video source does not exist")


def _get_settings(context: Context, request: Request) -> Element:
    answer = el("timg:ImagingSettings")
    for path, value in _wanted(context, request).settings.items():
        name, _, child = path.partition("/")
        parent = answer.find(f"{{*}}{name}")
        if not child:
            answer.append(el(f"tt:{name}", value))
        elif parent is None:
            answer.append(el(f"tt:{name}", el(f"tt:{child}", value)))
        else:
            parent.append(el(f"tt:{child}", value))
    return el("timg:GetImagingSettingsResponse", answer)


def _set_settings(context: Context, request: Request) -> Element:
    picture = _wanted(context, request)
    wanted = {}
    for setting in request.body.iterfind("{*}ImagingSettings/*"):
        name = etree.QName(setting).localname
        for part in setting:
            wanted[f"{name}/{etree.QName(part).localname}"] = (part.text or "").strip()
        if not len(setting):
            wanted[name] = (setting.text or "").strip()
    for path, value in wanted.items():
        if value not in _MODES.get(path, (value,)) or (path in _LEVELS and not 0 <= float(value) <= 100):
            raise Fault("Sender", ("ter:InvalidArgVal", "ter:SettingsInvalid"), "A setting is not valid")
    picture.settings.update({path: f"{float(v):g}" if path in _LEVELS else v for path, v in wanted.items()})
    picture.done.append(" ".join(("SetImagingSettings", *(f"{path}={value}" for path, value in wanted.items()))))
    return el("timg:SetImagingSettingsResponse")


def _span(tag: str, low: str, high: str) -> Element:
    return el(tag, el("tt:Min", low), el("tt:Max", high))


def _modes(path: str, tag: str) -> list[Element]:
    return [el(tag, mode) for mode in _MODES[path]]


def _get_options(context: Context, request: Request) -> Element:
    _wanted(context, request)
    wide = [*_modes("WideDynamicRange/Mode", "tt:Mode"), _span("tt:Level", "0", "100")]
    return el(
        "timg:GetOptionsResponse",
        el(
            "timg:ImagingOptions",
            el("tt:BacklightCompensation", *_modes("BacklightCompensation/Mode", "tt:Mode")),
            *(_span(f"tt:{name}", "0", "100") for name in ("Brightness", "ColorSaturation", "Contrast")),
            el("tt:Exposure", *_modes("Exposure/Mode", "tt:Mode")),
            el("tt:Focus", *_modes("Focus/AutoFocusMode", "tt:AutoFocusModes")),
            *_modes("IrCutFilter", "tt:IrCutFilterModes"),
            _span("tt:Sharpness", "0", "100"),
            el("tt:WideDynamicRange", *wide),
            el("tt:WhiteBalance", *_modes("WhiteBalance/Mode", "tt:Mode")),
        ),
    )


def _get_move_options(context: Context, request: Request) -> Element:
    _wanted(context, request)
    return el(
        "timg:GetMoveOptionsResponse",
        el(
            "timg:MoveOptions",
            el("tt:Absolute", _span("tt:Position", "0", "1"), _span("tt:Speed", "0", "1")),
            el("tt:Relative", _span("tt:Distance", "-1", "1"), _span("tt:Speed", "0", "1")),
            el("tt:Continuous", _span("tt:Speed", "-1", "1")),
        ),
    )


def _move(context: Context, request: Request) -> Element:
    picture = _wanted(context, request)
    now = picture.clock()
    for kind, name in (("Absolute", "Position"), ("Relative", "Distance"), ("Continuous", "Speed")):
        found = request.body.find(f"{{*}}Focus/{{*}}{kind}/{{*}}{name}")
        if found is None:
            continue
        value = float(found.text or "0")
        if kind == "Continuous":
            picture.focus.run(value, now, 3600.0)
        else:
            picture.focus.go(value if kind == "Absolute" else picture.focus.at(now) + value, now)
        picture.done.append(f"Move {kind}={value:g}")
    return el("timg:MoveResponse")


def _stop(context: Context, request: Request) -> Element:
    picture = _wanted(context, request)
    picture.focus.run(0.0, picture.clock(), 0.0)
    picture.done.append("Stop")
    return el("timg:StopResponse")


def _get_status(context: Context, request: Request) -> Element:
    picture = _wanted(context, request)
    now = picture.clock()
    status = el(
        "tt:FocusStatus20",
        el("tt:Position", f"{picture.focus.at(now):.4f}"),
        el("tt:MoveStatus", "MOVING" if picture.focus.moving(now) else "IDLE"),
    )
    return el("timg:GetStatusResponse", el("timg:Status", status))


def imaging_capabilities(_: Context) -> Element:
    return el("timg:Capabilities", ImageStabilization="false")


def _get_service_capabilities(context: Context, _: Request) -> Element:
    return el("timg:GetServiceCapabilitiesResponse", imaging_capabilities(context))


IMAGING: dict[str, Answer] = {
    "GetServiceCapabilities": _get_service_capabilities,
    "GetImagingSettings": _get_settings,
    "SetImagingSettings": _set_settings,
    "GetOptions": _get_options,
    "GetMoveOptions": _get_move_options,
    "Move": _move,
    "Stop": _stop,
    "GetStatus": _get_status,
}
