"""Motion as every camera tells it: in two ways, because recorders differ. Pure.

Synology and UniFi Protect listen to VideoSource/MotionAlarm, others to RuleEngine/CellMotionDetector/Motion. Both are
properties: a camera of which nothing is known yet says "no motion".
"""

from __future__ import annotations

from datetime import datetime

from proxyd.camera.events import CameraEvent, Items, TopicSpec

from .services.configurations import VIDEO_SOURCE, VIDEO_SOURCE_CONFIG

MOTION_ALARM = "tns1:VideoSource/MotionAlarm"
CELL_MOTION = "tns1:RuleEngine/CellMotionDetector/Motion"
ALARM_SOURCE: Items = (("Source", VIDEO_SOURCE),)
CELL_SOURCE: Items = (
    ("VideoSourceConfigurationToken", VIDEO_SOURCE_CONFIG),
    ("VideoAnalyticsConfigurationToken", "video_analytics"),
    ("Rule", "motion"),
)
MOTION_TOPICS = (
    TopicSpec(MOTION_ALARM, (("Source", "tt:ReferenceToken"),), (("State", "xsd:boolean"),)),
    TopicSpec(
        CELL_MOTION,
        (
            ("VideoSourceConfigurationToken", "tt:ReferenceToken"),
            ("VideoAnalyticsConfigurationToken", "tt:ReferenceToken"),
            ("Rule", "xsd:string"),
        ),
        (("IsMotion", "xsd:boolean"),),
    ),
)


def motion_events(moving: bool, at: datetime) -> tuple[CameraEvent, CameraEvent]:
    """The same news for both kinds of recorders."""
    value = "true" if moving else "false"
    return (
        CameraEvent(MOTION_ALARM, at, ALARM_SOURCE, (("State", value),)),
        CameraEvent(CELL_MOTION, at, CELL_SOURCE, (("IsMotion", value),)),
    )
