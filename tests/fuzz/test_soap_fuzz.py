"""Requests that are nearly right: each gets a valid answer, quickly, in bounded memory; in process and over a socket.

`python -m tests.fuzz` asks a million times.
"""

from __future__ import annotations

import pytest

from proxyd.onvif.faults import action_not_supported
from proxyd.onvif.soap import CONTENT_TYPE
from tests.proxyd.onvif.schemas import Validator

from . import in_process, over_sockets
from .verdict import Judge

IN_PROCESS = 20_000
OVER_SOCKETS = 2_000
SLOWEST_S = 1.0
GROWTH_MB = 8.0  # after the first tenth, when every cache and table has been filled once


@pytest.mark.timeout(600)
def test_no_request_makes_an_invalid_or_slow_answer(validator: Validator) -> None:
    tally, judge = in_process.run(validator, IN_PROCESS, seed=7, one_in=100)
    assert tally.slowest_s < SLOWEST_S, tally.slowest
    assert tally.memory[-1] - tally.memory[1] < GROWTH_MB, tally.memory
    assert tally.requests == sum(judge.statuses.values()) == IN_PROCESS
    # That it was not only refused at the door: many operations answered, and many sorts of faults were given.
    assert judge.statuses[200] > IN_PROCESS / 10
    assert len(judge.kinds) > 150


@pytest.mark.timeout(600)
async def test_no_request_makes_a_bad_answer_over_a_socket(
    validator: Validator, caplog: pytest.LogCaptureFixture
) -> None:
    tally, judge = await over_sockets.run(validator, OVER_SOCKETS, seed=11, one_in=50)
    assert tally.slowest_s < SLOWEST_S, tally.slowest
    assert tally.memory[-1] - tally.memory[1] < GROWTH_MB, tally.memory
    assert judge.statuses[200] > OVER_SOCKETS / 10
    assert judge.statuses[405] and judge.statuses[415]
    assert [each.getMessage() for each in caplog.records if each.levelname != "DEBUG"] == [], "strangers fill no log"


@pytest.mark.parametrize(
    ("status", "content_type", "before", "after"),
    [
        (200, CONTENT_TYPE, b"", b""),
        (500, CONTENT_TYPE, b"", b""),
        (400, "text/html", b"", b""),
        (400, CONTENT_TYPE, b" ", b""),
        (400, CONTENT_TYPE, b"", b"x"),
        (400, CONTENT_TYPE, b"<!-- NvrProfile1 -->", b""),
    ],
)
def test_the_judge_sees_what_is_wrong(
    validator: Validator, status: int, content_type: str, before: bytes, after: bytes
) -> None:
    fault = action_not_supported("GetWeather").to_bytes()
    judge = Judge(validator, one_in=1)
    judge.check(400, CONTENT_TYPE, fault)
    with pytest.raises((AssertionError, ValueError, SyntaxError)):
        judge.check(status, content_type, before + fault + after)
