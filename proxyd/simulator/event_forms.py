"""How each vendor words its events: topics, item names and which token stands for the channel. Pure data.

Templates take the fields of the channel's main profile: `source`, `listed_source`, `source_config`, `profile`, `ch`;
in data also `state` ("true", "false") and `count`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

EventKind = Literal[
    "motion",
    "person",
    "vehicle",
    "animal",
    "tamper",
    "signal-loss",
    "digital-input",
    "line-crossing",
    "count",
    "storage",
    "vendor",
]
KINDS: tuple[EventKind, ...] = get_args(EventKind)
VENDOR_NAMESPACE = "http://vendor.example/topics"
Items = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EventForm:
    """One topic that one kind of event is sent under. `state`: it is a property; `clears`: its end is sent, too."""

    kind: EventKind
    topic: str
    source: Items
    data: Items = (("State", "{state}"),)
    state: bool = True
    clears: bool = True


_RULE = (("VideoSourceConfigurationToken", "{source_config}"), ("VideoAnalyticsConfigurationToken", "analytics{ch}"))


def _rule(name: str) -> Items:
    return (*_RULE, ("Rule", name))


def _motion_alarm(*source: tuple[str, str], clears: bool = True) -> EventForm:
    return EventForm("motion", "tns1:VideoSource/MotionAlarm", source, clears=clears)


def _cell_motion(source: Items) -> EventForm:
    return EventForm("motion", "tns1:RuleEngine/CellMotionDetector/Motion", source, (("IsMotion", "{state}"),))


def _inside(kind: EventKind, rule: str) -> EventForm:
    return EventForm(kind, "tns1:RuleEngine/FieldDetector/ObjectsInside", _rule(rule), (("IsInside", "{state}"),))


def _counter(source: Items) -> EventForm:
    return EventForm("count", "tns1:RuleEngine/CountAggregation/Counter", source, (("Count", "{count}"),))


_STORAGE = EventForm(
    "storage", "tns1:Device/HardwareFailure/StorageFailure", (("Token", "Disk1"),), (("Failed", "{state}"),)
)
_CROSSED = EventForm(
    "line-crossing", "tns1:RuleEngine/LineDetector/Crossed", _rule("Line1"), (("ObjectId", "7"),), state=False
)
_SOURCE = ("Source", "{source}")

FORMS: dict[str, tuple[EventForm, ...]] = {
    "hikvision": (
        _motion_alarm(_SOURCE),
        _cell_motion(_rule("MyMotionDetectorRule")),
        _inside("person", "Human"),
        _inside("vehicle", "Vehicle"),
        EventForm("tamper", "tns1:VideoSource/GlobalSceneChange/ImagingService", (_SOURCE,)),
        EventForm("signal-loss", "tns1:VideoSource/SignalLoss", (_SOURCE,)),
        # Inputs belong to the NVR: nothing says at which camera they are.
        EventForm(
            "digital-input", "tns1:Device/Trigger/DigitalInput", (("InputToken", "1"),), (("LogicalState", "{state}"),)
        ),
        _CROSSED,
        _counter(_rule("Counter1")),
        _STORAGE,
    ),
    "dahua": (
        _motion_alarm(_SOURCE),
        _cell_motion(_rule("MotionRegion")),
        EventForm("person", "tns1:UserAlarm/IVA/HumanShapeDetect", _rule("SmartMotion")),
        _inside("vehicle", "Vehicle"),
        EventForm("tamper", "tns1:VideoSource/ImageTooDark/AnalyticsService", (_SOURCE,)),
        EventForm("signal-loss", "tns1:VideoSource/SignalLoss", (("VideoSourceToken", "{source}"),)),
        EventForm(
            "digital-input",
            "tns1:Device/Trigger/DigitalInput",
            (("VideoSourceToken", "{source}"), ("InputToken", "{ch}")),
            (("LogicalState", "{state}"),),
        ),
        _CROSSED,
        _counter(_rule("Counter1")),
        _STORAGE,
    ),
    "uniview": (
        _motion_alarm(("VideoSourceToken", "{listed_source}")),
        _cell_motion((("VideoSource", "{source}"), ("Rule", "Motion"))),
        EventForm(
            "person",
            "tns1:RuleEngine/FieldDetector/ObjectsInside",
            (("VideoSource", "{source}"), ("Rule", "Human")),
            (("IsInside", "{state}"),),
        ),
        EventForm("tamper", "tns1:VideoSource/GlobalSceneChange/AnalyticsService", (("Source", "{listed_source}"),)),
        _counter((("VideoSource", "{listed_source}"), ("Rule", "Counter1"))),
        _STORAGE,
        EventForm("vendor", "ven:Alarm/Smart", (("VideoSource", "{source}"),)),
    ),
    "reolink": (
        _motion_alarm(_SOURCE),
        _cell_motion((*_RULE[:1], ("VideoAnalyticsConfigurationToken", "{source}"), ("Rule", "{source}"))),
        EventForm("person", "tns1:RuleEngine/MyRuleDetector/PeopleDetect", (_SOURCE,)),
        EventForm("vehicle", "tns1:RuleEngine/MyRuleDetector/VehicleDetect", (_SOURCE,)),
        EventForm("animal", "tns1:RuleEngine/MyRuleDetector/DogCatDetect", (_SOURCE,)),
        _counter((_SOURCE,)),
    ),
    "axis": (
        _motion_alarm(_SOURCE),
        EventForm("tamper", "tns1:VideoSource/Tampering", (("VideoSource", "{source}"),)),
        EventForm("vendor", "ven:CameraApplicationPlatform/VMD/Camera{ch}Profile1", (), (("active", "{state}"),)),
        _counter((_SOURCE,)),
    ),
    # Sends the beginning of motion and never its end; names the main profile where others name the source.
    "gsoap": (
        _motion_alarm(("VideoSource", "{source}"), clears=False),
        EventForm("person", "tns1:RuleEngine/MyRuleDetector/PeopleDetect", (("Source", "{profile}"),), clears=False),
        EventForm("tamper", "tns1:VideoSource/GlobalSceneChange/ImagingService", (("Source", "{source}"),)),
        _counter((("VideoSource", "{source}"),)),
    ),
}
