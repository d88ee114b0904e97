"""What an NVR's metadata track says of objects and of where a camera looks, written anew. Pure.

Only numbers, truth values and words of lists pass (contract 2): names, tokens, sources, pictures, number plates and
whatever a vendor adds stay behind, and so do its events, which the event pump brings. Times are ours: of the NVR's
clock only spans are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from lxml import etree

from proxyd.nvr.events.parse import parse_instant
from proxyd.onvif.durations import format_instant
from proxyd.onvif.namespaces import PREFIXES, SCHEMA, clark
from proxyd.onvif.soap import Element, RequestElement, SoapSyntaxError, el, parse_document

MAX_FRAMES = 32  # of one document
MAX_OBJECTS = 64  # of one frame
MAX_POINTS = 32  # of one outline
_MAX_CANDIDATES = 4
_MAX_NUMBER = 1e9
_LONGEST_AGO_S = 10.0
# tt:ObjectType and tt:VehicleType, with what devices write instead.
_CLASSES = {
    name.lower(): name
    for name in (
        *("Animal", "HumanFace", "Human", "Bicycle", "Vehicle", "LicensePlate", "Bike", "Barcode", "Fire", "Smoke"),
        *("Bus", "Car", "Truck", "Motorcycle", "Face", "Person", "Other", "Dog", "Cat", "Bag", "Head"),
    )
} | {"vehical": "Vehicle"}
# tt:ClassType, the older way; "Vehical" is how the schema spells it.
_CANDIDATES = {
    "Animal": "Animal",
    "Face": "Face",
    "HumanFace": "Face",
    "Human": "Human",
    "Person": "Human",
} | dict.fromkeys(("Vehicle", "Car", "Bus", "Truck", "Motorcycle", "Bicycle", "Bike"), "Vehical")
_MOVES = ("IDLE", "MOVING", "UNKNOWN")
_MOVE_WORDS = {word.lower(): word for word in _MOVES}


def rewritten(document: bytes, now: datetime, *, moves: bool) -> bytes:
    """The same objects and positions in a document of ours, b"" when it has none or cannot be read. `moves`: recorders
    know that the camera is movable."""
    try:
        root = parse_document(document)
    except SoapSyntaxError:
        return b""
    if root.tag != clark("tt:MetadataStream"):
        return b""
    frames = root.findall(f"{clark('tt:VideoAnalytics')}/{clark('tt:Frame')}")[:MAX_FRAMES]
    states = root.findall(f"{clark('tt:PTZ')}/{clark('tt:PTZStatus')}")[:MAX_FRAMES] if moves else []
    times = _Times([frame.get("UtcTime") for frame in frames] + [_utc_time(state) for state in states], now)
    analytics = [_frame(frame, times, moves) for frame in frames]
    positions = [_ptz_status(state, times) for state in states]
    if not analytics and not positions:
        return b""
    made = etree.Element(clark("tt:MetadataStream"), nsmap={"tt": PREFIXES["tt"]})
    if analytics:
        made.append(el("tt:VideoAnalytics", *analytics))
    if positions:
        made.append(el("tt:PTZ", *positions))
    etree.cleanup_namespaces(made, top_nsmap={"tt": SCHEMA})
    written: bytes = etree.tostring(made, xml_declaration=True, encoding="UTF-8")
    return written


class _Times:
    """The NVR's times as ours: its newest is now, the others are as long before it as the NVR says, within reason."""

    def __init__(self, told: list[str | None], now: datetime) -> None:
        self._now = now
        self._newest = max((at for text in told if (at := parse_instant(text)) is not None), default=None)

    def ours(self, text: str | None) -> str:
        at = parse_instant(text)
        ago_s = 0.0
        if at is not None and self._newest is not None:
            ago_s = min((self._newest - at).total_seconds(), _LONGEST_AGO_S)
        return format_instant(self._now - timedelta(seconds=ago_s))


def _frame(frame: RequestElement, times: _Times, moves: bool) -> Element:
    status = frame.find(clark("tt:PTZStatus")) if moves else None
    objects = (_object(one) for one in frame.findall(clark("tt:Object"))[:MAX_OBJECTS])
    return el(
        "tt:Frame",
        None if status is None else _ptz_status(status, times),
        _transformation(frame),
        *(one for one in objects if one is not None),
        UtcTime=times.ours(frame.get("UtcTime")),
    )


def _object(one: RequestElement) -> Element | None:
    number = _whole(one.get("ObjectId"))
    if number is None:
        return None
    made = el("tt:Object", _appearance(one), _behaviour(one), ObjectId=number)
    if (parent := _whole(one.get("Parent"))) is not None:
        made.set("Parent", parent)
    return made


def _appearance(one: RequestElement) -> Element | None:
    appearance = one.find(clark("tt:Appearance"))
    if appearance is None:
        return None
    parts = [_transformation(appearance), _shape(appearance), _class(appearance)]
    return el("tt:Appearance", *parts) if any(part is not None for part in parts) else None


def _transformation(parent: RequestElement) -> Element | None:
    found = parent.find(clark("tt:Transformation"))
    if found is None:
        return None
    parts = [_vector(found, name, ("x", "y")) for name in ("tt:Translate", "tt:Scale")]
    return el("tt:Transformation", *parts) if any(part is not None for part in parts) else None


def _shape(appearance: RequestElement) -> Element | None:
    """A box needs its centre, which some devices leave out."""
    shape = appearance.find(clark("tt:Shape"))
    box = None if shape is None else _vector(shape, "tt:BoundingBox", ("left", "top", "right", "bottom"))
    if shape is None or box is None:
        return None
    centre = _vector(shape, "tt:CenterOfGravity", ("x", "y"))
    if centre is None:
        left, top, right, bottom = (float(box.get(side, "0")) for side in ("left", "top", "right", "bottom"))
        centre = el("tt:CenterOfGravity", x=_written((left + right) / 2), y=_written((top + bottom) / 2))
    return el("tt:Shape", box, centre, *_outline(shape))


def _outline(shape: RequestElement) -> Iterator[Element]:
    polygon = shape.find(clark("tt:Polygon"))
    if polygon is None:
        return
    wanted = polygon.findall(clark("tt:Point"))
    points = [point for one in wanted[:MAX_POINTS] if (point := _coordinates(one, "tt:Point", ("x", "y"))) is not None]
    if 3 <= len(points) == len(wanted):
        yield el("tt:Polygon", *points)


def _class(appearance: RequestElement) -> Element | None:
    """Both ways of saying it, older recorders know only the first."""
    found = appearance.find(clark("tt:Class"))
    if found is None:
        return None
    told: dict[str, str] = {}
    for kind in found.findall(clark("tt:Type"))[:_MAX_CANDIDATES]:
        told.setdefault(_class_name(kind.text), _likelihood(kind.get("Likelihood")))
    for candidate in found.findall(clark("tt:ClassCandidate"))[:_MAX_CANDIDATES]:
        name, likely = candidate.findtext(clark("tt:Type")), candidate.findtext(clark("tt:Likelihood"))
        told.setdefault(_class_name(name), _likelihood(likely))
    if not told:
        return None
    candidates: dict[str, str] = {}
    for name, likely in told.items():
        candidates.setdefault(_CANDIDATES.get(name, "Other"), likely)
    return el(
        "tt:Class",
        *(
            el("tt:ClassCandidate", el("tt:Type", name), el("tt:Likelihood", likely))
            for name, likely in candidates.items()
        ),
        *(el("tt:Type", name, Likelihood=likely) for name, likely in told.items()),
    )


def _class_name(text: str | None) -> str:
    return _CLASSES.get((text or "").strip().lower(), "Other")


def _behaviour(one: RequestElement) -> Element | None:
    behaviour = one.find(clark("tt:Behaviour"))
    if behaviour is None:
        return None
    removed, idle = (behaviour.find(clark(f"tt:{name}")) is not None for name in ("Removed", "Idle"))
    speed = _number(behaviour.findtext(clark("tt:Speed")))
    if not (removed or idle or speed is not None):
        return None
    return el(
        "tt:Behaviour",
        el("tt:Removed") if removed else None,
        el("tt:Idle") if idle else None,
        None if speed is None else el("tt:Speed", _written(speed)),
    )


def _ptz_status(status: RequestElement, times: _Times) -> Element:
    """Positions in the default spaces, which is what no `space` means."""
    return el(
        "tt:PTZStatus",
        _parts("tt:Position", status.find(clark("tt:Position")), _place),
        _parts("tt:MoveStatus", status.find(clark("tt:MoveStatus")), _move),
        el("tt:UtcTime", times.ours(_utc_time(status))),
    )


def _parts(
    name: str, found: RequestElement | None, make: Callable[[RequestElement, str], Element | None]
) -> Element | None:
    if found is None:
        return None
    parts = [make(found, part) for part in ("tt:PanTilt", "tt:Zoom")]
    return el(name, *parts) if any(part is not None for part in parts) else None


def _place(found: RequestElement, name: str) -> Element | None:
    return _vector(found, name, ("x", "y") if name == "tt:PanTilt" else ("x",))


def _move(found: RequestElement, name: str) -> Element | None:
    word = _MOVE_WORDS.get((found.findtext(clark(name)) or "").strip().lower())
    return None if word is None else el(name, word)


def _utc_time(status: RequestElement) -> str | None:
    return status.findtext(clark("tt:UtcTime"))


# Values -------------------------------------------------------------------------------------------------------


def _vector(parent: RequestElement, name: str, coordinates: tuple[str, ...]) -> Element | None:
    found = parent.find(clark(name))
    return None if found is None else _coordinates(found, name, coordinates)


def _coordinates(found: RequestElement, name: str, coordinates: tuple[str, ...]) -> Element | None:
    """None unless all of them are numbers."""
    values = {coordinate: _number(found.get(coordinate)) for coordinate in coordinates}
    told = {coordinate: _written(value) for coordinate, value in values.items() if value is not None}
    return el(name, **told) if len(told) == len(coordinates) else None


def _number(text: str | None) -> float | None:
    try:
        value = float((text or "")[:32])
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= _MAX_NUMBER else None


def _written(value: float) -> str:
    return f"{value:.7g}"


def _likelihood(text: str | None) -> str:
    value = _number(text)
    return _written(min(max(value, 0.0), 1.0)) if value is not None else "1"


def _whole(text: str | None) -> str | None:
    stripped = (text or "").strip()
    return str(int(stripped)) if stripped.isascii() and stripped.isdigit() and len(stripped) <= 10 else None
