"""Subscriptions: life, limits, what each hears of, states for those who come later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.events import CameraEvent
from proxyd.onvif.event_filter import EventFilter
from proxyd.onvif.event_queue import MAX_QUEUED, EventQueue
from proxyd.onvif.event_states import MAX_STATES
from proxyd.onvif.motion import CELL_MOTION, MOTION_ALARM, motion_events
from proxyd.onvif.subscriptions import (
    MAX_LIFETIME_S,
    MAX_NOTIFIED,
    MAX_PULL_POINTS,
    Subscription,
    Subscriptions,
)
from proxyd.onvif.topic_filter import CONCRETE_SET, parse_topics

from .builders import NOW

_DIGITAL_INPUT = CameraEvent("tns1:Device/Trigger/DigitalInput", NOW, (("InputToken", "1"),), (("State", "true"),))
_CROSSED = CameraEvent("tns1:RuleEngine/LineDetector/Crossed", NOW, (), (("ObjectId", "7"),), state=False)


def _subscriptions() -> Subscriptions:
    numbers = count()
    return Subscriptions(lambda: f"s{next(numbers)}")


def _create(
    subscriptions: Subscriptions, topics: str = "", *, consumer: str = "", changed_only: bool = False
) -> Subscription:
    wanted = EventFilter(parse_topics(topics, CONCRETE_SET, {}, ())) if topics else EventFilter()
    made = subscriptions.create(
        client="192.0.2.50", lifetime_s=60, wanted=wanted, now=NOW, consumer=consumer, changed_only=changed_only
    )
    assert made is not None
    return made


def _heard(subscription: Subscription) -> list[tuple[str, str]]:
    return [(message.event.topic, message.event.operation) for message in subscription.queue.take(10**6)]


def test_begins_with_the_present_state() -> None:
    subscriptions = _subscriptions()
    subscriptions.deliver(_DIGITAL_INPUT, NOW)
    subscriptions.deliver(motion_events(True, NOW)[0], NOW)
    subscriptions.deliver(_CROSSED, NOW)
    taken = [message.event for message in _create(subscriptions).queue.take(10)]
    assert [(e.topic, dict(e.data), e.operation) for e in taken] == [
        (CELL_MOTION, {"IsMotion": "false"}, "Initialized"),
        (_DIGITAL_INPUT.topic, {"State": "true"}, "Initialized"),
        (MOTION_ALARM, {"State": "true"}, "Initialized"),
    ]


def test_one_message_is_shared_and_written_once() -> None:
    subscriptions = _subscriptions()
    two = [_create(subscriptions, "tns1:Device//."), _create(subscriptions, "tns1:Device//.")]
    subscriptions.deliver(_DIGITAL_INPUT, NOW)
    first, second = (subscription.queue.take(9)[0] for subscription in two)
    assert first is second
    assert first.xml is second.xml


def test_a_deleted_state_is_told_and_forgotten() -> None:
    subscriptions = _subscriptions()
    before = _create(subscriptions)
    before.queue.take(9)
    subscriptions.deliver(_DIGITAL_INPUT, NOW)
    subscriptions.deliver(replace(_DIGITAL_INPUT, operation="Deleted"), NOW)
    assert [operation for _, operation in _heard(before)] == ["Changed", "Deleted"]
    assert _DIGITAL_INPUT.topic not in dict(_heard(_create(subscriptions)))


def test_changed_only_hears_neither_first_states_nor_deletions() -> None:
    subscriptions = _subscriptions()
    one = _create(subscriptions, changed_only=True)
    subscriptions.deliver(_DIGITAL_INPUT, NOW)
    subscriptions.deliver(_CROSSED, NOW)
    subscriptions.deliver(replace(_DIGITAL_INPUT, operation="Deleted"), NOW)
    assert _heard(one) == [(_DIGITAL_INPUT.topic, "Changed"), (_CROSSED.topic, "Changed")]


def test_synchronizing_tells_the_states_behind_what_waits() -> None:
    subscriptions = _subscriptions()
    one = _create(subscriptions)
    subscriptions.deliver(_CROSSED, NOW)
    subscriptions.synchronize(one, NOW)
    assert _heard(one) == [
        (_CROSSED.topic, "Changed"),
        (MOTION_ALARM, "Initialized"),
        (CELL_MOTION, "Initialized"),
    ]


def test_places_of_each_kind_are_limited_and_expiry_makes_room() -> None:
    subscriptions = _subscriptions()
    for _ in range(MAX_PULL_POINTS):
        _create(subscriptions)
    for _ in range(MAX_NOTIFIED):
        _create(subscriptions, consumer="http://192.0.2.50/")
    for consumer in ("", "http://192.0.2.50/"):
        full = subscriptions.create(client="", lifetime_s=60, wanted=EventFilter(), now=NOW, consumer=consumer)
        assert full is None
    later = NOW + timedelta(seconds=61)
    assert subscriptions.create(client="", lifetime_s=60, wanted=EventFilter(), now=later) is not None
    assert len(subscriptions) == 1


def test_pulling_keeps_alive_and_renew_sets_the_end() -> None:
    subscriptions = _subscriptions()
    one = _create(subscriptions)
    one.keep_alive(NOW + timedelta(seconds=50))
    assert subscriptions.get(one.id, NOW + timedelta(seconds=109)) is one
    one.extend(10**9, NOW)
    assert one.expires == NOW + timedelta(seconds=MAX_LIFETIME_S)
    one.extend(0.1, NOW)
    assert one.expires == NOW + timedelta(seconds=10)


def test_one_with_a_waiting_pull_does_not_expire_under_it() -> None:
    subscriptions = _subscriptions()
    one = _create(subscriptions)
    woken: list[str] = []

    def wake() -> None:
        woken.append("now")

    one.listeners.add(wake)
    assert subscriptions.get(one.id, NOW + timedelta(hours=9)) is one
    subscriptions.remove(one.id)
    assert one.closed
    assert woken == ["now"]


def test_the_recorders_url_is_in_no_text() -> None:
    assert "webhook" not in repr(_create(_subscriptions(), consumer="http://192.0.2.50/webhook/5ecret"))


def test_overflow_is_told_once_until_the_subscriber_has_caught_up() -> None:
    slow: list[Subscription] = []
    numbers = count()
    subscriptions = Subscriptions(lambda: f"s{next(numbers)}", overflows=slow.append)
    one, other = _create(subscriptions), _create(subscriptions, "tns1:Device//.")
    for _ in range(2):
        for _ in range(MAX_QUEUED + 9):
            subscriptions.deliver(_CROSSED, NOW)
        assert len(one.queue) == MAX_QUEUED
        one.queue.take(MAX_QUEUED)
    assert slow == [one, one]
    assert len(other.queue) == 0


def test_states_are_bounded() -> None:
    subscriptions = _subscriptions()
    for number in range(2 * MAX_STATES):
        subscriptions.deliver(replace(_DIGITAL_INPUT, source=(("InputToken", str(number)),)), NOW)
    assert len(_heard(_create(subscriptions))) == MAX_STATES + 2  # and motion


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("state"), st.sampled_from("ABC"), st.integers(0, 3)),
        st.tuples(st.just("deleted"), st.sampled_from("ABC"), st.just(0)),
        st.tuples(st.just("pull"), st.integers(0, 2), st.integers(1, 4)),
        st.tuples(st.just("synchronize"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("join"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@given(_STEPS)
def test_whenever_they_come_and_however_slow_they_are_all_know_the_same_in_the_end(
    steps: list[tuple[str, Any, int]],
) -> None:
    subscriptions = _subscriptions()
    truth: dict[str, str] = {}
    known: list[tuple[Subscription, dict[str, str]]] = []
    for step, what, number in steps:
        if step in ("state", "deleted"):
            event = CameraEvent(f"tns1:Device/{what}", NOW, (), (("Value", str(number)),))
            if step == "deleted":
                event = replace(event, operation="Deleted")
                truth.pop(event.topic, None)
            else:
                truth[event.topic] = str(number)
            subscriptions.deliver(event, NOW)
        elif step == "join" and len(known) < 3:
            one = _create(subscriptions, "tns1:Device//.")
            one.queue = EventQueue(limit=5)
            subscriptions.synchronize(one, NOW)
            known.append((one, {}))
        elif known and step == "pull":
            subscription, states = known[what % len(known)]
            _learn(subscription, states, limit=number)
        elif known and step == "synchronize":
            subscriptions.synchronize(known[what % len(known)][0], NOW)
    for subscription, states in known:
        _learn(subscription, states, limit=100)
        assert states == truth


def _learn(subscription: Subscription, states: dict[str, str], limit: int) -> None:
    """As a recorder does: the last word on each topic holds."""
    for message in subscription.queue.take(limit):
        event = message.event
        if event.operation == "Deleted":
            states.pop(event.topic, None)
        else:
            states[event.topic] = dict(event.data)["Value"]
