"""Which events an NVR says it has (GetEventProperties), as the cameras' own topics: pure.

Only those that name a channel: the others could not be told apart. Motion every camera has anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from proxyd.camera.events import TopicSpec
from proxyd.nvr.envelope import Element, SoapCall
from proxyd.nvr.events.parse import LEVEL
from proxyd.nvr.events.translate import topic_spec
from proxyd.onvif.namespaces import EVENTS, TOPICS, clark

MAX_TOPICS = 64
_MAX_DEPTH = 8
_TOPIC_SET = clark("wstop:TopicSet")
_DESCRIPTION = clark("tt:MessageDescription")
_ITEM = clark("tt:SimpleItemDescription")


def ask_properties(address: str) -> SoapCall:
    body = etree.Element(f"{{{EVENTS}}}GetEventProperties", nsmap={"tev": EVENTS})
    return SoapCall(address, f"{EVENTS}/EventPortType/GetEventPropertiesRequest", body, addressed=False)


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
        elif len(path) < _MAX_DEPTH and LEVEL.fullmatch(name.localname) and (path or name.namespace == TOPICS):
            yield from _described(child, (*path, name.localname))


def _items(description: Element, part: str) -> dict[str, str]:
    items = description.iterfind(f"{clark(f'tt:{part}')}/{_ITEM}")
    return {name: (item.get("Type") or "") for item in items if (name := item.get("Name"))}
