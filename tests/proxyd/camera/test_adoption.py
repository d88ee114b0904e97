"""Who has adopted a camera: signed in, asked for streams, played; and when another takes over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.adoption import TAKE_OVER_AFTER, adopter
from proxyd.camera.meeting import MAX_FAULTS, MAX_MEETINGS, Meeting, Meetings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STEPS = (("onvif", "GetProfiles"), ("onvif", "GetStreamUri"), ("rtsp", "PLAY main"))


def met(address: str, steps: int = 3, at: datetime = NOW) -> Meeting:
    """A recorder that took the first `steps` of STEPS."""
    meeting = Meeting(address, at, at)
    for protocol, operation in STEPS[:steps]:
        meeting.exchanged(at, protocol=protocol, operation=operation, ok=True, auth="x", reason="", tls=False)
    return meeting


def who(known: str, *meetings: Meeting, playing: tuple[str, ...] = (), since: datetime = NOW) -> str:
    return adopter(known, meetings, playing=playing, since=since, now=NOW)


def test_all_three_steps_make_an_adoption() -> None:
    assert who("", met("10.0.0.3", 0), met("10.0.0.4", 1), met("10.0.0.5", 2)) == ""
    assert who("", met("10.0.0.3")) == "10.0.0.3"


def test_unsigned_steps_do_not_count() -> None:
    meeting = met("10.0.0.3", 0)
    for protocol, operation in STEPS:
        meeting.exchanged(NOW, protocol=protocol, operation=operation, ok=True, auth="", reason="", tls=False)
    assert who("", meeting) == ""


def test_a_second_recorder_does_not_take_over_from_one_that_is_heard_or_plays() -> None:
    long_ago = NOW - 2 * TAKE_OVER_AFTER
    assert who("10.0.0.3", met("10.0.0.3", 1), met("10.0.0.4"), since=long_ago) == "10.0.0.3"
    silent = met("10.0.0.3", 1, at=long_ago)
    assert who("10.0.0.3", silent, met("10.0.0.4"), playing=("10.0.0.3",), since=long_ago) == "10.0.0.3"


def test_after_a_restart_the_first_recorder_has_time_to_come_back() -> None:
    assert who("10.0.0.3", met("10.0.0.4"), since=NOW - TAKE_OVER_AFTER / 2) == "10.0.0.3"


def test_another_takes_over_from_one_that_is_silent_for_long() -> None:
    long_ago = NOW - TAKE_OVER_AFTER - timedelta(seconds=1)
    others = (met("10.0.0.4"), met("10.0.0.5", 2), met("10.0.0.6"))
    assert who("10.0.0.3", met("10.0.0.3", at=long_ago), *others, playing=("10.0.0.4",), since=long_ago) == "10.0.0.4"
    assert who("10.0.0.3", met("10.0.0.3", at=long_ago), others[1], since=long_ago) == "10.0.0.3"


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), max_size=200))
def test_what_is_remembered_is_bounded(exchanges: list[tuple[int, int, bool]]) -> None:
    meetings = Meetings()
    for number, operation, ok in exchanges:
        meetings(f"10.0.0.{number}", NOW).exchanged(
            NOW, protocol="onvif", operation=f"Get{operation}", ok=ok, auth="", reason="no", tls=False
        )
    assert len(meetings.all()) <= MAX_MEETINGS
    assert all(len(meeting.faults) <= MAX_FAULTS for meeting in meetings.all())
    if exchanges:
        assert meetings.all()[-1].address == f"10.0.0.{exchanges[-1][0]}"
