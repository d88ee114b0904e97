"""The Events service (event.wsdl, WS-BaseNotification): pull points and Basic Notification. Pure; the waiting of a
PullMessages and the sending of notifications are done by the caller.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from lxml import etree

from proxyd.simulator.event_forms import VENDOR_NAMESPACE, EventForm
from proxyd.simulator.happenings import Happenings, Message, forms_of
from proxyd.simulator.security import parse_created
from proxyd.simulator.services.context import Context
from proxyd.simulator.services.device import event_capabilities
from proxyd.simulator.services.subscriptions import Subscription, Subscriptions
from proxyd.simulator.soap import NAMESPACES, Element, Fault, Request, clark, el, text_of

MAX_LIFETIME = timedelta(hours=1)
MAX_WAIT_S = 60.0
MAX_MESSAGES = 1000
_DEFAULT_LIFETIME = timedelta(seconds=60)
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d+)?S)?)?")
_CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
_XSD = "http://www.w3.org/2001/XMLSchema"


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


def answer_event(
    context: Context, request: Request, subscriptions: Subscriptions, happenings: Happenings, path_and_query: str
) -> Element:
    """Answers one event operation at the event service or at a subscription. Raises Fault."""
    match request.operation:
        case "CreatePullPointSubscription" if context.faults.notify_only:
            raise _not_implemented()
        case "CreatePullPointSubscription":
            until = _until(context, text_of(request, "tev:InitialTerminationTime"))
            made = subscriptions.create(context, until)
            made.add(happenings.present(context.layout, context.faults, context.now))
            reference = el("tev:SubscriptionReference", _address(context, made))
            return el("tev:CreatePullPointSubscriptionResponse", reference, *_times(context, made, "wsnt"))
        case "Subscribe":
            consumer = "".join(e.text or "" for e in request.body.iter(clark("wsa:Address"))).strip()
            if not consumer.startswith("http://"):
                raise Fault("Sender", ("ter:InvalidArgVal",), "No consumer to notify")
            until = _until(context, text_of(request, "wsnt:InitialTerminationTime"))
            made = subscriptions.create(context, until, consumer)
            made.add(happenings.present(context.layout, context.faults, context.now))
            reference = el("wsnt:SubscriptionReference", _address(context, made))
            return el("wsnt:SubscribeResponse", reference, *_times(context, made, "wsnt"))
        case "GetServiceCapabilities":
            return el("tev:GetServiceCapabilitiesResponse", event_capabilities(context))
        case "GetEventProperties":
            return _properties(forms_of(context.layout))
    known = subscriptions.find(path_and_query, context.now)
    if known is None:
        raise Fault("Sender", ("ter:InvalidArgVal",), "The subscription does not exist")
    match request.operation:
        case "PullMessages" if not known.consumer:
            return _pulled(context, request, known)
        case "SetSynchronizationPoint":
            known.add(happenings.present(context.layout, context.faults, context.now))
            return el("tev:SetSynchronizationPointResponse")
        case "Renew" if not context.faults.no_renew:
            known.until = _until(context, text_of(request, "wsnt:TerminationTime"))
            return el("wsnt:RenewResponse", *reversed(_times(context, known, "wsnt")))
        case "Unsubscribe":
            subscriptions.remove(known)
            return el("wsnt:UnsubscribeResponse")
    raise _not_implemented()


def _not_implemented() -> Fault:
    return Fault("Receiver", ("ter:ActionNotSupported",), "Optional Action Not Implemented")


def notify(messages: list[Message]) -> Element:
    """The body of a Notify request to a consumer."""
    return el("wsnt:Notify", *(_notification(message) for message in messages))


def _pulled(context: Context, request: Request, point: Subscription) -> Element:
    limit = text_of(request, "tev:MessageLimit") or ""
    messages = point.take(min(int(limit), MAX_MESSAGES) if limit.isdigit() else MAX_MESSAGES)
    return el(
        "tev:PullMessagesResponse", *_times(context, point, "tev"), *(_notification(message) for message in messages)
    )


def _notification(message: Message) -> Element:
    def items(name: str, pairs: tuple[tuple[str, str], ...]) -> Element:
        return el(name, *(el("tt:SimpleItem", Name=key, Value=value) for key, value in pairs))

    operation = {"PropertyOperation": message.operation} if message.operation else {}
    topic = el("wsnt:Topic", message.topic, Dialect=_CONCRETE_SET)
    if message.topic.startswith("ven:"):
        topic = etree.Element(topic.tag, {"Dialect": _CONCRETE_SET}, nsmap={"ven": VENDOR_NAMESPACE})
        topic.text = message.topic
    return el(
        "wsnt:NotificationMessage",
        topic,
        el(
            "wsnt:Message",
            el(
                "tt:Message",
                items("tt:Source", message.source) if message.source else None,
                items("tt:Data", message.data),
                UtcTime=message.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{message.at.microsecond // 1000:03d}Z",
                **operation,
            ),
        ),
    )


def _until(context: Context, text: str | None) -> datetime:
    """The end of life that a client asks for: a duration or a moment on the device's clock."""
    longest = context.now + (timedelta(seconds=context.faults.subscription_s) or MAX_LIFETIME)
    if not text:
        return min(context.now + _DEFAULT_LIFETIME, longest)
    try:
        until = context.now + parse_duration(text) if text.startswith("P") else parse_created(text)
    except (ValueError, OverflowError):
        raise Fault("Sender", ("ter:InvalidArgVal",), "Termination time cannot be read") from None
    return min(until, longest)


def _address(context: Context, subscription: Subscription) -> Element:
    host = context.faults.subscription_host
    address = f"http://{host}:{context.port}{subscription.path}" if host else context.xaddr(subscription.path)
    return el("wsa:Address", address)


def _times(context: Context, subscription: Subscription, prefix: str) -> list[Element]:
    return [
        el(f"{prefix}:CurrentTime", _stamp(context.now)),
        el(f"{prefix}:TerminationTime", _stamp(subscription.until)),
    ]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _properties(forms: tuple[EventForm, ...]) -> Element:
    base = "http://www.onvif.org/ver10"
    return el(
        "tev:GetEventPropertiesResponse",
        el("tev:TopicNamespaceLocation", f"{base}/topics/topicns.xml"),
        el("wsnt:FixedTopicSet", "true"),
        _topic_set(forms),
        el("wsnt:TopicExpressionDialect", _CONCRETE_SET),
        el("tev:MessageContentFilterDialect", f"{base}/tev/messageContentFilter/ItemFilter"),
        el("tev:MessageContentSchemaLocation", f"{base}/schema/onvif.xsd"),
    )


def _topic_set(forms: tuple[EventForm, ...]) -> Element:
    """The tree of all topics (WS-Topics section 8.3): only its roots carry a namespace."""
    # The types of items are QNames: their prefixes must mean something here.
    tree = etree.Element(clark("wstop:TopicSet"), nsmap={"wstop": NAMESPACES["wstop"], "xsd": _XSD})
    for form in forms:
        prefix, _, path = form.topic.replace("{ch}", "1").partition(":")
        namespace = {"tns1": NAMESPACES["tns1"], "ven": VENDOR_NAMESPACE}[prefix]
        parent = tree
        for level, name in enumerate(path.split("/")):
            tag = name if level else f"{{{namespace}}}{name}"
            found = parent.find(tag)
            if found is None:
                found = etree.SubElement(parent, tag, nsmap={prefix: namespace})
            parent = found
        parent.set(clark("wstop:topic"), "true")
        if parent.find(clark("tt:MessageDescription")) is None:
            parent.append(_description(form))
    return tree


def _description(form: EventForm) -> Element:
    types = {"Count": "xsd:int", "ObjectId": "xsd:int", "Rule": "xsd:string"}

    def items(name: str, pairs: tuple[tuple[str, str], ...], otherwise: str) -> Element | None:
        described = [el("tt:SimpleItemDescription", Name=k, Type=types.get(k, otherwise)) for k, _ in pairs]
        return el(name, *described) if described else None

    return el(
        "tt:MessageDescription",
        items("tt:Source", form.source, "tt:ReferenceToken"),
        items("tt:Data", form.data, "xsd:boolean"),
        IsProperty="true" if form.state else "false",
    )
