"""An NVR's event in the camera's own words: pure. Nothing of the NVR's gets through (contract 2).

Topics of ONVIF's tree pass as they are; source items become the camera's tokens; of the data only what is known to be
harmless passes: truth values, numbers, and words of a fixed list.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from proxyd.camera.events import CameraEvent, Items, TopicSpec
from proxyd.nvr.events.parse import NvrEvent
from proxyd.nvr.events.route import CHANNEL_ITEMS
from proxyd.onvif.services.configurations import AUDIO_SOURCE, AUDIO_SOURCE_CONFIG, VIDEO_SOURCE, VIDEO_SOURCE_CONFIG

MOTION_TOPICS = frozenset(
    (
        "VideoSource/MotionAlarm",
        "RuleEngine/CellMotionDetector/Motion",
        "RuleEngine/MotionRegionDetector/Motion",
        "VideoAnalytics/Motion",
    )
)
ANALYTICS = "video_analytics"
_PASSED = ("VideoSource/", "RuleEngine/", "VideoAnalytics/", "AudioAnalytics/", "UserAlarm/", "Device/Trigger/")
_OUR_TOKENS = {
    "VideoSourceConfigurationToken": VIDEO_SOURCE_CONFIG,
    "VideoSourceConfiguration": VIDEO_SOURCE_CONFIG,
    "ProfileToken": "main",
    "Profile": "main",
    "VideoAnalyticsConfigurationToken": ANALYTICS,
    "VideoAnalyticsConfiguration": ANALYTICS,
    "AnalyticsConfigurationToken": ANALYTICS,
    "AnalyticsConfiguration": ANALYTICS,
    "AudioSourceConfigurationToken": AUDIO_SOURCE_CONFIG,
    "AudioSourceToken": AUDIO_SOURCE,
}
# Names that say what was seen; recorders tell people and vehicles apart by the rule's.
_WORDS = {
    word.lower(): word
    for word in (
        *("Human", "Person", "People", "Face", "Vehicle", "Car", "Truck", "Bus", "Bicycle", "Motorcycle", "Bike"),
        *("Animal", "Dog", "Cat", "Pet", "Bird", "Package", "LicensePlate", "Other", "Unknown"),
    )
}
_TRUTHS = {"true": "true", "1": "true", "false": "false", "0": "false"}
_NUMBERS = frozenset(("Count", "ObjectId", "ObjectID", "Level", "Confidence", "Likelihood"))
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,4})?")
_NAME = re.compile(r"[A-Za-z][A-Za-z]{0,31}")
_STATE_NAMES = ("State", "IsMotion", "Motion", "active", "Active")


def motion_of(event: NvrEvent) -> bool | None:
    """Whether something moves, for a message about motion; None when it says nothing of it."""
    if event.operation == "Deleted":
        return False
    given = dict(event.data)
    names = [name for name in (*_STATE_NAMES, *given) if name in given]
    return next((truth == "true" for name in names if (truth := _truth(given[name])) is not None), None)


def active(data: Items) -> bool | None:
    """Whether a property is on: its truth value; None when it has none."""
    return next((value == "true" for _, value in data if value in ("true", "false")), None)


def passes(topic: str) -> bool:
    """Whether cameras tell of this topic (besides motion, which they tell in words of their own)."""
    return topic.startswith(_PASSED) and topic not in MOTION_TOPICS


def translate(event: NvrEvent, at: datetime) -> CameraEvent | None:
    """The camera's message, None for what is not told. Motion is not for here, nor are topics with the NVR's tokens in
    them: the mapper knows those."""
    if not passes(event.topic):
        return None
    data = tuple((name, told) for name, value in event.data if (told := _data(name, value)) is not None)
    state = event.operation != "" or active(data) is not None
    if not data and (state or event.data):
        return None  # nothing is left of what it had to say
    operation = event.operation
    return CameraEvent(
        topic=f"tns1:{event.topic}",
        at=at,
        source=tuple((name, _source(name, value)) for name, value in event.source if _NAME.fullmatch(name)),
        data=data,
        state=state,
        operation="Initialized" if operation == "Initialized" else "Deleted" if operation == "Deleted" else "Changed",
    )


def topic_spec(topic: str, source: Mapping[str, str], data: Mapping[str, str], *, state: bool) -> TopicSpec | None:
    """What the camera says it can tell, from a topic and its items' types as the NVR describes them; None when it
    passes nothing of it, or does not say of which channel it is."""
    if not passes(topic) or not CHANNEL_ITEMS & source.keys():
        return None
    kept = tuple(
        (name, type_) for name, kind in data.items() if _NAME.fullmatch(name) and (type_ := _data_type(name, kind))
    )
    if not kept:
        return None
    reference = CHANNEL_ITEMS | {"InputToken", "RelayToken"}
    described = tuple(
        (name, "tt:ReferenceToken" if name in reference else "xsd:string") for name in source if _NAME.fullmatch(name)
    )
    return TopicSpec(f"tns1:{topic}", described, kept, state)


def _data_type(name: str, kind: str) -> str | None:
    local = kind.rpartition(":")[2].lower()
    if local == "boolean":
        return "xsd:boolean"
    if name in _NUMBERS:
        return "xsd:float" if local in ("float", "double", "decimal") else "xsd:int"
    return None


def _data(name: str, value: str) -> str | None:
    if not _NAME.fullmatch(name):
        return None
    if name in _NUMBERS:
        return value if _NUMBER.fullmatch(value) else None
    return _truth(value) or _WORDS.get(value.lower())


def _source(name: str, value: str) -> str:
    """The camera's own token; for anything else a name without meaning, the same every time."""
    if name in CHANNEL_ITEMS:
        return _OUR_TOKENS.get(name, VIDEO_SOURCE)
    if word := _WORDS.get(value.lower()):
        return word
    return f"{name.lower()}_{hashlib.sha256(f'{name}={value}'.encode()).hexdigest()[:8]}"


def _truth(value: str) -> str | None:
    return _TRUTHS.get(value.lower())
