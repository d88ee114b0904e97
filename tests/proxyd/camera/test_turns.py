"""The guided adoption as data: whose turn it is, what is hidden, and that the plan survives as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.turns import Plan, advance, format_plan, parse_plan, skip

NOBODY = dict.fromkeys(range(1, 9), "")
ALL = frozenset(NOBODY)


def plan(at_once: int = 1) -> Plan:
    return Plan("running", at_once, tuple(NOBODY))


def test_one_after_another() -> None:
    now = plan()
    for id_ in NOBODY:
        assert now.now(ALL) == (id_,)
        now = advance(now, NOBODY | {id_: "10.0.0.3"})
    assert now.state == "done"
    assert now.adopted == dict.fromkeys(NOBODY, "10.0.0.3")
    assert now.now(ALL) == ()


def test_several_at_once_and_out_of_turn() -> None:
    now = advance(plan(3), NOBODY | {2: "a", 7: "b"})
    assert now.now(ALL) == (1, 3, 4)
    assert (now.adopted, now.state) == ({2: "a", 7: "b"}, "running")


def test_only_cameras_that_run_have_their_turn() -> None:
    assert plan().now({3, 5}) == (3,)
    assert plan().now(()) == ()


def test_skipping_gives_the_turn_to_the_next_and_ends_the_plan_with_the_last() -> None:
    now = skip(plan(), 1)
    assert now.now(ALL) == (2,)
    assert skip(now, 1) == now
    for id_ in NOBODY:
        now = advance(skip(now, id_), NOBODY)
    assert (now.state, len(now.skipped)) == ("done", 8)


def test_a_skipped_camera_may_be_adopted_all_the_same() -> None:
    now = advance(skip(plan(), 1), NOBODY | {1: "a"})
    assert (now.adopted, now.skipped) == ({1: "a"}, ())


def test_removed_cameras_leave_the_plan() -> None:
    left = {id_: who for id_, who in NOBODY.items() if id_ not in (1, 2)}
    assert advance(skip(plan(), 2), left).now(ALL) == (3,)
    assert advance(plan(), {}).state == "done"


def test_what_searches_find() -> None:
    now = advance(plan(2), NOBODY | {1: "a"})

    def found(id_: int, *, adopted: bool = False) -> bool | None:
        return now.findable(id_, adopted=adopted, able=ALL)

    assert [found(id_) for id_ in (1, 2, 3, 4)] == [None, True, True, False]
    assert found(99) is False, "a camera that came meanwhile waits, too"
    assert found(99, adopted=True) is None, "what a recorder has must not vanish for it"
    now = Plan("paused", 2, now.cameras, now.adopted)
    assert [found(id_) for id_ in (1, 2, 3)] == [None, False, False]
    for state in ("done", "cancelled"):
        now = Plan(state, 2, now.cameras)
        assert found(4) is None


@given(
    st.sampled_from(["running", "paused", "done", "cancelled"]),
    st.integers(1, 64),
    st.lists(st.integers(1, 10**6), max_size=20, unique=True),
    st.dictionaries(st.integers(1, 10**6), st.text(max_size=40), max_size=20),
)
def test_text_round_trip(state: str, at_once: int, cameras: list[int], adopted: dict[int, str]) -> None:
    one = Plan(state, at_once, tuple(cameras), adopted, tuple(cameras[:3]), "2026-11-22T12:00:00Z")  # type: ignore[arg-type] # the four states
    assert parse_plan(format_plan(one)) == one


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no JSON",
        "[]",
        '{"state":"running"}',
        '{"state":"x","at_once":1,"cameras":[]}',
        '{"state":"running","at_once":0,"cameras":[1]}',
        '{"state":"running","at_once":1,"cameras":["a"]}',
    ],
)
def test_what_is_no_plan_hides_nothing(text: str | None) -> None:
    assert parse_plan(text) is None


@given(st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["adopt", "skip", "remove"])), max_size=40))
def test_any_order_of_events_ends_and_never_gives_a_turn_twice(events: list[tuple[int, str]]) -> None:
    now, adopters, over = plan(2), dict(NOBODY), set[int]()
    for id_, what in events:
        if what == "adopt" and id_ in adopters:
            adopters[id_] = "a"
        elif what == "remove":
            adopters.pop(id_, None)
        elif what == "skip":
            now = skip(now, id_)
        now = advance(now, adopters)
        over |= {*now.adopted, *now.skipped}
        assert not over & set(now.now(ALL)) and len(now.now(ALL)) <= 2
        assert (now.state == "done") == (not now.waiting)
