"""One subscription at an NVR: the requests that make, keep and end it, and what their answers mean. Pure.

Only time spans of the NVR's answers are used (its clock may be wrong), and its addresses are for the caller to put at
the host that the user typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

from proxyd.nvr.envelope import Element, SoapCall
from proxyd.nvr.events.parse import parse_instant
from proxyd.nvr.refusals import Refusal, SoapFault
from proxyd.onvif.namespaces import ADDRESSING, EVENTS, NOTIFICATION

LIFETIME_S = 120
LONGEST_S = 3600.0
_PRODUCER = "http://docs.oasis-open.org/wsn/bw-2/NotificationProducer"
_MANAGER = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_MAX_REFERENCES = 8


@dataclass(frozen=True, slots=True)
class Granted:
    """A new subscription: its raw address, and how long it lives unless it is renewed."""

    address: str
    lifetime_s: float
    references: Sequence[Element] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Manner:
    """How an NVR wants to be asked: with or without WS-Addressing headers, with or without a wish for the lifetime."""

    addressed: bool = True
    with_lifetime: bool = True


MANNERS = (Manner(), Manner(addressed=False), Manner(addressed=False, with_lifetime=False))


def create_pull_point(address: str, manner: Manner) -> SoapCall:
    body = _element(EVENTS, "CreatePullPointSubscription", "tev")
    if manner.with_lifetime:
        etree.SubElement(body, f"{{{EVENTS}}}InitialTerminationTime").text = f"PT{LIFETIME_S}S"
    action = f"{EVENTS}/EventPortType/CreatePullPointSubscriptionRequest"
    return SoapCall(address, action, body, addressed=manner.addressed)


def subscribe(address: str, consumer: str, manner: Manner) -> SoapCall:
    """Basic Notification (WS-BaseNotification 1.3 section 4.1): the NVR calls `consumer`."""
    body = _element(NOTIFICATION, "Subscribe", "wsnt")
    reference = etree.SubElement(body, f"{{{NOTIFICATION}}}ConsumerReference")
    etree.SubElement(reference, f"{{{ADDRESSING}}}Address", nsmap={"wsa": ADDRESSING}).text = consumer
    if manner.with_lifetime:
        etree.SubElement(body, f"{{{NOTIFICATION}}}InitialTerminationTime").text = f"PT{LIFETIME_S}S"
    return SoapCall(address, f"{_PRODUCER}/SubscribeRequest", body, addressed=manner.addressed)


def pull(at: SoapCall, wait_s: float, limit: int) -> SoapCall:
    """`at` is `manage(…)` of the subscription."""
    body = _element(EVENTS, "PullMessages", "tev")
    etree.SubElement(body, f"{{{EVENTS}}}Timeout").text = f"PT{max(int(wait_s), 1)}S"
    etree.SubElement(body, f"{{{EVENTS}}}MessageLimit").text = str(limit)
    return _to(at, f"{EVENTS}/PullPointSubscription/PullMessagesRequest", body)


def renew(at: SoapCall) -> SoapCall:
    body = _element(NOTIFICATION, "Renew", "wsnt")
    etree.SubElement(body, f"{{{NOTIFICATION}}}TerminationTime").text = f"PT{LIFETIME_S}S"
    return _to(at, f"{_MANAGER}/RenewRequest", body)


def unsubscribe(at: SoapCall) -> SoapCall:
    return _to(at, f"{_MANAGER}/UnsubscribeRequest", _element(NOTIFICATION, "Unsubscribe", "wsnt"))


def manage(address: str, references: Sequence[Element], manner: Manner) -> SoapCall:
    """The address of a subscription as a call without content. Reference parameters belong to WS-Addressing, but tell
    subscriptions apart, so they go along in any case."""
    return SoapCall(address, "", etree.Element("none"), references, manner.addressed)


def granted(answer: Element) -> Granted | None:
    """What a create or subscribe request was answered with; None when no address is in it."""
    reference = next((e for e in answer.iter() if _local(e) == "SubscriptionReference"), None)
    if reference is None:
        return None
    address = next((e for e in reference.iter() if _local(e) == "Address"), None)
    parameters = next((e for e in reference.iter() if _local(e) == "ReferenceParameters"), None)
    text = "" if address is None else (address.text or "").strip()
    if not text:
        return None
    references = () if parameters is None else tuple(c for c in parameters if isinstance(c.tag, str))
    return Granted(text, lifetime_of(answer) or 60.0, references[:_MAX_REFERENCES])


def lifetime_of(answer: Element) -> float | None:
    """How long a subscription lives from now on, by the NVR's own clock; None when the answer does not tell."""
    moments = {_local(e): parse_instant(e.text) for e in answer.iter() if _local(e).endswith("Time")}
    now, end = moments.get("CurrentTime"), moments.get("TerminationTime")
    if now is None or end is None or end <= now:
        return None
    return min((end - now).total_seconds(), LONGEST_S)


def is_full(refusal: Refusal) -> bool:
    """The NVR's few subscriptions are used up, by recorders or by programs that never gave theirs back."""
    return isinstance(refusal, SoapFault) and bool(
        {"BlockedThreadUpperLimit", "UnableToCreatePullPointFault", "MaxNotificationProducers"} & set(refusal.codes)
    )


def _to(at: SoapCall, action: str, body: Element) -> SoapCall:
    return SoapCall(at.address, action, body, at.references, at.addressed)


def _element(namespace: str, name: str, prefix: str) -> Element:
    return etree.Element(f"{{{namespace}}}{name}", nsmap={prefix: namespace})


def _local(element: Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
