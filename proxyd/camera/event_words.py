"""One event in words for people: pure."""

from __future__ import annotations

from .events import CameraEvent

_BY_TOPIC = (
    ("VideoSource/MotionAlarm", "motion"),
    ("RuleEngine/CellMotionDetector/Motion", "motion"),
    ("RuleEngine/MyRuleDetector/PeopleDetect", "person"),
    ("RuleEngine/MyRuleDetector/VehicleDetect", "vehicle"),
    ("RuleEngine/MyRuleDetector/DogCatDetect", "animal"),
    ("RuleEngine/MyRuleDetector/FaceDetect", "face"),
    ("UserAlarm/IVA/HumanShapeDetect", "person"),
    ("RuleEngine/LineDetector", "line crossed"),
    ("RuleEngine/CountAggregation", "count"),
    ("VideoSource/GlobalSceneChange", "tampering"),
    ("VideoSource/Tampering", "tampering"),
    ("RuleEngine/TamperDetector", "tampering"),
    ("VideoSource/ImageToo", "bad picture"),
    ("VideoSource/SignalLoss", "signal loss"),
    ("Device/Trigger/DigitalInput", "digital input"),
)
_BY_RULE = {"Human": "person", "Person": "person", "People": "person", "Car": "vehicle", "Pet": "animal"}


def event_words(event: CameraEvent) -> str:
    """ "person begins", "motion ends", "line crossed"."""
    topic = event.topic.removeprefix("tns1:")
    rule = dict(event.source).get("Rule", "")
    what = next((words for start, words in _BY_TOPIC if topic.startswith(start)), "")
    if topic.startswith("RuleEngine/FieldDetector") and rule.isalpha() and rule[0].isupper():
        what = _BY_RULE.get(rule, rule.lower())
    what = what or " ".join(topic.split("/")[-2:])
    if not event.state:
        return what
    values = [value for _, value in event.data]
    if "true" in values:
        return f"{what} begins"
    return f"{what} ends" if "false" in values else " ".join([what, *values])
