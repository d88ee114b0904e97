"""The rules of the SSH server without a server: limits, words, environments, terminals."""

from __future__ import annotations

import argparse
import os
import re
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onviftui.arguments import build_parser
from onviftui.ssh.algorithms import KEY_EXCHANGES, offered
from onviftui.ssh.command import parse_listen
from onviftui.ssh.endings import BROKEN, ending_of, idle_line
from onviftui.ssh.environment import CappedVariables, accepted, for_session, sane_size
from onviftui.ssh.limits import LONGEST_DELAY_S, Failures, Said, Waiting, place
from onviftui.ssh.remote import refuse_local, split_words
from onviftui.ssh.terminal_reset import ScreenWatch, terminal_reset
from proxyd.errors import InvalidInput, NotAllowed
from tests.reference import leaves


def test_algorithms_are_those_that_the_build_has() -> None:
    assert offered(KEY_EXCHANGES, [b"rsa1024-sha1", b"curve25519-sha256"]) == ["curve25519-sha256"]
    with pytest.raises(ValueError, match="none of the algorithms"):
        offered(KEY_EXCHANGES, [b"rsa1024-sha1"])


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("?", "?"),
    ],
)
def test_what_counts_as_one_address(address: str, counted: str) -> None:
    assert place(address) == counted


def test_the_oldest_of_the_busiest_address_makes_room() -> None:
    waiting = Waiting(in_all=4, per_address=3)
    assert [waiting.add(number, "10.0.0.1") for number in (1, 2, 3)] == [None, None, None]
    assert waiting.add(4, "10.0.0.1") == 1
    assert waiting.add(5, "10.0.0.2") is None
    assert waiting.add(6, "10.0.0.3") == 2
    waiting.remove(3)
    waiting.remove(3)
    assert waiting.add(7, "10.0.0.4") is None and len(waiting) == 4


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=200))
def test_waiting_connections_never_exceed_their_limits(steps: list[tuple[int, bool]]) -> None:
    waiting, there = Waiting(in_all=6, per_address=3), dict[int, int]()
    for number, (where, leaves_again) in enumerate(steps, 1):
        there[number] = where
        victim = waiting.add(number, f"10.0.0.{where}")
        assert victim != number
        if victim is not None:
            del there[victim]
        if leaves_again and there:
            gone = min(there)
            del there[gone]
            waiting.remove(gone)
        assert len(waiting) == len(there) <= 6
        assert all(list(there.values()).count(one) <= 3 for one in there.values())


def test_wrong_passwords_make_the_next_one_wait_and_are_forgotten() -> None:
    failures = Failures(addresses=2)
    delays = []
    for count in range(12):
        delays.append(failures.delay("10.0.0.1", 0.0))
        assert failures.add("10.0.0.1", 0.0) == count + 1
    assert delays[:3] == [0, 0, 0] and delays[3:6] == [0.5, 1, 2] and max(delays) == LONGEST_DELAY_S
    assert failures.delay("10.0.0.2", 0.0) == 0
    assert failures.delay("10.0.0.1", 12 * 60.0) == 0
    failures.forget("10.0.0.1")
    assert failures.delay("10.0.0.1", 0.0) == 0


def test_failures_of_many_addresses_are_bounded() -> None:
    failures = Failures(addresses=10)
    for number in range(1000):
        failures.add(f"10.0.{number // 250}.{number % 250}", float(number))
    assert len(failures) == 10


def test_a_flood_of_lines_is_counted_instead_of_written() -> None:
    said = Said(most=3)
    assert [said.may(1000.0 + second) for second in range(5)] == [True, True, True, False, False]
    assert said.left_out(1059.0) == 0 and said.left_out(1060.0) == 2
    assert said.may(1060.0) and said.left_out(1130.0) == 0


def test_only_wanted_variables_are_kept_and_few() -> None:
    kept = CappedVariables(3)
    for name in (b"LANG", b"LD_PRELOAD", b"PATH", b"COLORTERM", b"ONVIFTUI_SOCKET", b"NO_COLOR", b"TERM_PROGRAM"):
        kept[name] = b"x"
    kept[b"LANG"] = b"de_DE.UTF-8"
    kept[b"COLORTERM"] = b"y" * 1000
    assert dict(kept) == {b"LANG": b"de_DE.UTF-8", b"COLORTERM": b"x", b"NO_COLOR": b"x"}
    assert accepted({b"LANG": b"../../x", b"COLORTERM": b"truecolor", b"\xff": b"\xff"}) == {"COLORTERM": "truecolor"}


def test_a_session_gets_no_more_than_it_needs() -> None:
    given_env = for_session({b"LANG": b"C"}, "xterm", "10.0.0.5 1 10.0.0.1 2222", Path("/state"), "anna")
    assert given_env["TERM"] == "xterm" and given_env["LANG"] == "C"
    assert given_env["XDG_CONFIG_HOME"] == "/state/users/anna"
    assert for_session({}, "../x\x1b[2J", "", Path("/s"), "a")["TERM"] == "vt100"
    assert "TERM" not in for_session({}, None, "", Path("/s"), "a")


@given(*[st.integers(0, 2**32 - 1)] * 4)
def test_any_size_of_a_terminal_is_made_sane(width: int, height: int, across: int, down: int) -> None:
    columns, rows, pixels_across, pixels_down = sane_size(width, height, across, down)
    assert 1 <= columns <= 500 and 1 <= rows <= 200
    assert 0 <= pixels_across < 65536 and 0 <= pixels_down < 65536


def test_words_are_taken_apart_without_a_shell() -> None:
    assert split_words("camera edit 1 --name 'Loading dock'") == ["camera", "edit", "1", "--name", "Loading dock"]
    assert split_words("onviftui camera list") == ["camera", "list"]
    assert split_words("camera list; rm -rf $HOME `id`") == ["camera", "list;", "rm", "-rf", "$HOME", "`id`"]
    assert split_words("") == []
    for wrong in ("camera '", "camera \0"):
        with pytest.raises(InvalidInput):
            split_words(wrong)


def test_every_argument_that_names_a_file_is_known_as_one() -> None:
    """So that none reaches the box's files by SSH; what names a file of the other side is no path here."""
    named = [
        (leaf, action)
        for leaf in leaves(build_parser())
        for action in leaf._actions
        if re.search(r"FILE|FOLDER|PATH", str(action.metavar or "")) or "file" in action.dest
    ]
    assert len(named) > 5
    assert not [(leaf.prog, action.dest) for leaf, action in named if action.type is not Path]


def test_files_and_sockets_of_the_box_are_refused() -> None:
    for values in (
        {"noun": "demo"},
        {"noun": "ssh"},
        {"noun": "camera", "socket": Path("/x")},
        {"noun": "camera", "output": Path("picture.jpg")},
        {"noun": "camera", "files": [Path("-"), Path("/etc/passwd")]},
    ):
        with pytest.raises(NotAllowed):
            refuse_local(argparse.Namespace(**values))
    refuse_local(argparse.Namespace(noun="camera", socket=None, output=Path("-"), ids=["1"]))


@pytest.mark.parametrize("term", ["xterm-256color", "tmux-256color", "xterm-kitty", "linux", "vt100", "dumb", ""])
def test_a_reset_suits_the_terminal(term: str) -> None:
    for alternate in (True, False):
        reset = terminal_reset(term, alternate=alternate)
        assert reset.endswith(b"\r" if alternate and term != "dumb" else b"\r\n")
        assert (b"\x1b[?1049l" in reset) == (alternate and term != "dumb")
        if term in ("linux", "vt100", "dumb"):
            assert b"]2;" not in reset and b"<u" not in reset
        else:
            assert reset.index(b"\x1b[<u") < reset.index(b"\x1b[?25h")


@given(st.lists(st.sampled_from([b"\x1b[?1049h", b"\x1b[?1049l", b"text", b"\x1b[?1049"]), max_size=12), st.data())
def test_the_screen_that_is_on_is_known_however_bytes_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    stream, watch = b"".join(parts), ScreenWatch()
    rest = stream
    while rest:
        cut = data.draw(st.integers(1, len(rest)))
        watch.feed(rest[:cut])
        rest = rest[cut:]
    assert watch.alternate == (stream.rfind(b"\x1b[?1049h") > stream.rfind(b"\x1b[?1049l"))


def test_endings_are_told_in_one_line() -> None:
    assert ending_of(0, "abc", 1).line == "" and ending_of(3 << 8, "abc", 1).status == 3
    for status in (BROKEN << 8, int(signal.SIGKILL), int(signal.SIGTERM), 60):
        ending = ending_of(status, "abc123", 512 * 1024 * 1024)
        assert ending.status == BROKEN and not ending.clean
        assert "abc123" in ending.line and "\n" not in ending.line
    assert os.WIFSIGNALED(9) and "512 MB" in ending_of(9, "x", 512 * 1024 * 1024).line
    assert "30 min" in idle_line(1800) and "3 s" in idle_line(3)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [(":2222", "", 2222), ("2222", "", 2222), ("10.0.0.1:22", "10.0.0.1", 22), ("[::1]:2222", "::1", 2222)],
)
def test_where_to_listen(text: str, host: str, port: int) -> None:
    assert parse_listen(text) == (host, port)


@pytest.mark.parametrize("text", ["", "x", "10.0.0.1", "10.0.0.1:", ":65536", ":-1"])
def test_what_is_no_place_to_listen_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_listen(text)
