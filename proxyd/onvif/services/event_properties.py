"""GetEventProperties: which events there are, and what is in them (ONVIF Core section 9.8). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from proxyd.camera.events import Items, TopicSpec
from proxyd.camera.spec import CameraSpec

from ..content_filter import ITEM_FILTER
from ..motion import MOTION_TOPICS
from ..namespaces import clark
from ..soap import Element, el
from ..topic_filter import CONCRETE, CONCRETE_SET
from .operation import Context

MAX_TOPICS = 128
_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_KNOWN_TYPES = ("xsd:", "tt:")  # their prefixes are declared in the answer
_TREE = dict[str, "_Branch"]


class _Branch:
    """One level of the tree; `spec` when it is a topic itself."""

    def __init__(self) -> None:
        self.spec: TopicSpec | None = None
        self.below: _TREE = {}


def topics_of(spec: CameraSpec) -> tuple[TopicSpec, ...]:
    """Motion, and what the NVR has for this channel; each once, without those that cannot be written as XML."""
    named = (topic for topic in spec.features.topics[:MAX_TOPICS] if all(map(_NAME.fullmatch, _levels(topic))))
    by_name = {topic.topic: topic for topic in (*named, *MOTION_TOPICS)}
    return tuple(by_name[name] for name in sorted(by_name))


def topic_roots(spec: CameraSpec) -> frozenset[str]:
    """Names of the first levels."""
    return frozenset(_levels(topic)[0] for topic in topics_of(spec))


def get_event_properties(ctx: Context) -> Element:
    return el(
        "tev:GetEventPropertiesResponse",
        el("tev:TopicNamespaceLocation", "http://www.onvif.org/onvif/ver10/topics/topicns.xml"),
        el("wsnt:FixedTopicSet", "true"),
        _topic_set(topics_of(ctx.spec)),
        el("wsnt:TopicExpressionDialect", CONCRETE_SET),
        el("wsnt:TopicExpressionDialect", CONCRETE),
        el("tev:MessageContentFilterDialect", ITEM_FILTER),
        el("tev:MessageContentSchemaLocation", "http://www.onvif.org/onvif/ver10/schema/onvif.xsd"),
    )


def _topic_set(topics: Iterable[TopicSpec]) -> Element:
    root = _Branch()
    for topic in topics:
        branch = root
        for level in _levels(topic):
            branch = branch.below.setdefault(level, _Branch())
        branch.spec = topic
    return el("wstop:TopicSet", *(_element(f"tns1:{name}", branch) for name, branch in root.below.items()))


def _levels(topic: TopicSpec) -> list[str]:
    return [level.rpartition(":")[2] for level in topic.topic.split("/")]


def _element(name: str, branch: _Branch) -> Element:
    """Only the root has a namespace, as in ONVIF's own topics."""
    description = None if branch.spec is None else _description(branch.spec)
    element = el(name, description, *(_element(inner, one) for inner, one in branch.below.items()))
    if branch.spec is not None:
        element.set(clark("wstop:topic"), "true")
    return element


def _description(topic: TopicSpec) -> Element:
    def items(name: str, pairs: Items) -> Element:
        return el(name, *(el("tt:SimpleItemDescription", Name=key, Type=_type(kind)) for key, kind in pairs))

    return el(
        "tt:MessageDescription",
        items("tt:Source", topic.source),
        items("tt:Data", topic.data),
        IsProperty="true" if topic.state else "false",
    )


def _type(name: str) -> str:
    return name if name.startswith(_KNOWN_TYPES) else "xsd:string"
