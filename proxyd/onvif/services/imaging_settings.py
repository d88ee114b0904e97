"""Picture settings between the schema, the recorder and the NVR. Pure.

Only what the camera offers goes either way: settings by path (camera/imaging.py), numbers within their range, choices
out of their list. What an NVR answers besides that is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from proxyd.camera.features import ImagingFeatures, Span
from proxyd.camera.imaging import FOCUS_MOVES, MODES, SETTINGS, option_path

from ..faults import SoapFault, invalid_value
from ..namespaces import PREFIXES, clark
from ..soap import Element, RequestElement, el
from . import configurations as conf

_LEADERS = ("Mode", "AutoFocusMode")  # without which their siblings mean nothing, and are not valid


def settings_element(name: str, imaging: ImagingFeatures, raw: object) -> Element:
    """tt:ImagingSettings20 out of the NVR's answer."""
    told = raw if isinstance(raw, Mapping) else {}
    parts: list[Element | None] = []
    for parent, children in SETTINGS:
        if children:
            values = told.get(parent)
            parts.append(_group(imaging, parent, children, values if isinstance(values, Mapping) else {}))
        else:
            parts.append(_value(imaging, parent, f"tt:{parent}", told.get(parent)))
    return el(name, *parts)


def _group(
    imaging: ImagingFeatures, parent: str, children: tuple[str, ...], values: Mapping[str, Any]
) -> Element | None:
    made = [_value(imaging, f"{parent}/{child}", f"tt:{child}", values.get(child)) for child in children]
    # The first child is the leader of every group.
    return el(f"tt:{parent}", *made) if made[0] is not None else None


def _value(imaging: ImagingFeatures, path: str, name: str, raw: object) -> Element | None:
    if path in MODES:
        return el(name, str(raw)) if raw in dict(imaging.modes).get(path, ()) else None
    number = _number(raw)
    return el(name, conf.number(number)) if path in dict(imaging.levels) and number is not None else None


def read_settings(imaging: ImagingFeatures, body: RequestElement) -> dict[str, Any]:
    """What a SetImagingSettings request wants, for the NVR. Raises SettingsInvalid."""
    wanted: dict[str, Any] = {}
    found = body.find(clark("timg:ImagingSettings"))
    for part in () if found is None else found:
        parent = _local(part)
        if len(part) == 0:
            wanted[parent] = _checked(imaging, parent, part)
            continue
        values = {_local(child): _checked(imaging, f"{parent}/{_local(child)}", child) for child in part}
        if not any(leader in values for leader in _LEADERS):
            raise _invalid(f"{parent[:32]} needs its mode, too")
        wanted[parent] = values
    if not wanted:
        raise _invalid("there is no setting in the request")
    return wanted


def _checked(imaging: ImagingFeatures, path: str, element: RequestElement) -> str | float:
    text = (element.text or "").strip()
    if path in (modes := dict(imaging.modes)):
        if text not in modes[path]:
            raise _invalid(f"{path} is {' or '.join(modes[path])}")
        return text
    levels = dict(imaging.levels)
    if path not in levels or len(element):
        raise _invalid(f"{path[:64]} cannot be set here")
    return bounded(path, text, levels[path])


def bounded(what: str, text: str, span: Span) -> float:
    """Raises SettingsInvalid."""
    number = _number(text)
    if number is None or not span.low <= number <= span.high:
        raise _invalid(f"{what} is a number from {conf.number(span.low)} to {conf.number(span.high)}")
    return number


def options_element(name: str, imaging: ImagingFeatures) -> Element:
    """tt:ImagingOptions20."""
    parts: list[Element] = []
    for parent, children in SETTINGS:
        if not children:
            parts += _option(imaging, parent, option_path(parent))
            continue
        made = [_option(imaging, f"{parent}/{child}", _last(option_path(f"{parent}/{child}"))) for child in children]
        if made[0] or parent == "Focus":  # whose modes are optional in the schema
            inner = [element for elements in made for element in elements]
            parts += [el(f"tt:{parent}", *inner)] if inner else []
    return el(name, *parts)


def _option(imaging: ImagingFeatures, path: str, name: str) -> list[Element]:
    if path in MODES:
        return [el(f"tt:{name}", mode) for mode in dict(imaging.modes).get(path, ())]
    span = dict(imaging.levels).get(path)
    return [] if span is None else [conf.float_range(f"tt:{name}", span)]


def move_options_element(name: str, imaging: ImagingFeatures) -> Element:
    """tt:MoveOptions20."""
    spans = dict(imaging.focus_move)
    return el(
        name,
        *(
            el(
                f"tt:{kind}",
                conf.float_range(f"tt:{value}", spans[kind]),
                conf.float_range("tt:Speed", spans[f"{kind}/Speed"]) if f"{kind}/Speed" in spans else None,
            )
            for kind, value in FOCUS_MOVES
            if kind in spans
        ),
    )


def _number(raw: object) -> float | None:
    try:
        number = float(str(raw))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _local(element: RequestElement) -> str:
    """The name of an element of the schema; any other is none that we know."""
    return element.tag.removeprefix(f"{{{PREFIXES['tt']}}}")


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _invalid(reason: str) -> SoapFault:
    return invalid_value(f"The settings are not valid: {reason}", "ter:SettingsInvalid")
