"""What the PTZ service of an NVR tells of a channel, as PtzFeatures. Pure.

Spaces that are not ONVIF's own are left out: their names belong to a vendor, and no recorder knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxyd.camera.features import MAX_PRESETS, PtzFeatures, PtzSpace, Span

from .numbers import is_true, items, mapping, seconds, span

OUR_LONGEST_S = 60.0  # nothing moves longer without being told so again
_SPACES_OF_ONVIF = "http://www.onvif.org/ver10/tptz/"
_MAX_SPACES = 8
_MAX_AUXILIARY = 32
# Our field → the space's name in tt:PTZSpaces, the default's name in tt:PTZConfiguration (with ONVIF's own spelling).
_KINDS: dict[str, tuple[str, str]] = {
    "absolute_pan_tilt": ("AbsolutePanTiltPositionSpace", "DefaultAbsolutePantTiltPositionSpace"),
    "absolute_zoom": ("AbsoluteZoomPositionSpace", "DefaultAbsoluteZoomPositionSpace"),
    "relative_pan_tilt": ("RelativePanTiltTranslationSpace", "DefaultRelativePanTiltTranslationSpace"),
    "relative_zoom": ("RelativeZoomTranslationSpace", "DefaultRelativeZoomTranslationSpace"),
    "continuous_pan_tilt": ("ContinuousPanTiltVelocitySpace", "DefaultContinuousPanTiltVelocitySpace"),
    "continuous_zoom": ("ContinuousZoomVelocitySpace", "DefaultContinuousZoomVelocitySpace"),
    "pan_tilt_speed": ("PanTiltSpeedSpace", ""),
    "zoom_speed": ("ZoomSpeedSpace", ""),
}


def by_token(answer: object, most: int = 256) -> dict[str, Mapping[str, Any]]:
    """A list of nodes or configurations by their tokens."""
    entries = (mapping(entry) for entry in items(answer, most))
    return {entry["token"]: entry for entry in entries if isinstance(entry.get("token"), str)}


def ptz_features(
    node: Mapping[str, Any], configuration: Mapping[str, Any], options: Mapping[str, Any], *, move_status: bool
) -> PtzFeatures | None:
    """From tt:PTZNode, tt:PTZConfiguration and tt:PTZConfigurationOptions, each {} where it was not told. None when
    there is no way to move."""
    spaces = {
        field: _spaces(kind, configuration.get(default), options.get("Spaces"), node.get("SupportedPTZSpaces"))
        for field, (kind, default) in _KINDS.items()
    }
    presets = node.get("MaximumNumberOfPresets")
    found = PtzFeatures(
        **spaces,
        timeout_s=_timeout(mapping(options.get("PTZTimeout"))),
        presets=min(max(presets, 0), MAX_PRESETS) if isinstance(presets, int) else 0,
        home=is_true(node.get("HomeSupported")),
        move_status=move_status,
        auxiliary=tuple(filter(None, map(_auxiliary, items(node.get("AuxiliaryCommands"), _MAX_AUXILIARY)))),
    )
    return found if found.presets or found.home or any(spaces.values()) else None


def tells_move_status(answer: object) -> bool:
    """From GetServiceCapabilities, whose MoveStatus is younger than the packaged WSDL, or from GetStatus itself."""
    told = mapping(answer)
    others = mapping(told.get("_attr_1"))
    return bool(mapping(told.get("MoveStatus"))) or is_true(told.get("MoveStatus") or others.get("MoveStatus"))


def _spaces(kind: str, default: object, *places: object) -> tuple[PtzSpace, ...]:
    """From the first place that tells any; the default comes first, as it is for requests that name none."""
    for place in places:
        found = [_space(mapping(raw)) for raw in items(mapping(place).get(kind), _MAX_SPACES)]
        known = {space.uri: space for space in found if space is not None}
        if known:
            return tuple(sorted(known.values(), key=lambda space: space.uri != default))
    return ()


def _space(raw: Mapping[str, Any]) -> PtzSpace | None:
    uri, x = str(raw.get("URI") or "").strip(), span(raw.get("XRange"))
    if not uri.startswith(_SPACES_OF_ONVIF) or len(uri) > 128 or x is None:
        return None
    return PtzSpace(uri, x, span(raw.get("YRange")) if "YRange" in raw else None)


def _timeout(raw: Mapping[str, Any]) -> Span:
    low, high = seconds(raw.get("Min")), seconds(raw.get("Max"))
    usual = PtzFeatures().timeout_s
    low = usual.low if low is None or not 0 < low <= OUR_LONGEST_S else low
    high = OUR_LONGEST_S if high is None or high < low else min(high, OUR_LONGEST_S)
    return Span(low, high)


def _auxiliary(value: object) -> str:
    text = str(value).strip()
    return text if len(text) <= 64 and text.isprintable() else ""
