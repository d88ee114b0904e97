"""Events of one camera in the camera's own words: frozen, comparable, pure. Nothing of the NVR's is in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Items = tuple[tuple[str, str], ...]  # simple items: (name, value)


@dataclass(frozen=True, slots=True)
class CameraEvent:
    """One message (ONVIF Core section 9.5). `topic` as on the wire, with the prefix tns1 on its root. `state`: a
    property, so that its last value is given to each new subscriber as `Initialized`; else something that happened."""

    topic: str
    at: datetime
    source: Items = ()
    data: Items = ()
    state: bool = True
    operation: Literal["Initialized", "Changed", "Deleted"] = "Changed"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What GetEventProperties says of one topic: names and types (an XML schema QName such as "xsd:boolean" or
    "tt:ReferenceToken") of its source and data items."""

    topic: str
    source: Items = ()
    data: Items = ()
    state: bool = True
