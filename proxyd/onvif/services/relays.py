"""Relay outputs, which device and DeviceIO service have in common: there are none. Pure.

An NVR does not tell which of its relays belong to a channel.
"""

from __future__ import annotations

from ..faults import invalid_value
from ..soap import Element, el
from .operation import Access, Context, Operation


def get_relay_outputs(_: Context) -> Element:
    return el("tds:GetRelayOutputsResponse")


def no_relay(ctx: Context) -> Element:
    raise invalid_value(f"{ctx.request.operation}: this camera has no relay output", "ter:RelayToken")


OPERATIONS = (
    Operation("GetRelayOutputs", Access.READ_MEDIA, get_relay_outputs),
    Operation("SetRelayOutputSettings", Access.ACTUATE, no_relay, static=False),
    Operation("SetRelayOutputState", Access.ACTUATE, no_relay, static=False),
)
