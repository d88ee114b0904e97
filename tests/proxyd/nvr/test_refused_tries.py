"""Refused tries of an account are counted as the NVR counts them."""

from __future__ import annotations

from proxyd.camera.spec import NvrAccess
from proxyd.nvr.refused_tries import FORGET_S, MOST, RefusedTries, words_of


def account(number: int = 1) -> NvrAccess:
    return NvrAccess(f"192.0.2.{number}", 80, "admin", "wrong")


def test_tries_in_a_row_are_counted_until_one_is_accepted() -> None:
    tries = RefusedTries()
    assert [tries.refused(account(), now) for now in (0.0, 1.0, 2.0)] == [1, 2, 3]
    assert tries.count(account(2), 3.0) == 0
    tries.accepted(account())
    assert tries.refused(account(), 4.0) == 1


def test_old_ones_and_too_many_are_forgotten() -> None:
    tries = RefusedTries()
    tries.refused(account(), 0.0)
    assert tries.count(account(), FORGET_S - 1) == 1
    assert tries.count(account(), FORGET_S) == 0
    for number in range(2, MOST + 2):
        tries.refused(account(number), 1.0)
    assert tries.count(account(), 1.0) == 0


def test_words_say_how_many_are_left() -> None:
    assert words_of(1) == "1 try was refused; many NVRs lock an account after 5, so 4 may be left."
    assert words_of(4).endswith("so 1 may be left.")
    assert "may have locked" in words_of(5)
