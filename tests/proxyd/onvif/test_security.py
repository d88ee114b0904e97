"""UsernameToken: digest, clock, nonce."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.digest import Verdict
from proxyd.onvif.security import MAX_NONCES, TokenVerifier, describe_skew, parse_created
from proxyd.onvif.soap import UsernameToken, parse_envelope

from .builders import NOW, PASSWORD, USERNAME, soap, username_token


def _token(header: str) -> UsernameToken:
    token = parse_envelope(soap("tds:GetUsers", header=header)).security
    assert token is not None
    return token


def _verify(header: str, verifier: TokenVerifier | None = None) -> Verdict:
    return (verifier or TokenVerifier()).verify(_token(header), username=USERNAME, password=PASSWORD, now=NOW)


def _created(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def test_right_token_is_accepted() -> None:
    assert _verify(username_token()) == Verdict(True, scheme="UsernameToken")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (username_token(password="other"), "wrong password"),
        (username_token(username="admin"), "unknown user name"),
        (username_token(kind="Text"), "clear text"),
        (username_token(created=_created(-301)), "5 min"),
        (username_token(created=_created(301)), "5 min"),
        (username_token(created=_created(7 * 3600 + 125)), "clock differs by 7 h 02 min"),
        (username_token(created=_created(-9 * 365 * 86400)), "but the client's clock says 2"),
        (username_token(created="yesterday"), "malformed"),
        (username_token(created="0001-01-01T00:00:00+14:00"), "malformed"),  # in UTC there is no such year
        (username_token(created="9999-12-31T23:59:59-14:00"), "malformed"),
        (username_token(created=""), "lacks"),
        (username_token(nonce=b""), "lacks"),
        (username_token().replace("</wsse:Nonce>", "§</wsse:Nonce>"), "malformed"),
    ],
)
def test_refusals_say_why(header: str, reason: str) -> None:
    verdict = _verify(header)
    assert not verdict.ok
    assert reason in verdict.reason
    assert PASSWORD not in verdict.reason


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_window_is_five_minutes_each_way(seconds: int) -> None:
    assert _verify(username_token(created=_created(seconds))).ok


@pytest.mark.parametrize(
    "created", ["2026-11-22T11:30:05.123Z", "2026-11-22T11:30:05", "2026-11-22T13:30:05.1234567+02:00"]
)
def test_time_stamps_as_clients_write_them(created: str) -> None:
    assert _verify(username_token(created=created)).ok


def test_a_nonce_is_used_once() -> None:
    verifier, header = TokenVerifier(), username_token(nonce=b"once")
    assert _verify(header, verifier).ok
    assert "used before" in _verify(header, verifier).reason
    assert "used before" in _verify(username_token(nonce=b"once", created=_created(9)), verifier).reason


def test_a_refused_token_does_not_spend_its_nonce() -> None:
    verifier = TokenVerifier()
    assert not _verify(username_token(password="other", nonce=b"n"), verifier).ok
    assert _verify(username_token(nonce=b"n"), verifier).ok


def test_full_memory_never_opens_the_door_to_a_replay() -> None:
    verifier = TokenVerifier(max_nonces=10)
    sent = [username_token(nonce=b"x%d" % n, created=_created(n)) for n in range(40)]
    assert all(_verify(header, verifier).ok for header in sent)
    assert not any(_verify(header, verifier).ok for header in sent)


def test_full_memory_stays_closed_when_an_older_token_comes_late() -> None:
    verifier = TokenVerifier(max_nonces=2)
    header = {seconds: username_token(nonce=b"%d" % seconds, created=_created(seconds)) for seconds in (5, 10, 11, 20)}
    assert all(_verify(header[seconds], verifier).ok for seconds in (10, 11, 5, 20))
    assert not any(_verify(one, verifier).ok for one in header.values())


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=40))
def test_no_token_is_accepted_twice_whatever_order_the_clocks_of_clients_give(sent: list[tuple[int, int]]) -> None:
    verifier, accepted = TokenVerifier(max_nonces=3), set()
    for number, seconds in sent:
        verdict = _verify(username_token(nonce=b"%d" % number, created=_created(seconds)), verifier)
        assert not (verdict.ok and (number, seconds) in accepted)
        if verdict.ok:
            accepted.add((number, seconds))


def test_full_memory_is_small_enough_for_128_cameras() -> None:
    verifier = TokenVerifier()
    tokens = [_token(username_token(nonce=b"x%d" % n, created=_created(n / 100))) for n in range(MAX_NONCES)]
    tracemalloc.start()
    try:
        for token in tokens:
            assert verifier.verify(token, username=USERNAME, password=PASSWORD, now=NOW).ok
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 512 * 1024


def test_memory_forgets_what_has_expired() -> None:
    verifier = TokenVerifier(max_nonces=2)
    for minutes in range(0, 60, 10):
        moment = NOW + timedelta(minutes=minutes)
        token = _token(username_token(created=moment.isoformat()))
        assert verifier.verify(token, username=USERNAME, password=PASSWORD, now=moment).ok


@given(st.text(max_size=40))
def test_any_time_stamp_is_read_or_refused(text: str) -> None:
    moment = parse_created(text)
    assert moment is None or isinstance(moment, float)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (420, "differs by 7 min"),
        (-3600, "differs by 1 h 00 min"),
        (90000, "differs by 25 h 00 min"),
        (25320, "differs by 7 h 02 min"),
        (-283996800, "says 2017-11-22"),
    ],
)
def test_clock_difference_in_words(seconds: float, words: str) -> None:
    now = datetime(2026, 11, 22, 9, 30, tzinfo=UTC).timestamp()
    assert describe_skew(seconds, now + seconds) == f"the client's clock {words}"
