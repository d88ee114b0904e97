"""By which method pictures are drawn, and that a terminal's answers are never taken for keys."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onviftui.pictures.capability import QUESTIONS, Answers, Method, choose, may_ask, over_ssh
from onviftui.pictures.replies import Replies
from onviftui.terminal import Colours

KITTY = "\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;20;10t\x1b_Gi=31;OK\x1b\\\x1b[?62;c"
XTERM = "\x1bP>|XTerm(379)\x1b\\\x1b[6;19;9t\x1b[?64;1;2;4;6;9;15;22c"
WEZTERM = "\x1bP>|WezTerm 20240203\x1b\\\x1b[6;20;10t\x1b_Gi=31;OK\x1b\\\x1b[?65;4;6;18;22c"
GHOSTTY = "\x1bP>|ghostty 1.1.0\x1b\\\x1b[6;36;18t\x1b_Gi=31;OK\x1b\\\x1b[?62;22c"
PUTTY = "\x1b[?6c"
XENVIRON = {"TERM": "xterm-256color"}


def answers(text: str) -> Answers:
    replies = Replies()
    assert replies.feed(text) == ""
    return replies.answers


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (KITTY, Method.KITTY),
        (GHOSTTY, Method.KITTY),
        (KITTY.replace("0.36.4", "0.26.5"), Method.BLOCKS),  # knows no placeholders yet
        (XTERM, Method.SIXEL),
        (XTERM.replace("\x1b[6;19;9t", ""), Method.BLOCKS),  # nobody knows how large a picture would be
        (WEZTERM, Method.SIXEL),  # kitty's pictures, but without placeholders
        (PUTTY, Method.BLOCKS),
        ("", Method.BLOCKS),
    ],
)
def test_the_finest_that_the_terminal_can(text: str, method: Method) -> None:
    assert choose(XENVIRON, Colours.TRUE, answers(text)) is method


@pytest.mark.parametrize("environ", [{"TERM": "tmux-256color"}, {"TERM": "screen"}, XENVIRON | {"TMUX": "/tmp/t,1,0"}])
def test_inside_tmux_and_screen_there_are_half_blocks(environ: dict[str, str]) -> None:
    assert not may_ask(environ)
    assert choose(environ, Colours.MANY, answers(XTERM)) is Method.BLOCKS


def test_few_colours_are_characters_unless_there_are_sixels() -> None:
    assert choose({"TERM": "linux"}, Colours.SIXTEEN, Answers()) is Method.CHARACTERS
    assert choose(XENVIRON, Colours.NONE, answers(XTERM)) is Method.CHARACTERS, "NO_COLOR is the user's word"
    assert choose(XENVIRON, Colours.TRUE, Answers(), ascii_only=True) is Method.CHARACTERS
    assert choose({"TERM": "xterm"}, Colours.SIXTEEN, answers(XTERM)) is Method.SIXEL
    assert choose(XENVIRON, Colours.MANY, answers(KITTY)) is Method.BLOCKS, "a placeholder needs its exact colour"


@pytest.mark.parametrize("wanted", list(Method))
def test_the_users_choice_is_taken(wanted: Method) -> None:
    assert choose(XENVIRON, Colours.TRUE, answers(KITTY), wanted=wanted) is wanted
    assert choose(XENVIRON, Colours.TRUE, Answers(), wanted="nonsense") is Method.BLOCKS


def test_only_who_may_have_an_answer_is_asked() -> None:
    assert may_ask(XENVIRON)
    assert may_ask(XENVIRON, Method.SIXEL), "the size of a cell is wanted"
    assert not may_ask(XENVIRON, Method.BLOCKS)
    assert not may_ask({"TERM": "linux"})
    assert not may_ask({})
    assert not may_ask(XENVIRON | {"TERM_PROGRAM": "Apple_Terminal"})
    assert QUESTIONS.endswith("\x1b[c"), "what all terminals answer comes last"


def test_a_session_by_ssh_is_known() -> None:
    assert over_ssh({"SSH_CONNECTION": "192.0.2.1 4 192.0.2.2 22"})
    assert not over_ssh({})


def test_what_was_answered() -> None:
    said = answers(WEZTERM)
    assert said == Answers(frozenset({65, 4, 6, 18, 22}), "WezTerm 20240203", (10, 20), kitty=True, complete=True)
    assert not answers("\x1b_Gi=31;ENOTSUPPORTED:x\x1b\\").kitty
    assert answers("\x1b[6;0;99999t").cell is None


ANSWERS = st.sampled_from([KITTY, XTERM, GHOSTTY, PUTTY, "\x1bP>|x\x07\x1b[?1;2c"])
KEYS = st.lists(
    st.sampled_from(["a", "7", "é", "\x1b[A", "\x1b[6~", "\x1b[1;5C", "\x1b[27u", "\x1b[<35;10;5M", "\x1bOP", "\t"]),
    max_size=8,
).map("".join)


@given(before=KEYS, answer=ANSWERS, after=KEYS, cuts=st.lists(st.integers(0, 120), max_size=8))
def test_keys_around_the_answers_arrive_however_they_are_cut(
    before: str, answer: str, after: str, cuts: list[int]
) -> None:
    text = before + answer + after
    replies = Replies()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    heard = "".join(replies.feed(text[a:b]) for a, b in pairwise(places)) + replies.release()
    assert heard == before + after
    assert replies.answers.complete


@given(st.text(max_size=200))
def test_whatever_comes_is_passed_on_or_an_answer(text: str) -> None:
    replies = Replies()
    passed = replies.feed(text) + replies.release()
    assert len(passed) <= len(text)
    assert "\x1b" in text or passed == text


def test_a_lone_escape_is_passed_on_when_nothing_follows() -> None:
    replies = Replies()
    assert replies.feed("\x1b") == ""
    assert replies.release() == "\x1b"
    assert replies.release() == ""


def test_after_the_last_answer_nothing_is_held_back() -> None:
    replies = Replies()
    replies.feed(PUTTY)
    assert replies.feed("\x1b") == "\x1b"
