"""xs:duration and xs:dateTime."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.onvif.durations import format_duration, format_instant, parse_duration, seconds_until

from .builders import NOW


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT60S", 60), ("PT1M30.5S", 90.5), ("P1DT1H", 90000), ("-PT5S", -5), ("P", None), ("PT", None), ("5", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(60, "PT60S"), (90.5, "PT90.5S"), (1_728_000.0, "PT1728000S"), (0.00001, "PT0S")]
)
def test_durations_have_no_exponent(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_absolute_times() -> None:
    assert seconds_until("2026-11-22T11:31:05Z", NOW) == 60
    assert seconds_until("2026-11-22T11:31:05", NOW) == 60
    assert seconds_until("2026-11-22T12:31:05+01:00", NOW) == 60
    assert seconds_until("soon", NOW) is None
    assert format_instant(NOW) == "2026-11-22T11:30:05.000Z"


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_none(text: str) -> None:
    result = seconds_until(text, NOW)
    assert result is None or isinstance(result, float)
