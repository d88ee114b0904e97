"""How subscriptions begin: CreatePullPointSubscription and Subscribe (ONVIF Core sections 9.1 and 9.2). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from proxyd.camera.commands import Ask

from ..durations import format_instant, seconds_until
from ..event_filter import read_filter
from ..faults import SoapFault
from ..namespaces import clark
from ..notification_faults import creation_failed, notification_fault
from ..notify_policy import consumer_of, refusal
from ..soap import Element, el
from ..subscriptions import DEFAULT_LIFETIME_S, MAX_NOTIFIED, MAX_PULL_POINTS, MIN_LIFETIME_S, Subscription
from .event_properties import topic_roots
from .operation import EVENTS_PATH, Context


@dataclass(frozen=True, slots=True)
class Notify:
    """Send this subscription's messages to its consumer from now on. Its result is why they are not; "" when they
    are."""

    subscription: Subscription


def create_pull_point_subscription(ctx: Context) -> Element:
    subscription = _subscribe(ctx, "tev")
    return el("tev:CreatePullPointSubscriptionResponse", *_begun(ctx, subscription, "tev"))


def subscribe(ctx: Context) -> Ask[Element]:
    """Basic notification: messages are sent to the client's ConsumerReference, if it may be called at all."""
    url = ctx.required("wsnt:ConsumerReference/wsa:Address")
    consumer = consumer_of(url)
    if isinstance(consumer, str):
        raise _not_sent(ctx, consumer)
    address = consumer.address
    if address and (why := refusal(address, ctx.client, ctx.spec, ctx.subscriptions.is_own_address)):
        raise _not_sent(ctx, why)
    subscription = _subscribe(ctx, "wsnt", url)

    def finish(why: str) -> Element:
        if why:
            raise _not_sent(ctx, why)
        return el("wsnt:SubscribeResponse", *_begun(ctx, subscription, "wsnt"))

    return Ask(Notify(subscription), finish)


def _not_sent(ctx: Context, why: str) -> SoapFault:
    return creation_failed(f"Nothing is sent there: {why}", ctx.now, "Sender")


def _subscribe(ctx: Context, prefix: Literal["tev", "wsnt"], consumer: str = "") -> Subscription:
    request = ctx.request
    changed_only = _changed_only(ctx, prefix)
    wanted = read_filter(request, request.body.find(clark(f"{prefix}:Filter")), topic_roots(ctx.spec), ctx.now)
    lifetime_s = lifetime(ctx, f"{prefix}:InitialTerminationTime", "UnacceptableInitialTerminationTimeFault")
    subscription = ctx.subscriptions.create(
        client=ctx.client,
        lifetime_s=lifetime_s,
        wanted=wanted,
        now=ctx.now,
        consumer=consumer,
        changed_only=changed_only,
    )
    if subscription is None:
        kind = f"{MAX_NOTIFIED} notifications" if consumer else f"{MAX_PULL_POINTS} pull points"
        raise creation_failed(f"All {kind} are in use", ctx.now, "Receiver")
    return subscription


def _changed_only(ctx: Context, prefix: str) -> bool:
    """Whether that policy was asked for. Raises the fault for others."""
    policies = ctx.request.body.find(clark(f"{prefix}:SubscriptionPolicy"))
    for policy in () if policies is None else policies:
        if policy.tag == clark("wsnt:UseRaw"):
            raise notification_fault("UnsupportedPolicyRequestFault", "Raw messages cannot be sent", ctx.now)
        if policy.tag != clark("tev:ChangedOnly"):
            raise notification_fault("UnrecognizedPolicyRequestFault", "Only ChangedOnly is understood", ctx.now)
    return policies is not None and len(policies) > 0


def _begun(ctx: Context, subscription: Subscription, prefix: str) -> list[Element]:
    address = ctx.reached.http(f"{EVENTS_PATH}?sub={subscription.id}")
    return [
        el(f"{prefix}:SubscriptionReference", el("wsa:Address", address)),
        el("wsnt:CurrentTime", format_instant(ctx.now)),
        el("wsnt:TerminationTime", format_instant(subscription.expires)),
    ]


def lifetime(
    ctx: Context,
    path: str,
    fault: Literal["UnacceptableInitialTerminationTimeFault", "UnacceptableTerminationTimeFault"],
) -> float:
    """Seconds from now on that the client wishes. Raises `fault`."""
    text = ctx.request.text(path)
    if not text:
        return DEFAULT_LIFETIME_S
    lifetime_s = seconds_until(text, ctx.now)
    if lifetime_s is None or lifetime_s <= 0:
        minimum = el("wsnt:MinimumTime", format_instant(ctx.now + timedelta(seconds=MIN_LIFETIME_S)))
        raise notification_fault(fault, "The termination time is malformed or in the past", ctx.now, minimum)
    return lifetime_s
