"""What the simulated NVR's metadata track tells of a channel: somebody who walks through the picture. Pure.

As real NVRs do, it names the device's own engines, rules, tokens and addresses in it, and events beside the objects.
"""

from __future__ import annotations

import math
from datetime import datetime

from lxml import etree

from proxyd.onvif.durations import format_instant
from proxyd.simulator.faults import Faults
from proxyd.simulator.layout import SimProfile
from proxyd.simulator.soap import Element, el, unicast_only

FRAMES_PER_S = 5
MAX_PAYLOAD_BYTES = 1388
_WALK_S = 10.0  # from one side of the picture to the other
_BOX = 0.2


def metadata_configuration(faults: Faults, profile: SimProfile, tag: str) -> Element | None:
    """A MetadataConfiguration, in the profiles of channels that have such a track."""
    if profile.channel not in faults.metadata:
        return None
    return el(
        tag,
        el("tt:Name", f"Metadata{profile.channel}"),
        el("tt:UseCount", "2"),
        el("tt:PTZStatus", el("tt:Status", "true"), el("tt:Position", "true")),
        el("tt:Analytics", "true"),
        *unicast_only(),
        token=f"MetadataConfig{profile.channel}",
    )


def scene_payloads(channel: int, number: int, now: datetime, address: str) -> list[bytes]:
    """Document `number` in pieces for packets; `now` by the device's clock, `address` its own."""
    document = _document(channel, number, format_instant(now), address)
    return [document[at : at + MAX_PAYLOAD_BYTES] for at in range(0, len(document), MAX_PAYLOAD_BYTES)]


def _document(channel: int, number: int, now: str, address: str) -> bytes:
    left = -1 + (2 - _BOX) * ((number / FRAMES_PER_S / _WALK_S) % 1.0)
    top = 0.5 * math.sin(number / FRAMES_PER_S)
    frame = el(
        "tt:Frame",
        el("tt:Transformation", el("tt:Translate", x="0", y="0"), el("tt:Scale", x="1", y="1")),
        _person(left, top, address),
        UtcTime=now,
        Source=f"AnalyticsEngine{channel}",
    )
    status = el(
        "tt:PTZStatus",
        el("tt:Position", el("tt:PanTilt", x=f"{left:.3f}", y="0.25", space=f"http://{address}/spaces/pan")),
        el("tt:MoveStatus", el("tt:PanTilt", "MOVING"), el("tt:Zoom", "IDLE")),
        el("tt:UtcTime", now),
    )
    root = el(
        "tt:MetadataStream",
        el("tt:VideoAnalytics", frame),
        el("tt:PTZ", status),
        el("tt:Event", _notification(channel, number, now)),
    )
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return document


def _person(left: float, top: float, address: str) -> Element:
    box = {
        "left": f"{left:.4f}",
        "top": f"{top + _BOX:.4f}",
        "right": f"{left + _BOX:.4f}",
        "bottom": f"{top - _BOX:.4f}",
    }
    return el(
        "tt:Object",
        el(
            "tt:Appearance",
            el(
                "tt:Shape",
                el("tt:BoundingBox", **box),
                el("tt:CenterOfGravity", x=f"{left + _BOX / 2:.4f}", y=f"{top:.4f}"),
            ),
            el("tt:Class", el("tt:Type", "Human", Likelihood="0.8")),
            el("tt:ImageRef", f"http://{address}/crops/1.jpg"),
        ),
        ObjectId="17",
    )


def _notification(channel: int, number: int, now: str) -> Element:
    return el(
        "wsnt:NotificationMessage",
        el("wsnt:Topic", "tns1:RuleEngine/CellMotionDetector/Motion"),
        el(
            "wsnt:Message",
            el(
                "tt:Message",
                el("tt:Source", el("tt:SimpleItem", Name="VideoSourceConfigurationToken", Value=f"VideoSrc{channel}")),
                el("tt:Data", el("tt:SimpleItem", Name="IsMotion", Value="true" if number % 2 else "false")),
                UtcTime=now,
            ),
        ),
    )
