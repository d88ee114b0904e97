"""Names of many cameras by one pattern."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.api.renaming import Subject, name_problems, new_names, pattern_problem

TWO = [Subject(7, "Yard", "Garage", 3), Subject(9, "Front gate", "House", 12)]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{name}", ["Yard", "Front gate"]),
        ("Cam {n}", ["Cam 1", "Cam 2"]),
        ("{n:02} {name}", ["01 Yard", "02 Front gate"]),
        ("{nvr} {ch}", ["Garage 3", "House 12"]),
        ("{ch:02} {nvr}/{name}", ["03 Garage/Yard", "12 House/Front gate"]),
        ("{n:3}", ["001", "002"]),
        ("  much   room {n} ", ["much room 1", "much room 2"]),
    ],
)
def test_a_pattern_gives_names(pattern: str, names: list[str]) -> None:
    assert pattern_problem(pattern) == ""
    assert list(new_names(pattern, TWO).values()) == names


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (" ", "is empty"),
        ("{}", "means nothing"),
        ("{x}", "has {x}, which means nothing"),
        ("{n:0x}", "means nothing"),
        ("{name.__class__}", "means nothing"),
        ("{n", "without its other half"),
        ("n}", "without its other half"),
        ("x" * 129, "longer than 128"),
    ],
)
def test_what_is_wrong_with_a_pattern_is_said(pattern: str, words: str) -> None:
    assert words in pattern_problem(pattern)


def test_names_that_cannot_be_are_listed() -> None:
    others = {7: "Yard", 9: "Front gate", 10: "Cam 1"}
    assert name_problems(new_names("{n:02} {name}", TWO), others) == []
    assert name_problems(new_names("Cam {n}", TWO), others) == ["Camera 10 is called Cam 1 already."]
    assert name_problems(new_names("All", TWO), others) == ["2 cameras would be called All."]
    assert "would have 69 characters" in name_problems(new_names("x" * 64 + " {name}", TWO), others)[0]
    assert "password" in name_problems({7: "rtsp://anna:secret@192.0.2.1/"}, others)[0]
    assert name_problems({7: "a\x1bb"}, others) == ["'a\\x1bb' has characters that cannot be shown."]
    for pattern in ("\x1b[31m" * 14, "{\x1b[31m}", "{n} \u202e", "\ud800{n}"):  # nothing of it reaches a terminal
        said = [pattern_problem(pattern), *name_problems(new_names(pattern, TWO), others)]
        assert said[0] == "has characters that cannot be shown" and all(text.isprintable() for text in said)
    swapped = {7: "Front gate", 9: "Yard"}
    assert name_problems(swapped, others) == []  # both at once is possible


@given(st.text(max_size=140))
def test_any_pattern_is_judged_and_expanded(pattern: str) -> None:
    if not pattern_problem(pattern):
        names = new_names(pattern, TWO)
        assert set(names) == {7, 9}
        name_problems(names, {})
