"""A guesser is slowed down, a recorder never kept out."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.guess_line import GuessLine
from proxyd.camera.guesses import BURST, MAX_ADDRESSES, MAX_TRUSTED, SECONDS_EACH, Guesses

RECORDER = "192.0.2.20"
GUESSER = "192.0.2.66"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _delay(guesses: Guesses, address: str = GUESSER, username: str = "onvif") -> float:
    return guesses.delay(guesses.budget(address, username))


def _exhaust(guesses: Guesses, address: str = GUESSER, username: str = "admin") -> int:
    """How many wrong passwords were looked at until the next one has to wait."""
    for count in range(10_000):
        if _delay(guesses, address, username):
            return count
        guesses.wrong(address, username)
    raise AssertionError("nothing was slowed")


def test_the_first_wrong_passwords_are_answered_at_once() -> None:
    guesses = Guesses(Clock())
    assert _exhaust(guesses) == BURST
    assert _delay(guesses) == pytest.approx(SECONDS_EACH)


def test_an_hour_of_guessing_is_an_hour_of_turns() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    looked_at = 0
    for _ in range(72_000):
        if not _delay(guesses, username="admin"):
            looked_at += 1
            guesses.wrong(GUESSER, "admin")
        clock.now += 0.05
    assert looked_at <= 3600 / SECONDS_EACH + BURST


def test_others_do_not_notice() -> None:
    guesses = Guesses(Clock())
    _exhaust(guesses)
    assert _delay(guesses, RECORDER) == 0.0


def test_right_passwords_cost_nothing_and_pay_for_no_wrong_ones() -> None:
    guesses = Guesses(Clock())
    guesses.right(GUESSER, "onvif")
    for _ in range(1000):
        assert not _delay(guesses)
        guesses.right(GUESSER, "onvif")
    assert _exhaust(guesses, username="onvif") == BURST
    guesses.right(GUESSER, "onvif")
    assert _delay(guesses) > 0


def test_an_account_that_worked_is_not_slowed_by_guesses_at_other_names_from_its_address() -> None:
    guesses = Guesses(Clock())
    guesses.right(RECORDER, "onvif")
    _exhaust(guesses, RECORDER, "admin")
    assert _delay(guesses, RECORDER, "onvif") == 0.0


def test_no_number_of_wrong_passwords_makes_the_next_one_wait_longer() -> None:
    guesses = Guesses(Clock())
    for _ in range(10_000):
        guesses.wrong(RECORDER, "onvif")
    assert _delay(guesses, RECORDER) == pytest.approx(SECONDS_EACH)


def test_all_addresses_of_an_ipv6_network_count_as_one() -> None:
    guesses = Guesses(Clock())
    for number in range(BURST):
        guesses.wrong(f"2001:db8::{number:x}", "admin")
    assert _delay(guesses, "2001:db8::ffff%eth0") > 0
    assert _delay(guesses, "2001:db8:0:1::1") == 0.0


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=20), st.booleans()), max_size=50))
def test_memory_is_bounded_whoever_asks(clients: list[tuple[str, str, bool]]) -> None:
    guesses = Guesses(Clock())
    for number in range(2 * MAX_ADDRESSES):
        guesses.wrong(f"10.0.{number // 256}.{number % 256}", "x")
    for number in range(2 * MAX_TRUSTED):
        guesses.right(RECORDER, str(number))
    for address, username, right in clients:
        guesses.wrong(address, username)
        if right:
            guesses.right(address, username)
    assert len(guesses._paid_at) <= MAX_ADDRESSES
    assert len(guesses._trusted) <= MAX_TRUSTED


async def test_turns_come_in_order_and_who_hangs_up_leaves_the_line() -> None:
    loop = asyncio.get_running_loop()
    guesses = Guesses(loop.time)
    line = GuessLine(guesses)
    _exhaust(guesses)
    order: list[int] = []

    async def wait(number: int) -> None:
        async with line.turn(GUESSER, "admin"):
            guesses.wrong(GUESSER, "admin")
            order.append(number)

    began = loop.time()
    waiting = [asyncio.create_task(wait(number)) for number in range(200)]
    await asyncio.sleep(0)
    for gone in waiting[:197]:
        gone.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == [197, 198, 199]
    assert 2 * SECONDS_EACH < loop.time() - began < 20 * SECONDS_EACH
    assert line._lines == {}


async def test_right_passwords_in_a_line_go_on_one_right_after_the_other() -> None:
    loop = asyncio.get_running_loop()
    guesses = Guesses(loop.time)
    line = GuessLine(guesses)
    _exhaust(guesses)

    async def wait() -> float:
        async with line.turn(GUESSER, "onvif"):
            return loop.time()

    times = await asyncio.gather(*(wait() for _ in range(100)))
    assert max(times) - min(times) < SECONDS_EACH
