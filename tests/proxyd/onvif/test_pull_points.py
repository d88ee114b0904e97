"""Pull points: life, filter, limits; durations."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.onvif.durations import format_instant, parse_duration, seconds_until
from proxyd.onvif.pull_points import MAX_LIFETIME_S, MAX_QUEUED, Notification, PullPoint, PullPoints, TopicFilter
from proxyd.onvif.services.events import CELL_MOTION, MOTION_ALARM, motion_state

from .builders import NOW

_ALL = TopicFilter()


def _points(limit: int = 16) -> PullPoints:
    numbers = count()
    return PullPoints(lambda: f"p{next(numbers)}", limit)


def _create(points: PullPoints, topics: TopicFilter = _ALL) -> PullPoint:
    point = points.create(lifetime_s=60, topics=topics, state=motion_state(NOW), now=NOW)
    assert point is not None
    return point


def test_begins_with_the_present_state() -> None:
    point = _create(_points())
    taken = point.take(10)
    assert [(n.topic, n.operation) for n in taken] == [(MOTION_ALARM, "Initialized"), (CELL_MOTION, "Initialized")]
    assert point.take(10) == []


def test_limit_is_kept_and_expiry_makes_room() -> None:
    points = _points(limit=2)
    _create(points)
    _create(points)
    assert points.create(lifetime_s=60, topics=_ALL, state=(), now=NOW) is None
    later = NOW + timedelta(seconds=61)
    assert points.create(lifetime_s=60, topics=_ALL, state=(), now=later) is not None
    assert len(points) == 1


def test_pulling_keeps_alive_and_renew_sets_the_end() -> None:
    points = _points()
    point = _create(points)
    point.keep_alive(NOW + timedelta(seconds=50))
    assert points.get(point.id, NOW + timedelta(seconds=109)) is point
    point.extend(10**9, NOW)
    assert point.expires == NOW + timedelta(seconds=MAX_LIFETIME_S)
    point.extend(0.1, NOW)
    assert point.expires == NOW + timedelta(seconds=10)


def test_one_with_a_waiting_pull_does_not_expire_under_it() -> None:
    points = _points()
    point = _create(points)
    woken: list[str] = []

    def wake() -> None:
        woken.append("now")

    point.listeners.add(wake)
    assert points.get(point.id, NOW + timedelta(hours=9)) is point
    points.remove(point.id)
    assert point.closed
    assert woken == ["now"]


def test_queue_is_bounded() -> None:
    point = _create(_points())
    many = [Notification("tns1:A", NOW, "Changed", (), (("n", str(n)),)) for n in range(3 * MAX_QUEUED)]
    point.synchronize(many)
    assert len(point.take(10**6)) == MAX_QUEUED


@pytest.mark.parametrize(
    ("expressions", "motion_alarm", "cell_motion"),
    [
        ([], True, True),
        (["tns1:VideoSource/MotionAlarm"], True, False),
        (["tns1:RuleEngine//."], False, True),
        (["tns1:VideoSource/MotionAlarm|tns1:RuleEngine/CellMotionDetector/Motion"], True, True),
        (["tns1:RuleEngine/*/Motion"], False, True),
        (["tns1:Device/Trigger/DigitalInput"], False, False),
        (["other:VideoSource/other:MotionAlarm"], True, False),
    ],
)
def test_topic_filter(expressions: list[str], motion_alarm: bool, cell_motion: bool) -> None:
    topics = TopicFilter.parse(expressions)
    assert (topics.matches(MOTION_ALARM), topics.matches(CELL_MOTION)) == (motion_alarm, cell_motion)


def test_topic_filter_is_bounded() -> None:
    with pytest.raises(ValueError, match="too long"):
        TopicFilter.parse(["a|" * 2000])


@given(st.lists(st.text(max_size=50), max_size=5))
def test_any_filter_can_be_asked(expressions: list[str]) -> None:
    assert TopicFilter.parse(expressions).matches(MOTION_ALARM) in (True, False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT60S", 60), ("PT1M30.5S", 90.5), ("P1DT1H", 90000), ("-PT5S", -5), ("P", None), ("PT", None), ("5", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_absolute_times() -> None:
    assert seconds_until("2026-11-22T11:31:05Z", NOW) == 60
    assert seconds_until("2026-11-22T11:31:05", NOW) == 60
    assert seconds_until("soon", NOW) is None
    assert format_instant(NOW) == "2026-11-22T11:30:05.000Z"


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_none(text: str) -> None:
    result = seconds_until(text, NOW)
    assert result is None or isinstance(result, float)
