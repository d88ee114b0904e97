"""Events as the documents of a camera's metadata stream (ONVIF Streaming Specification section 5.1.2.1.1). Pure.

Messages are the bytes that subscribers get, too, so an event is written once however it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from .event_messages import PREFIXES_IN_MESSAGES, Message
from .namespaces import PREFIXES

MAX_EVENT_BYTES = 16 * 1024  # of a document with several; how a camera stands is told in as many as it takes
_GAP = etree.tostring(etree.ProcessingInstruction("messages"))


def _frame() -> tuple[bytes, bytes]:
    spaces = {prefix: PREFIXES[prefix] for prefix in PREFIXES_IN_MESSAGES}
    root = etree.Element(f"{{{PREFIXES['tt']}}}MetadataStream", nsmap=spaces)
    event = etree.SubElement(root, f"{{{PREFIXES['tt']}}}Event")
    event.append(etree.ProcessingInstruction("messages"))
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    before, _, after = document.partition(_GAP)
    return before, after


_BEFORE, _AFTER = _frame()


def event_documents(messages: Iterable[Message]) -> Iterator[bytes]:
    """Documents with all of them, in order; none for none."""
    parts: list[bytes] = []
    size = 0
    for message in messages:
        if parts and size + len(message.xml) > MAX_EVENT_BYTES:
            yield b"".join((_BEFORE, *parts, _AFTER))
            parts, size = [], 0
        parts.append(message.xml)
        size += len(message.xml)
    if parts:
        yield b"".join((_BEFORE, *parts, _AFTER))
