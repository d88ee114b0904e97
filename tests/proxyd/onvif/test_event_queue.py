"""The queue of one subscriber: order, limit, and states that stay right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.events import CameraEvent
from proxyd.onvif.event_messages import Message, initialized
from proxyd.onvif.event_queue import EventQueue

from .builders import NOW


def _state(name: str, value: int) -> Message:
    return Message(CameraEvent(f"tns1:{name}", NOW, (), (("Value", str(value)),)))


def _happening(value: int) -> Message:
    return Message(CameraEvent("tns1:Happening", NOW, (), (("Value", str(value)),), state=False))


def test_in_order_and_none_lost_below_the_limit() -> None:
    queue = EventQueue(limit=10)
    messages = [_state("A", number) for number in range(10)]
    for message in messages:
        queue.append(message)
    assert queue.lost == 0
    assert queue.take(4) + queue.take(100) == messages
    assert len(queue) == 0


def test_what_happened_goes_before_a_state_that_nothing_replaces() -> None:
    queue = EventQueue(limit=3)
    kept = [_state("A", 1), _happening(1), _state("B", 1), _state("C", 1)]
    for message in kept:
        queue.append(message)
    assert (queue.lost, queue.take(9)) == (1, [kept[0], kept[2], kept[3]])
    assert queue.lost == 0  # whoever has caught up begins anew


@given(st.lists(st.tuples(st.sampled_from("ABCDE"), st.integers(0, 9)), max_size=60), st.integers(5, 12))
def test_no_state_is_left_wrong(changes: list[tuple[str, int]], limit: int) -> None:
    queue = EventQueue(limit)
    for name, value in changes:
        queue.append(_state(name, value) if name != "E" else _happening(value))
    assert len(queue) <= limit
    seen = {message.event.topic: message.event.data for message in queue.take(limit) if message.event.state}
    truth = {f"tns1:{name}": (("Value", str(value)),) for name, value in changes if name != "E"}
    assert seen == truth


def test_put_back_comes_first_again() -> None:
    queue = EventQueue(limit=4)
    for number in range(3):
        queue.append(_state("A", number))
    taken = queue.take(2)
    queue.append(_state("A", 3))
    queue.put_back(taken)
    assert [dict(m.event.data)["Value"] for m in queue.take(9)] == ["0", "1", "2", "3"]


def test_only_states_told_anew_are_dropped() -> None:
    queue = EventQueue()
    changed = _state("A", 1)
    queue.append(initialized(changed.event))
    queue.append(changed)
    queue.drop_initialized()
    assert queue.take(9) == [changed]


def test_more_states_than_places_is_bounded_too() -> None:
    queue = EventQueue(limit=3)
    for number in range(9):
        queue.append(_state(f"State{number}", 1))
    assert [m.event.topic for m in queue.take(9)] == ["tns1:State6", "tns1:State7", "tns1:State8"]
