"""Events service: what there is to hear of, pull points and notifications (ONVIF Core section 9). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from proxyd.camera.commands import Ask
from proxyd.camera.spec import CameraSpec

from ..durations import format_instant, parse_duration
from ..event_messages import PREFIXES_IN_MESSAGES
from ..event_queue import MAX_QUEUED
from ..faults import invalid_value
from ..namespaces import EVENTS, NOTIFICATION
from ..notification_faults import no_such_subscription
from ..pull_answers import PullAnswer, pull_document
from ..soap import Element, SoapRequest, el, envelope
from ..subscriptions import MAX_NOTIFIED, MAX_PULL_POINTS, Subscription
from .event_properties import get_event_properties
from .event_subscriptions import create_pull_point_subscription, lifetime, subscribe
from .operation import EVENTS_PATH, Access, Context, Operation, Service, table

MAX_PULL_S = 60.0
_FAULT_ACTION = "http://www.w3.org/2005/08/addressing/soap/fault"
_MAX_MESSAGE_ID = 512
_PREFIXES_IN_TEXT = (*PREFIXES_IN_MESSAGES, "xsd")
_PORT = f"{EVENTS}/EventPortType"
_PULL_PORT = f"{EVENTS}/PullPointSubscription"
_MANAGER = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_PORTS = {
    (EVENTS, "PullMessages"): _PULL_PORT,
    (EVENTS, "SetSynchronizationPoint"): _PULL_PORT,
    (NOTIFICATION, "Subscribe"): "http://docs.oasis-open.org/wsn/bw-2/NotificationProducer",
    (NOTIFICATION, "Renew"): _MANAGER,
    (NOTIFICATION, "Unsubscribe"): _MANAGER,
}


@dataclass(frozen=True, slots=True)
class Pull:
    """A PullMessages request that may have to wait for `timeout_s`. Its result is the time then."""

    subscription: Subscription
    timeout_s: float
    limit: int

    @property
    def ready(self) -> bool:
        """There is something to say at once: messages, or that the subscription has ended."""
        return bool(self.subscription.queue) or self.subscription.closed


def service_capabilities(_: CameraSpec) -> Element:
    return el(
        "tev:Capabilities",
        WSSubscriptionPolicySupport="false",
        WSPausableSubscriptionManagerInterfaceSupport="false",
        MaxNotificationProducers=str(MAX_NOTIFIED),
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


def document(request: SoapRequest, answer: Element | PullAnswer) -> bytes:
    """The finished answer, with WS-Addressing headers for clients that speak it (SOAP Binding section 3.4)."""
    header = _reply_header(request)
    if isinstance(answer, PullAnswer):
        return pull_document(answer, request.version, header)
    return envelope(answer, header=header, text_prefixes=_PREFIXES_IN_TEXT, version=request.version)


def fault_blocks(request: SoapRequest) -> list[Element]:
    """The same headers for a refusal; the action is one for all (ONVIF Core section 9.10)."""
    return _addressed(request, _FAULT_ACTION)


def _reply_header(request: SoapRequest) -> list[Element]:
    port = _PORTS.get((request.namespace, request.operation), _PORT)
    return _addressed(request, f"{port}/{request.operation}Response")


def _addressed(request: SoapRequest, action: str) -> list[Element]:
    if request.message_id is None or len(request.message_id) > _MAX_MESSAGE_ID:
        return []
    return [el("wsa:Action", action), el("wsa:RelatesTo", request.message_id)]


def get_service_capabilities(ctx: Context) -> Element:
    return el("tev:GetServiceCapabilitiesResponse", service_capabilities(ctx.spec))


# Fetching ----------------------------------------------------------------------------------------------------


def _subscription(ctx: Context) -> Subscription:
    subscription = ctx.subscriptions.get(ctx.subscription_id, ctx.now)
    if subscription is None:
        raise no_such_subscription(ctx.now)
    return subscription


def pull_messages(ctx: Context) -> Ask[PullAnswer]:
    """Longer waits and larger batches than ours are cut, not refused."""
    subscription = _subscription(ctx)
    if subscription.consumer:
        raise invalid_value("This subscription sends its messages; nothing can be pulled from it")
    timeout_s = parse_duration(ctx.required("tev:Timeout"))
    if timeout_s is None or timeout_s < 0:
        raise invalid_value("Timeout is not a duration such as PT5S")
    text = ctx.request.text("tev:MessageLimit") or str(MAX_QUEUED)
    if not (text.isascii() and text.isdigit() and int(text[:12]) > 0):
        raise invalid_value("MessageLimit is not a positive number")
    subscription.keep_alive(ctx.now)
    pull = Pull(subscription, min(timeout_s, MAX_PULL_S), min(int(text[:12]), MAX_QUEUED))
    return Ask(pull, lambda now: _finish_pull(pull, now))


def _finish_pull(pull: Pull, now: datetime) -> PullAnswer:
    """The answer with what is there now. Raises the fault when the subscription ended meanwhile."""
    subscription = pull.subscription
    if subscription.closed:
        raise no_such_subscription(now)
    subscription.keep_alive(now)
    messages = tuple(subscription.queue.take(pull.limit))
    return PullAnswer(
        now, subscription.expires, messages, partial(subscription.put_back, messages) if messages else None
    )


def set_synchronization_point(ctx: Context) -> Element:
    ctx.subscriptions.synchronize(_subscription(ctx), ctx.now)
    return el("tev:SetSynchronizationPointResponse")


# Managing ----------------------------------------------------------------------------------------------------


def renew(ctx: Context) -> Element:
    subscription = _subscription(ctx)
    subscription.extend(lifetime(ctx, "wsnt:TerminationTime", "UnacceptableTerminationTimeFault"), ctx.now)
    return el(
        "wsnt:RenewResponse",
        el("wsnt:TerminationTime", format_instant(subscription.expires)),
        el("wsnt:CurrentTime", format_instant(ctx.now)),
    )


def unsubscribe(ctx: Context) -> Element:
    ctx.subscriptions.remove(_subscription(ctx).id)
    return el("wsnt:UnsubscribeResponse")


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
            Operation("Subscribe", Access.READ_MEDIA, subscribe, static=False),
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
