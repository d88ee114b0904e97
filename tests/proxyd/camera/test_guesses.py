"""A guesser is slowed down, a recorder never."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.guesses import BURST, MAX_ADDRESSES, MAX_TRUSTED, MAX_WAIT_S, TRUSTED_BURST, Guesses

RECORDER = "192.0.2.20"
GUESSER = "192.0.2.66"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _exhaust(guesses: Guesses, address: str = GUESSER, username: str = "admin") -> int:
    """How many wrong passwords were looked at until one was refused unseen."""
    for count in range(10_000):
        if guesses.admit(address, username) is None:
            return count
    raise AssertionError("nothing was refused")


def test_the_first_wrong_passwords_are_answered_at_once_then_once_a_second() -> None:
    guesses = Guesses(Clock())
    waits = [guesses.admit(GUESSER, f"user{number}") for number in range(BURST + int(MAX_WAIT_S))]
    assert waits == [0.0] * BURST + [1.0, 2.0, 3.0, 4.0]
    assert guesses.admit(GUESSER, "admin") is None


def test_an_hour_of_guessing_is_an_hour_of_seconds() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    looked_at = 0
    for _ in range(36_000):
        looked_at += guesses.admit(GUESSER, "admin") is not None
        clock.now += 0.1
    assert looked_at <= 3600 + BURST + MAX_WAIT_S


def test_others_do_not_notice() -> None:
    guesses = Guesses(Clock())
    _exhaust(guesses)
    assert guesses.admit(RECORDER, "onvif") == 0.0


def test_a_recorder_with_an_old_password_works_at_once_when_it_is_right() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(1000):
        for _ in range(4):
            assert guesses.admit(RECORDER, "onvif") == 0.0
        clock.now += 5
    assert guesses.admit(RECORDER, "onvif") == 0.0


def test_a_recorder_that_worked_is_not_slowed_by_a_guesser_at_its_address() -> None:
    guesses = Guesses(Clock())
    assert guesses.admit(RECORDER, "onvif") == 0.0
    guesses.right(RECORDER, "onvif")
    _exhaust(guesses, RECORDER)
    for _ in range(1000):
        assert guesses.admit(RECORDER, "onvif") == 0.0
        guesses.right(RECORDER, "onvif")


def test_an_account_that_worked_is_no_free_pass_for_guessing_it() -> None:
    guesses = Guesses(Clock())
    guesses.right(GUESSER, "onvif")
    assert _exhaust(guesses, username="onvif") == TRUSTED_BURST + MAX_WAIT_S
    assert _exhaust(guesses, username="other") == BURST + MAX_WAIT_S


def test_right_passwords_and_harmless_refusals_cost_nothing() -> None:
    guesses = Guesses(Clock())
    for _ in range(1000):
        assert guesses.admit(RECORDER, "onvif") == 0.0
        guesses.harmless(RECORDER, "onvif")


def test_all_addresses_of_an_ipv6_network_count_as_one() -> None:
    guesses = Guesses(Clock())
    for number in range(int(BURST + MAX_WAIT_S)):
        assert guesses.admit(f"2001:db8::{number:x}", "admin") is not None
    assert guesses.admit("2001:db8::ffff%eth0", "admin") is None
    assert guesses.admit("2001:db8:0:1::1", "admin") == 0.0


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=20), st.booleans()), max_size=50))
def test_memory_is_bounded_whoever_asks(clients: list[tuple[str, str, bool]]) -> None:
    guesses = Guesses(Clock())
    for number in range(2 * MAX_ADDRESSES):
        guesses.admit(f"10.0.{number // 256}.{number % 256}", "x")
    for number in range(2 * MAX_TRUSTED):
        guesses.right(RECORDER, str(number))
    for address, username, right in clients:
        guesses.admit(address, username)
        if right:
            guesses.right(address, username)
    assert len(guesses._paid_at) <= MAX_ADDRESSES
    assert len(guesses._trusted) <= MAX_TRUSTED
