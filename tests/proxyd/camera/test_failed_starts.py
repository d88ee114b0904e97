"""Cameras that could not start: the pauses before each next try."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from proxyd.api.models import CameraState
from proxyd.camera.failed_starts import RETRY_MOST_S, FailedStarts
from proxyd.camera.status import Failure
from tests.proxyd.onvif.builders import camera_spec

TAKEN = Failure(CameraState.PORT_IN_USE, "port 80 is taken")
GONE = Failure(CameraState.FAILED, "the address is gone")
SPEC = camera_spec()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_pauses_grow_to_their_limit() -> None:
    clock = Clock()
    failed, pauses = FailedStarts(clock), []
    for _ in range(8):
        failed.note(SPEC, TAKEN)
        begun = clock.now
        while failed.must_wait(SPEC):
            assert not failed.due()
            clock.now += 1.0
        assert failed.due()
        pauses.append(clock.now - begun)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30] and pauses[-1] == RETRY_MOST_S


def test_another_spec_is_tried_at_once_and_begins_with_the_shortest_pause() -> None:
    clock = Clock()
    failed, moved = FailedStarts(clock), replace(SPEC, address="10.0.0.9")
    failed.note(SPEC, TAKEN)
    failed.note(SPEC, TAKEN)
    assert failed.must_wait(SPEC) and not failed.must_wait(moved)
    failed.note(moved, TAKEN)
    clock.now += 1.0
    assert not failed.must_wait(moved)


def test_only_another_failure_is_news() -> None:
    failed = FailedStarts(Clock())
    assert [failed.note(SPEC, failure) for failure in (TAKEN, TAKEN, GONE)] == [True, False, True]
    assert failed.failure(SPEC.id) == GONE


def test_forgotten_when_it_runs_or_need_not() -> None:
    failed = FailedStarts(Clock())
    for forget in (partial(failed.forget, SPEC.id), partial(failed.keep, ())):
        failed.note(SPEC, TAKEN)
        failed.keep({SPEC.id})
        assert failed.failure(SPEC.id) == TAKEN
        forget()
        assert failed.failure(SPEC.id) is None and not failed.due() and not failed.must_wait(SPEC)
