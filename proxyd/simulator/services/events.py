"""The Events service (event.wsdl, WS-BaseNotification): pull points that stay empty. Pure; the waiting of a
PullMessages is done by the caller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from proxyd.simulator.security import parse_created
from proxyd.simulator.services.context import Context
from proxyd.simulator.services.device import event_capabilities
from proxyd.simulator.soap import Element, Fault, Request, el, text_of

MAX_LIFETIME = timedelta(hours=1)
MAX_WAIT_S = 60.0
_DEFAULT_LIFETIME = timedelta(seconds=60)
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d+)?S)?)?")


@dataclass(slots=True)
class PullPoint:
    """`path` is where its address points; it dies at `until` on the device's clock unless renewed."""

    path: str
    until: datetime


class PullPoints:
    """The device's subscriptions: as many as the dialect allows, forgotten when they end or the device restarts."""

    def __init__(self) -> None:
        self._live: dict[str, PullPoint] = {}
        self._next_id = 1

    def __len__(self) -> int:
        return len(self._live)

    def find(self, path_and_query: str, now: datetime) -> PullPoint | None:
        self._expire(now)
        return self._live.get(path_and_query)

    def create(self, context: Context, until: datetime) -> PullPoint:
        """Raises the fault that an NVR gives when its few pull points are used up (with an empty reason)."""
        self._expire(context.now)
        if len(self._live) >= context.dialect.max_pull_points:
            raise Fault("Receiver", ("ter:Action", "ter:BlockedThreadUpperLimit"), "")
        path = context.dialect.paths.subscription.format(id=self._next_id)
        self._next_id += 1
        self._live[path] = PullPoint(path, until)
        return self._live[path]

    def remove(self, point: PullPoint) -> None:
        self._live.pop(point.path, None)

    def _expire(self, now: datetime) -> None:
        for path in [p for p, point in self._live.items() if point.until <= now]:
            del self._live[path]


def parse_duration(text: str) -> timedelta:
    """The part of xs:duration that clients use (days to seconds). Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None or text in ("P", "PT") or text.endswith("T"):
        raise ValueError(f"not a duration: {text!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def pull_wait_s(request: Request) -> float:
    """How long this PullMessages waits for an event. Raises Fault."""
    try:
        wanted = parse_duration(text_of(request, "tev:Timeout") or "PT60S")
    except ValueError:
        raise Fault("Sender", ("ter:InvalidArgVal",), "Timeout is not a duration") from None
    return min(wanted.total_seconds(), MAX_WAIT_S)


def answer_event(context: Context, request: Request, points: PullPoints, path_and_query: str) -> Element:
    """Answers one event operation at the event service or at a pull point. Raises Fault."""
    match request.operation:
        case "CreatePullPointSubscription":
            point = points.create(context, _until(context, text_of(request, "tev:InitialTerminationTime")))
            address = el("wsa:Address", context.xaddr(point.path))
            reference = el("tev:SubscriptionReference", address)
            return el("tev:CreatePullPointSubscriptionResponse", reference, *_times(context, point, "wsnt"))
        case "GetServiceCapabilities":
            return el("tev:GetServiceCapabilitiesResponse", event_capabilities(context))
        case "GetEventProperties":
            return _properties()
    known = points.find(path_and_query, context.now)
    if known is None:
        raise Fault("Sender", ("ter:InvalidArgVal",), "The subscription does not exist")
    match request.operation:
        case "PullMessages":
            return el("tev:PullMessagesResponse", *_times(context, known, "tev"))
        case "SetSynchronizationPoint":
            return el("tev:SetSynchronizationPointResponse")
        case "Renew":
            known.until = _until(context, text_of(request, "wsnt:TerminationTime"))
            return el("wsnt:RenewResponse", *reversed(_times(context, known, "wsnt")))
        case "Unsubscribe":
            points.remove(known)
            return el("wsnt:UnsubscribeResponse")
    raise Fault("Receiver", ("ter:ActionNotSupported",), "Optional Action Not Implemented")


def _until(context: Context, text: str | None) -> datetime:
    """The end of life that a client asks for: a duration or a moment on the device's clock."""
    if not text:
        return context.now + _DEFAULT_LIFETIME
    try:
        until = context.now + parse_duration(text) if text.startswith("P") else parse_created(text)
    except (ValueError, OverflowError):
        raise Fault("Sender", ("ter:InvalidArgVal",), "Termination time cannot be read") from None
    return min(until, context.now + MAX_LIFETIME)


def _times(context: Context, point: PullPoint, prefix: str) -> list[Element]:
    return [
        el(f"{prefix}:CurrentTime", _stamp(context.now)),
        el(f"{prefix}:TerminationTime", _stamp(point.until)),
    ]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _properties() -> Element:
    base = "http://www.onvif.org/ver10"
    motion = el("tns1:VideoSource", el("tns1:MotionAlarm"))
    return el(
        "tev:GetEventPropertiesResponse",
        el("tev:TopicNamespaceLocation", f"{base}/topics/topicns.xml"),
        el("wsnt:FixedTopicSet", "true"),
        el("wstop:TopicSet", motion),
        el("wsnt:TopicExpressionDialect", f"{base}/tev/topicExpression/ConcreteSet"),
        el("tev:MessageContentFilterDialect", f"{base}/tev/messageContentFilter/ItemFilter"),
        el("tev:MessageContentSchemaLocation", f"{base}/schema/onvif.xsd"),
    )
