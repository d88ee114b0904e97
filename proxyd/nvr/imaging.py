"""What the Imaging service of an NVR tells of a channel, as ImagingFeatures. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxyd.camera.features import ImagingFeatures, Span
from proxyd.camera.imaging import FOCUS_MOVES, MODES, PATHS, option_path

from .numbers import items, mapping, span


def imaging_features(options: Mapping[str, Any], moves: Mapping[str, Any]) -> ImagingFeatures | None:
    """From tt:ImagingOptions20 and tt:MoveOptions20, {} where it was not told. None when nothing can be set."""
    levels: list[tuple[str, Span]] = []
    modes: list[tuple[str, tuple[str, ...]]] = []
    for path in PATHS:
        told = _at(options, option_path(path))
        if path in MODES:
            offered = tuple(mode for mode in MODES[path] if mode in items(told, 16))
            if offered:
                modes.append((path, offered))
        elif (found := span(told)) is not None:
            levels.append((path, found))
    focus = []
    for kind, name in FOCUS_MOVES:
        if (found := span(_at(moves, f"{kind}/{name}"))) is None:
            continue
        focus.append((kind, found))
        if kind != "Continuous" and (speed := span(_at(moves, f"{kind}/Speed"))) is not None:
            focus.append((f"{kind}/Speed", speed))
    if not levels and not modes and not focus:
        return None
    return ImagingFeatures(tuple(levels), tuple(modes), tuple(focus))


def _at(raw: Mapping[str, Any], path: str) -> Any:
    parent, _, child = path.partition("/")
    return mapping(raw.get(parent)).get(child) if child else raw.get(parent)
