"""Notification messages of an NVR as plain data: pure. Odd ones give less, never an error.

Read from the XML itself: the usual client library loses a topic's namespace, and takes milliseconds for a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from proxyd.camera.events import Items
from proxyd.nvr.envelope import Element
from proxyd.onvif.namespaces import NOTIFICATION, SCHEMA, TOPICS

MAX_MESSAGES = 2000  # of one answer
MAX_ITEMS = 16
MAX_VALUE_CHARS = 256
_MAX_TOPIC_CHARS = 256
_MESSAGE = f"{{{NOTIFICATION}}}NotificationMessage"
LEVEL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class NvrEvent:
    """One message as the NVR said it. `topic` without prefix and only when it is one of ONVIF's tree, "" otherwise;
    `operation` "" when none was given; `at` on the NVR's clock."""

    topic: str
    source: Items
    data: Items
    operation: str = ""
    at: datetime | None = None

    @property
    def key(self) -> tuple[str, Items]:
        """What identifies a property: its topic and its source."""
        return self.topic, self.source


def parse_messages(body: Element) -> list[NvrEvent]:
    """All NotificationMessage elements below `body`, in their order; one within another is none, so that nothing is
    read twice."""
    found = []
    for number, notification in enumerate(body.iter(_MESSAGE)):
        if number >= MAX_MESSAGES:
            break
        if next(notification.iterancestors(_MESSAGE), None) is not None:
            continue
        message = next(notification.iter(f"{{{SCHEMA}}}Message"), None)
        if message is not None:
            found.append(_event(notification.find(f"{{{NOTIFICATION}}}Topic"), message))
    return found


def parse_instant(text: str | None) -> datetime | None:
    """An xs:dateTime; without a zone it is UTC. None for anything else."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _event(topic: Element | None, message: Element) -> NvrEvent:
    return NvrEvent(
        topic="" if topic is None else _topic(topic),
        # Key items identify a property as source items do (ONVIF Core section 9.5.1).
        source=tuple(islice(_items(message, "Source", "Key"), MAX_ITEMS)),
        data=tuple(islice(_items(message, "Data"), MAX_ITEMS)),
        operation=(message.get("PropertyOperation") or "").strip()[:16],
        at=parse_instant(message.get("UtcTime")),
    )


def _topic(element: Element) -> str:
    text = "".join((element.text or "").split())
    if len(text) > _MAX_TOPIC_CHARS:
        return ""
    prefix, colon, path = text.partition(":")
    if not colon:
        prefix, path = "", text
    namespace = element.nsmap.get(prefix or None)
    # Some declare no namespace at all for a prefix that everybody knows.
    if namespace != TOPICS and not (namespace is None and prefix in ("", "tns1")):
        return ""
    levels = [level.rpartition(":")[2] for level in path.split("/")]
    return "/".join(levels) if all(LEVEL.fullmatch(level) for level in levels) else ""


def _items(message: Element, *parts: str) -> Iterator[tuple[str, str]]:
    for part in parts:
        for item in message.iterfind(f"{{{SCHEMA}}}{part}/{{{SCHEMA}}}SimpleItem"):
            name, value = (item.get("Name") or "").strip(), (item.get("Value") or "").strip()
            if name and len(name) <= 64 and len(value) <= MAX_VALUE_CHARS and (name + value).isprintable():
                yield name, value
