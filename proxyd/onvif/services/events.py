"""Events service: pull points with the state of motion (ONVIF Core section 9). Pure.

Motion is said in two ways, because recorders differ: Synology and UniFi Protect listen to VideoSource/MotionAlarm,
others to RuleEngine/CellMotionDetector/Motion. Events of the NVR are not passed on yet: it is always "no motion".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from proxyd.camera.commands import Ask
from proxyd.camera.spec import CameraSpec

from ..durations import format_instant, parse_duration, seconds_until
from ..faults import SoapFault, invalid_value
from ..namespaces import EVENTS, NOTIFICATION, clark
from ..pull_points import (
    DEFAULT_LIFETIME_S,
    MAX_PULL_POINTS,
    MAX_QUEUED,
    Notification,
    PullPoint,
    TopicFilter,
)
from ..soap import Element, SoapRequest, el
from . import configurations as conf
from .operation import EVENTS_PATH, Access, Context, Operation, Service, table

MAX_PULL_S = 60.0
_MAX_MESSAGE_ID = 512
MOTION_ALARM = "tns1:VideoSource/MotionAlarm"
CELL_MOTION = "tns1:RuleEngine/CellMotionDetector/Motion"
_CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
_CONCRETE = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
_PORT = f"{EVENTS}/EventPortType"
_PULL_PORT = f"{EVENTS}/PullPointSubscription"
_MANAGER = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_PORTS = {
    (EVENTS, "PullMessages"): _PULL_PORT,
    (EVENTS, "SetSynchronizationPoint"): _PULL_PORT,
    (NOTIFICATION, "Renew"): _MANAGER,
    (NOTIFICATION, "Unsubscribe"): _MANAGER,
}


@dataclass(frozen=True, slots=True)
class Pull:
    """A PullMessages request that may have to wait for `timeout_s`."""

    point: PullPoint
    timeout_s: float
    limit: int


def service_capabilities(_: CameraSpec) -> Element:
    return el(
        "tev:Capabilities",
        WSSubscriptionPolicySupport="false",
        WSPausableSubscriptionManagerInterfaceSupport="false",
        MaxNotificationProducers="0",
        MaxPullPoints=str(MAX_PULL_POINTS),
        PersistentNotificationStorage="false",
    )


def legacy_capabilities(ctx: Context) -> Element:
    """The Events part of the device service's GetCapabilities."""
    return el(
        "tt:Events",
        el("tt:XAddr", ctx.reached.http(EVENTS_PATH)),
        el("tt:WSSubscriptionPolicySupport", "false"),
        el("tt:WSPullPointSupport", "true"),
        el("tt:WSPausableSubscriptionManagerInterfaceSupport", "false"),
    )


def reply_header(request: SoapRequest) -> list[Element]:
    """WS-Addressing headers, only for clients that speak it (WS-Addressing 1.0 SOAP Binding section 3.4)."""
    if request.message_id is None or len(request.message_id) > _MAX_MESSAGE_ID:
        return []
    port = _PORTS.get((request.namespace, request.operation), _PORT)
    return [el("wsa:Action", f"{port}/{request.operation}Response"), el("wsa:RelatesTo", request.message_id)]


def get_service_capabilities(ctx: Context) -> Element:
    return el("tev:GetServiceCapabilitiesResponse", service_capabilities(ctx.spec))


def get_event_properties(_: Context) -> Element:
    return el(
        "tev:GetEventPropertiesResponse",
        el("tev:TopicNamespaceLocation", "http://www.onvif.org/onvif/ver10/topics/topicns.xml"),
        el("wsnt:FixedTopicSet", "true"),
        el(
            "wstop:TopicSet",
            el("tns1:VideoSource", _topic("MotionAlarm", ("Source",), ("State",))),
            el(
                "tns1:RuleEngine",
                el(
                    "CellMotionDetector",
                    _topic(
                        "Motion",
                        ("VideoSourceConfigurationToken", "VideoAnalyticsConfigurationToken", "Rule"),
                        ("IsMotion",),
                    ),
                ),
            ),
        ),
        el("wsnt:TopicExpressionDialect", _CONCRETE_SET),
        el("wsnt:TopicExpressionDialect", _CONCRETE),
        el("tev:MessageContentFilterDialect", "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"),
        el("tev:MessageContentSchemaLocation", "http://www.onvif.org/onvif/ver10/schema/onvif.xsd"),
    )


def _topic(name: str, source: tuple[str, ...], data: tuple[str, ...]) -> Element:
    def item(item_name: str, kind: str) -> Element:
        return el("tt:SimpleItemDescription", Name=item_name, Type=kind)

    topic = el(
        name,
        el(
            "tt:MessageDescription",
            el("tt:Source", *(item(n, "xsd:string" if n == "Rule" else "tt:ReferenceToken") for n in source)),
            el("tt:Data", *(item(n, "xsd:boolean") for n in data)),
            IsProperty="true",
        ),
    )
    topic.set(clark("wstop:topic"), "true")
    return topic


def motion_state(now: datetime) -> tuple[Notification, ...]:
    """The present state as the first messages of a subscription tell it."""
    rule = (
        ("VideoSourceConfigurationToken", conf.VIDEO_SOURCE_CONFIG),
        ("VideoAnalyticsConfigurationToken", "video_analytics"),
        ("Rule", "motion"),
    )
    return (
        Notification(MOTION_ALARM, now, "Initialized", (("Source", conf.VIDEO_SOURCE),), (("State", "false"),)),
        Notification(CELL_MOTION, now, "Initialized", rule, (("IsMotion", "false"),)),
    )


def create_pull_point_subscription(ctx: Context) -> Element:
    lifetime_s = _lifetime(ctx.request.text("tev:InitialTerminationTime"), ctx.now)
    try:
        topics = TopicFilter.parse(ctx.request.texts("tev:Filter/wsnt:TopicExpression"))
    except ValueError as error:
        raise invalid_value(f"The filter is refused: {error}", "wsnt:InvalidFilterFault") from None
    point = ctx.pull_points.create(lifetime_s=lifetime_s, topics=topics, state=motion_state(ctx.now), now=ctx.now)
    if point is None:
        raise SoapFault(
            "Receiver", f"All {MAX_PULL_POINTS} pull points are in use", "wsnt:UnableToCreatePullPointFault"
        )
    address = ctx.reached.http(f"{EVENTS_PATH}?sub={point.id}")
    return el(
        "tev:CreatePullPointSubscriptionResponse",
        el("tev:SubscriptionReference", el("wsa:Address", address)),
        el("wsnt:CurrentTime", format_instant(ctx.now)),
        el("wsnt:TerminationTime", format_instant(point.expires)),
    )


def _lifetime(text: str | None, now: datetime) -> float:
    if not text:
        return DEFAULT_LIFETIME_S
    lifetime_s = seconds_until(text, now)
    if lifetime_s is None or lifetime_s <= 0:
        raise invalid_value(
            "The termination time is malformed or in the past", "wsnt:UnacceptableInitialTerminationTimeFault"
        )
    return lifetime_s


def _point(ctx: Context) -> PullPoint:
    point = ctx.pull_points.get(ctx.subscription_id, ctx.now)
    if point is None:
        raise SoapFault(
            "Sender",
            "This subscription is not known or has expired; create a new one",
            "ter:InvalidArgVal",
            "wsrf-r:ResourceUnknownFault",
        )
    return point


def begin_pull(ctx: Context) -> Pull:
    """Check a PullMessages request. Longer waits and larger batches than ours are cut, not refused."""
    point = _point(ctx)
    timeout_s = parse_duration(ctx.required("tev:Timeout"))
    if timeout_s is None or timeout_s < 0:
        raise invalid_value("Timeout is not a duration such as PT5S")
    text = ctx.request.text("tev:MessageLimit") or str(MAX_QUEUED)
    if not (text.isascii() and text.isdigit() and int(text[:12]) > 0):
        raise invalid_value("MessageLimit is not a positive number")
    point.keep_alive(ctx.now)
    return Pull(point, min(timeout_s, MAX_PULL_S), min(int(text[:12]), MAX_QUEUED))


def finish_pull(pull: Pull, now: datetime) -> Element:
    """The answer with what is there now. Raises the fault when the subscription ended meanwhile."""
    point = pull.point
    if point.closed:
        raise SoapFault("Sender", "This subscription has ended", "ter:InvalidArgVal", "wsrf-r:ResourceUnknownFault")
    point.keep_alive(now)
    return el(
        "tev:PullMessagesResponse",
        el("tev:CurrentTime", format_instant(now)),
        el("tev:TerminationTime", format_instant(point.expires)),
        *(_message(notification) for notification in point.take(pull.limit)),
    )


def _message(notification: Notification) -> Element:
    def items(name: str, pairs: tuple[tuple[str, str], ...]) -> Element:
        return el(name, *(el("tt:SimpleItem", Name=key, Value=value) for key, value in pairs))

    return el(
        "wsnt:NotificationMessage",
        el("wsnt:Topic", notification.topic, Dialect=_CONCRETE_SET),
        el(
            "wsnt:Message",
            el(
                "tt:Message",
                items("tt:Source", notification.source),
                items("tt:Data", notification.data),
                UtcTime=format_instant(notification.at),
                PropertyOperation=notification.operation,
            ),
        ),
    )


def set_synchronization_point(ctx: Context) -> Element:
    _point(ctx).synchronize(motion_state(ctx.now))
    return el("tev:SetSynchronizationPointResponse")


def renew(ctx: Context) -> Element:
    point = _point(ctx)
    point.extend(_lifetime(ctx.request.text("wsnt:TerminationTime"), ctx.now), ctx.now)
    return el(
        "wsnt:RenewResponse",
        el("wsnt:TerminationTime", format_instant(point.expires)),
        el("wsnt:CurrentTime", format_instant(ctx.now)),
    )


def unsubscribe(ctx: Context) -> Element:
    ctx.pull_points.remove(_point(ctx).id)
    return el("wsnt:UnsubscribeResponse")


def pull_messages(ctx: Context) -> Ask[Element]:
    pull = begin_pull(ctx)
    return Ask(pull, lambda now: finish_pull(pull, now))


SERVICE = Service(
    EVENTS_PATH,
    table(
        EVENTS,
        (
            Operation("GetServiceCapabilities", Access.PRE_AUTH, get_service_capabilities),
            Operation("GetEventProperties", Access.READ_MEDIA, get_event_properties),
            Operation("CreatePullPointSubscription", Access.READ_MEDIA, create_pull_point_subscription, static=False),
            Operation("PullMessages", Access.READ_MEDIA, pull_messages, static=False),
            Operation("SetSynchronizationPoint", Access.READ_MEDIA, set_synchronization_point, static=False),
        ),
    )
    | table(
        NOTIFICATION,
        (
            Operation("Renew", Access.READ_MEDIA, renew, static=False),
            Operation("Unsubscribe", Access.READ_MEDIA, unsubscribe, static=False),
        ),
    ),
    EVENTS,
    (2, 60),
    service_capabilities,
    category="Events",
    legacy=legacy_capabilities,
)
