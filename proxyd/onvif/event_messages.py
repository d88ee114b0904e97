"""Events as ONVIF messages (Core section 9.4.1), each written once however many subscribers there are. Pure.

A message is bytes that fit into every document of ours, because those declare our prefixes at the top: they are put
where a processing instruction stands. Text cannot hold one, since a `<` of text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lxml import etree

from proxyd.camera.events import CameraEvent, Items

from .durations import format_instant
from .namespaces import PREFIXES
from .soap import Element, el, envelope
from .topic_filter import CONCRETE_SET

PREFIXES_IN_MESSAGES = ("wsnt", "tt", "tns1")
_NOTIFY = "http://docs.oasis-open.org/wsn/bw-2/NotificationConsumer/Notify"
_GAP = etree.tostring(etree.ProcessingInstruction("messages"))
_SPACES = {prefix: PREFIXES[prefix] for prefix in PREFIXES_IN_MESSAGES}


class Message:
    """One event on its way to subscribers; `xml` is made when the first of them takes it."""

    __slots__ = ("_xml", "event")

    def __init__(self, event: CameraEvent) -> None:
        self.event = event
        self._xml: bytes | None = None

    @property
    def key(self) -> tuple[str, Items]:
        """What a state is the state of."""
        return self.event.topic, self.event.source

    @property
    def xml(self) -> bytes:
        if self._xml is None:
            self._xml = _inner_bytes(notification_message(self.event))
        return self._xml


def initialized(event: CameraEvent) -> Message:
    """The present value of a state, as the first messages of a subscription tell it."""
    return Message(replace(event, operation="Initialized"))


def notification_message(event: CameraEvent) -> Element:
    return el(
        "wsnt:NotificationMessage",
        el("wsnt:Topic", _topic(event.topic), Dialect=CONCRETE_SET),
        el("wsnt:Message", _message(event)),
    )


def _topic(topic: str) -> str:
    """Only the prefix of the root is declared in the document."""
    return "tns1:" + "/".join(level.rpartition(":")[2] for level in topic.split("/"))


def _message(event: CameraEvent) -> Element:
    def items(name: str, pairs: Items) -> Element:
        return el(name, *(el("tt:SimpleItem", Name=key, Value=value) for key, value in pairs))

    message = el(
        "tt:Message",
        items("tt:Source", event.source),
        items("tt:Data", event.data),
        UtcTime=format_instant(event.at),
    )
    if event.state:  # only properties have an operation
        message.set("PropertyOperation", event.operation)
    return message


def _inner_bytes(element: Element) -> bytes:
    """Without declarations: those are on the document that it is put into."""
    outer = etree.Element("m", nsmap=_SPACES)
    outer.append(element)
    etree.cleanup_namespaces(outer, top_nsmap=_SPACES, keep_ns_prefixes=list(_SPACES))
    document: bytes = etree.tostring(outer)
    return document[document.index(b">") + 1 : -len(b"</m>")]


def notify_document(consumer: str, message_id: str, messages: Iterable[Message]) -> bytes:
    """A Notify to the consumer at that URL (WS-BaseNotification section 3.2)."""
    header = [
        el("wsa:Action", _NOTIFY),
        el("wsa:MessageID", message_id),
        el("wsa:To", consumer),
    ]
    body = el("wsnt:Notify", etree.ProcessingInstruction("messages"))
    before, _, after = envelope(body, header=header, text_prefixes=PREFIXES_IN_MESSAGES).partition(_GAP)
    return b"".join((before, *(message.xml for message in messages), after))
