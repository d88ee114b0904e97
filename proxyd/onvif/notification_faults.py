"""Faults of WS-BaseNotification, with the detail that its WSDL says each has (WS-BaseFaults section 2). Pure.

ONVIF Core section 9.10 would have them all as faults of the receiver, with HTTP 500. That is a "should", and recorders
take a 500 for trouble with the password: whose mistake it was is told instead, as with every other refusal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from .durations import format_instant
from .faults import SoapFault
from .soap import Element, el

Name = Literal[
    "InvalidFilterFault",
    "TopicExpressionDialectUnknownFault",
    "TopicNotSupportedFault",
    "InvalidTopicExpressionFault",
    "InvalidMessageContentExpressionFault",
    "UnacceptableInitialTerminationTimeFault",
    "UnacceptableTerminationTimeFault",
    "UnrecognizedPolicyRequestFault",
    "UnsupportedPolicyRequestFault",
    "SubscribeCreationFailedFault",
]


def notification_fault(name: Name, reason: str, now: datetime, *detail: Element) -> SoapFault:
    """The client's mistake `name`; `detail` goes behind the time in the fault's own element."""
    return SoapFault("Sender", reason, "ter:InvalidArgVal", f"wsnt:{name}", detail=_element(name, now, *detail))


def creation_failed(reason: str, now: datetime, code: Literal["Sender", "Receiver"]) -> SoapFault:
    name: Name = "SubscribeCreationFailedFault"
    outer = "ter:InvalidArgVal" if code == "Sender" else "ter:Action"
    return SoapFault(code, reason, outer, f"wsnt:{name}", detail=_element(name, now))


def no_such_subscription(now: datetime) -> SoapFault:
    """Recorders create a new one when they read this."""
    return SoapFault(
        "Sender",
        "This subscription is not known or has ended; create a new one",
        "ter:InvalidArgVal",
        "wsrf-r:ResourceUnknownFault",
        detail=el("wsrf-r:ResourceUnknownFault", el("wsrf-bf:Timestamp", format_instant(now))),
    )


def _element(name: Name, now: datetime, *detail: Element) -> Element:
    return el(f"wsnt:{name}", el("wsrf-bf:Timestamp", format_instant(now)), *detail)
