"""What a subscriber wants to hear: topic and content expressions of one Filter element. Pure.

Messages must pass the topics and every content expression (WS-BaseNotification section 4.2). Several topic expressions
are alternatives: recorders that send two mean either, since no message has two topics.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from proxyd.camera.events import CameraEvent

from .content_filter import ITEM_FILTER, ContentFilter, parse_content
from .faults import SoapFault
from .namespaces import NOTIFICATION, clark
from .notification_faults import notification_fault
from .soap import RequestElement, SoapRequest, el
from .topic_filter import TopicFilter, TopicUnknown, UnknownDialect, parse_topics

MAX_EXPRESSIONS = 16


@dataclass(frozen=True, slots=True)
class EventFilter:
    topics: TopicFilter = field(default_factory=TopicFilter)
    contents: tuple[ContentFilter, ...] = ()

    def matches(self, event: CameraEvent) -> bool:
        return self.topics.matches(event.topic) and all(content.matches(event) for content in self.contents)


def read_filter(
    request: SoapRequest, element: RequestElement | None, roots: Iterable[str], now: datetime
) -> EventFilter:
    """`roots` are the first levels of this camera's topics. Raises the fault that WS-BaseNotification names."""
    expressions = [] if element is None else list(element)
    if len(expressions) > MAX_EXPRESSIONS:
        raise _invalid_filter(f"a filter may have {MAX_EXPRESSIONS} expressions", expressions[0], now)
    topics: list[TopicFilter] = []
    contents: list[ContentFilter] = []
    for expression in expressions:
        if expression.tag == clark("wsnt:TopicExpression"):
            topics.append(_topics(request, expression, roots, now))
        elif expression.tag == clark("wsnt:MessageContent"):
            contents.append(_content(request, expression, now))
        else:
            raise _invalid_filter("only TopicExpression and MessageContent can be filtered by", expression, now)
    return EventFilter(TopicFilter(tuple(path for one in topics for path in one.paths)), tuple(contents))


def _topics(request: SoapRequest, expression: RequestElement, roots: Iterable[str], now: datetime) -> TopicFilter:
    text = (expression.text or "").strip()
    try:
        return parse_topics(text, expression.get("Dialect"), request.prefixes(expression), roots)
    except UnknownDialect as error:
        raise notification_fault("TopicExpressionDialectUnknownFault", f"The filter is refused: {error}", now) from None
    except TopicUnknown as error:
        raise notification_fault("TopicNotSupportedFault", f"The filter is refused: {error}", now) from None
    except ValueError as error:
        raise notification_fault("InvalidTopicExpressionFault", f"The filter is refused: {error}", now) from None


def _content(request: SoapRequest, expression: RequestElement, now: datetime) -> ContentFilter:
    try:
        if expression.get("Dialect") not in (None, "", ITEM_FILTER):
            raise ValueError("only the content dialect ItemFilter is understood")
        return parse_content((expression.text or "").strip(), request.prefixes(expression))
    except ValueError as error:
        reason = f"The content filter is refused: {error}"
        raise notification_fault("InvalidMessageContentExpressionFault", reason, now) from None


def _invalid_filter(reason: str, unknown: RequestElement, now: datetime) -> SoapFault:
    namespace, _, name = unknown.tag.rpartition("}")
    known = namespace.removeprefix("{") == NOTIFICATION
    named = el("wsnt:UnknownFilter", f"wsnt:{name if known else 'Filter'}")
    return notification_fault("InvalidFilterFault", f"The filter is refused: {reason}", now, named)
