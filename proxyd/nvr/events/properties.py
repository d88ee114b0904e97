"""Which events an NVR says it has (GetEventProperties), as the cameras' own topics: pure.

Only those that name a channel: the others could not be told apart. Motion every camera has anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from proxyd.camera.events import TopicSpec
from proxyd.nvr.envelope import Element, SoapCall
from proxyd.nvr.events.translate import topic_spec

MAX_TOPICS = 64
_MAX_DEPTH = 8
_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
_TOPICS = "http://www.onvif.org/ver10/topics"
_TOPIC_SET = "{http://docs.oasis-open.org/wsn/t-1}TopicSet"
_DESCRIPTION = "{http://www.onvif.org/ver10/schema}MessageDescription"
_ITEM = "{http://www.onvif.org/ver10/schema}SimpleItemDescription"
_LEVEL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def ask_properties(address: str) -> SoapCall:
    body = etree.Element(f"{{{_EVENTS}}}GetEventProperties", nsmap={"tev": _EVENTS})
    return SoapCall(address, f"{_EVENTS}/EventPortType/GetEventPropertiesRequest", body, addressed=False)


def parse_properties(answer: Element) -> tuple[TopicSpec, ...]:
    """The topics in the order in which the NVR lists them, each once."""
    tree = next(answer.iter(_TOPIC_SET), None)
    if tree is None:
        return ()
    found: dict[str, TopicSpec] = {}
    for topic, description in _described(tree, ()):
        source, data = (_items(description, part) for part in ("Source", "Data"))
        spec = topic_spec(topic, source, data, state=description.get("IsProperty") in ("true", "1"))
        if spec is not None and len(found) < MAX_TOPICS:
            found.setdefault(spec.topic, spec)
    return tuple(found.values())


def _described(element: Element, path: tuple[str, ...]) -> Iterator[tuple[str, Element]]:
    """(topic, its message description) for each topic below `element`."""
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child)
        if child.tag == _DESCRIPTION:
            yield "/".join(path), child
        elif len(path) < _MAX_DEPTH and _LEVEL.fullmatch(name.localname) and (path or name.namespace == _TOPICS):
            yield from _described(child, (*path, name.localname))


def _items(description: Element, part: str) -> dict[str, str]:
    items = description.iterfind(f"{{http://www.onvif.org/ver10/schema}}{part}/{_ITEM}")
    return {name: (item.get("Type") or "") for item in items if (name := item.get("Name"))}
