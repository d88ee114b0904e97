from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onviftui.naming import find_id, find_ids
from onviftui.output import Column, Output, cut, display_width, format_pairs, format_table, harmless
from onviftui.picture_commands import some_names
from onviftui.progress import ProgressLine, format_bar
from proxyd.errors import Conflict, InvalidInput, NotFound, UpstreamAuthError
from tests.onviftui.cli_daemon import camera, job


def test_table_aligns_and_fits_the_width() -> None:
    columns = (Column("ID", right=True), Column("NAME", least=5), Column("REASON", least=6))
    rows = [(1, "Front gate", "all is well here"), (12, "玄関カメラ", "")]
    lines = format_table(columns, rows, 30)
    assert all(display_width(line) <= 30 for line in lines)
    assert lines[0].startswith("ID  NAME") and lines[1].startswith(" 1  Front gate") and lines[2].startswith("12  玄関")
    assert lines[1].endswith("…")


def test_table_is_not_cut_when_it_goes_into_a_file() -> None:
    long_reason = "x" * 500
    assert long_reason in format_table((Column("REASON", least=5),), [(long_reason,)], None)[1]


@given(st.text(), st.integers(0, 40))
def test_cut_never_exceeds_its_width(text: str, width: int) -> None:
    assert display_width(cut(harmless(text), width)) <= width


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5), st.integers(20, 60))
def test_device_texts_cannot_drive_the_terminal(rows: list[tuple[str, str]], width: int) -> None:
    lines = format_table((Column("A", least=3), Column("B", least=3)), rows, width)
    assert all(line.isprintable() and display_width(line) <= width for line in lines)


def test_pairs_leave_out_what_is_empty() -> None:
    assert format_pairs([("id", 3), ("reason", ""), ("online", 0), ("mac", None)]) == ["id:     3", "online: 0"]


def test_errors_in_one_line_or_as_json() -> None:
    error = InvalidInput("Wrong address.", "Try an IP.", {"host": "must be an address"})
    plain, machine = io.StringIO(), io.StringIO()
    Output(json_mode=False, err=plain).error(error)
    Output(json_mode=True, err=machine).error(error)
    assert plain.getvalue() == "Wrong address. (host: must be an address) Try an IP.\n"
    body = {"code": -32602, "message": "Wrong address.", "hint": "Try an IP.", "fields": {"host": "must be an address"}}
    assert json.loads(machine.getvalue()) == {"error": body}


def test_error_without_fields_has_an_empty_object() -> None:
    err = io.StringIO()
    Output(json_mode=True, err=err).error(UpstreamAuthError("No.", "Yes."))
    assert json.loads(err.getvalue())["error"]["fields"] == {}


CAMERAS = [camera(1, "Front gate"), camera(2, "Yard"), camera(3, "Yard"), camera(4, "1")]


def test_ids_win_over_names() -> None:
    assert find_id("1", CAMERAS, "camera") == 1
    assert find_id("Front gate", CAMERAS, "camera") == 1
    with pytest.raises(NotFound, match="no camera 'front gate'"):
        find_id("front gate", CAMERAS, "camera")
    with pytest.raises(Conflict, match=r"2 cameras are called 'Yard'\. Use one of the ids 2, 3"):
        find_id("Yard", CAMERAS, "camera")


def test_several() -> None:
    assert find_ids(["3", "Front gate", "3"], False, CAMERAS, "camera") == [3, 1]
    assert find_ids([], True, CAMERAS, "camera") == [1, 2, 3, 4]
    for typed, everything in (([], False), (["1"], True)):
        with pytest.raises(InvalidInput):
            find_ids(typed, everything, CAMERAS, "camera")


def test_bar() -> None:
    assert format_bar(0, None, 4) == "░░░░"
    assert format_bar(1, 2, 4) == "██░░"
    assert format_bar(9, 2, 4, unicode=False) == "####"


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_progress_redraws_one_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    terminal = _Terminal()
    progress = ProgressLine(terminal)
    progress.show(job(done=1, total=4, now="channel 2", eta_s=12.0))
    progress.show(job(done=1, total=4, now="channel 2", eta_s=12.0))
    progress.clear()
    drawn = terminal.getvalue()
    assert "\n" not in drawn and drawn.count("1/4") == 1 and "about 12 s left" in drawn and drawn.endswith("\r\x1b[K")
    assert all(display_width(part.replace("\x1b[K", "")) < 60 for part in drawn.split("\r"))


def test_progress_writes_plain_lines_elsewhere() -> None:
    err = io.StringIO()
    progress = ProgressLine(err)
    progress.show(job(done=0, total=None, now="asking the NVR"))
    progress.show(job(done=1, total=4, now="channel 2"))
    progress.clear()
    assert err.getvalue() == "scan 0/? asking the NVR\nscan 1/4 channel 2\n"


def test_fields_that_the_message_lists_already_are_not_said_twice() -> None:
    err = io.StringIO()
    Output(json_mode=False, err=err).error(
        InvalidInput("Wrong parameters: name: is empty.", fields={"name": "is empty"})
    )
    assert err.getvalue() == "Wrong parameters: name: is empty.\n"


def test_of_many_cameras_without_a_picture_only_some_are_named() -> None:
    names = [f"Channel {number}" for number in range(1, 66)]
    assert some_names(names[:9]) == ", ".join(names[:9])
    assert some_names(names) == f"{', '.join(names[:8])} and 57 more; --json names all"
