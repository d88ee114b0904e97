"""Topic expressions: dialects, prefixes, what matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.onvif.motion import CELL_MOTION, MOTION_ALARM
from proxyd.onvif.namespaces import TOPICS
from proxyd.onvif.topic_filter import CONCRETE, CONCRETE_SET, TopicFilter, TopicUnknown, UnknownDialect, parse_topics

_ONVIF = {"tns1": TOPICS, "other": "urn:other", "t": TOPICS}


def _parse(text: str) -> TopicFilter:
    return parse_topics(text, CONCRETE_SET, _ONVIF, ())


@pytest.mark.parametrize(
    ("expression", "motion_alarm", "cell_motion"),
    [
        ("tns1:VideoSource/MotionAlarm", True, False),
        ("t:VideoSource/t:MotionAlarm", True, False),
        ("VideoSource/MotionAlarm", True, False),
        ("tns1:RuleEngine//.", False, True),
        ("tns1:RuleEngine/CellMotionDetector//.", False, True),
        ("tns1:RuleEngine/CellMotionDetector/Motion//.", False, True),
        ("tns1:RuleEngine", False, False),
        ("tns1:VideoSource/MotionAlarm | tns1:RuleEngine/CellMotionDetector/Motion", True, True),
        ("tns1:RuleEngine/*/Motion", False, True),
        ("tns1:Device/Trigger/DigitalInput", False, False),
        ("tns1:RuleEngine/CellMotionDetector/Motion/More", False, False),
        ("other:VideoSource/MotionAlarm|tns1:RuleEngine//.", False, True),
    ],
)
def test_what_matches(expression: str, motion_alarm: bool, cell_motion: bool) -> None:
    topics = _parse(expression)
    assert (topics.matches(MOTION_ALARM), topics.matches(CELL_MOTION)) == (motion_alarm, cell_motion)


def test_without_expression_all_topics_match() -> None:
    assert TopicFilter().matches(MOTION_ALARM)


def test_prefixes_mean_what_is_declared_where_they_stand() -> None:
    with pytest.raises(TopicUnknown):
        parse_topics("tns1:VideoSource/MotionAlarm", CONCRETE, {"tns1": "urn:other"}, ())
    with pytest.raises(ValueError, match="'nobody' is not declared"):
        parse_topics("nobody:VideoSource/MotionAlarm", CONCRETE, {}, ())
    assert parse_topics("tns1:VideoSource/MotionAlarm", CONCRETE, {}, ()).matches(MOTION_ALARM)


def test_only_topics_that_could_be_are_accepted() -> None:
    with pytest.raises(TopicUnknown):
        _parse("tns1:NoSuchThing/MotionAlarm")
    assert parse_topics("tns1:NoSuchThing//.", CONCRETE_SET, _ONVIF, ["NoSuchThing"]).matches("tns1:NoSuchThing/A")


@pytest.mark.parametrize("dialect", ["http://docs.oasis-open.org/wsn/t-1/TopicExpression/Full", "urn:x"])
def test_unknown_dialect(dialect: str) -> None:
    with pytest.raises(UnknownDialect):
        parse_topics("tns1:VideoSource//.", dialect, _ONVIF, ())


@pytest.mark.parametrize("text", ["", "|", "tns1:", "a//b", "tns1:VideoSource/", "VideoSource Motion", "/VideoSource"])
def test_no_topic_expression(text: str) -> None:
    with pytest.raises(ValueError, match="not a topic expression"):
        _parse(text)


def test_length_is_bounded() -> None:
    with pytest.raises(ValueError, match="longer than"):
        _parse("Device|" * 1000)


@given(st.text(st.sampled_from("tns1:/|.*VideoSource \u00e9"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert _parse(text).matches(MOTION_ALARM) in (True, False)
    except ValueError as error:
        assert str(error)
