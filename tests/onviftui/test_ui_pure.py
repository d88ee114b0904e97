"""The pure parts: words, lines, columns, filters, alarms, keys, addresses, themes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from onviftui.address import read_port, split_address
from onviftui.alarms import alarms
from onviftui.filters import parse_filter
from onviftui.keys import KEYS, VIEWS, app_bindings, footer_keys, help_keys
from onviftui.screens.help import help_lines
from onviftui.store import Store
from onviftui.terminal import correct_colorterm, speaks_utf8
from onviftui.widgets.camera_lines import tall_detail
from onviftui.widgets.columns import GAP, Cell, Column, draw, place
from onviftui.widgets.job_lines import job_lines
from onviftui.widgets.line import broken, cut, fit, fit_middle, line, line_len, spread, texts, to_ascii, wrap
from onviftui.widgets.rows import LEFT, Drawn, Row, Selection, changed_cells, draw_row
from onviftui.words import (
    Look,
    Tone,
    camera_sign,
    channel_list,
    format_clock_offset,
    format_duration,
    format_mbit,
    format_time,
    format_when,
    number_ranges,
    nvr_sign,
)
from proxyd.api.models import CameraState, NvrState, Role, Status

from .fake_daemon import camera, job, nvr

TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=60)


def test_every_state_has_glyph_word_and_ascii() -> None:
    for state in CameraState:
        sign = camera_sign(camera(1, state))
        assert sign.glyph
        assert sign.ascii.isascii()
        assert sign.word == state.value
    assert camera_sign(camera(1, clients=2)).word == "playing"
    assert {camera_sign(camera(1, s)).tone for s in (CameraState.WRONG_PASSWORD, CameraState.FAILED)} == {Tone.ERROR}
    assert nvr_sign(NvrState.NEW).word == "not scanned yet"


def test_times_as_people_say_them() -> None:
    now = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert format_when("2026-11-22T08:03:00Z", now) == datetime(2026, 11, 22, 8, 3, tzinfo=UTC).astimezone().strftime(
        "%H:%M"
    )
    zone = timezone(timedelta(hours=1))
    assert format_when("2026-11-22T08:03:00Z", now, zone) == "09:03"
    assert format_when("2026-11-21T17:04:00Z", now, zone) == "yesterday 18:04"
    assert format_when("2026-11-03T17:04:00Z", now, zone) == "3 Nov 18:04"
    assert format_when("nonsense", now) == ""
    assert format_when(None, now) == ""
    assert format_time("2026-11-21T17:04:05Z", zone) == "18:04:05"
    assert [format_duration(s) for s in (12.3, 170, 25320, 400000)] == ["12 s", "3 min", "7 h 02 min", "4 days"]
    now = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert format_clock_offset(-25320, now) == "7 h 02 min behind"
    assert format_clock_offset(1.0, now) == "right"
    assert format_clock_offset(-3287 * 86400, now) == "set to 2017-11-22"
    assert format_clock_offset(1e12, now) == "set to a date that cannot be"


def test_numbers() -> None:
    assert [format_mbit(n) for n in (0, 20_000, 5_930_000, 142_000_000)] == ["", "<0.1", "5.9", "142"]
    assert channel_list([1, 3, 5], 2) == "ch 1, 3 and 1 more"


def test_channels_that_follow_each_other_are_said_as_first_and_last() -> None:
    assert channel_list(list(range(1, 65)), 2) == "ch 1-64"
    assert channel_list([4, 1, 2, 3, 9, 10], 8) == "ch 1-4, 9, 10"
    assert channel_list([1, 2, 3, 7, 9, 10, 11], 2) == "ch 1-3, 7 and 3 more"
    assert number_ranges([12, 1, 2, 3]) == "1-3, 12"
    assert channel_list([]) == ""


@given(st.integers(0, 300), st.one_of(st.none(), st.integers(0, 300)), st.integers(3, 80), st.booleans())
def test_bars_have_their_width(done: int, total: int | None, width: int, ascii_only: bool) -> None:
    bar = Look(ascii_only).bar(done, total, width)
    assert cell_len(bar) == width
    assert bar.isascii() or not ascii_only


@given(TEXT, st.integers(0, 40), st.booleans())
def test_fitting_gives_exactly_the_width(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right=right)) == width


@given(TEXT, st.integers(1, 40))
def test_middle_cut_and_wrap_stay_within(text: str, width: int) -> None:
    for pieces in wrap(text, max(4, width), limit=3):
        assert line_len(pieces) <= max(4, width)
    assert cell_len(fit_middle(text, width)) <= width


@given(st.lists(TEXT, max_size=5), TEXT, st.integers(1, 60))
def test_cut_and_spread_stay_within(parts: list[str], right: str, width: int) -> None:
    left = line(*parts)
    assert line_len(cut(left, width)) <= width
    ending = line(right[: width // 3]) if cell_len(right[: width // 3]) < width else ()
    assert line_len(spread(left, ending, width)) <= width


@given(TEXT)
def test_ascii_keeps_the_width(text: str) -> None:
    assert to_ascii(text).isascii()
    assert cell_len(to_ascii(text)) == cell_len(text)


COLUMNS = (
    Column("name", "NAME", 16, flex=3, longest=40),
    Column("state", "STATE", 9, flex=1, longest=20),
    Column("who", "WHO", 13, 3),
    Column("fps", "FPS", 3, 5, right=True),
)


@given(st.integers(30, 200))
def test_columns_never_overlap_or_leave_the_screen(width: int) -> None:
    placed = place(COLUMNS, width, 4)
    end = 4
    for number, spot in enumerate(placed):
        assert spot.x >= end + (GAP if number else 0) or number == 0
        end = spot.x + spot.width
    assert end <= width


def test_columns_leave_by_priority() -> None:
    assert [p.column.key for p in place(COLUMNS, 200)] == ["name", "state", "who", "fps"]
    assert [p.column.key for p in place(COLUMNS, 43)] == ["name", "state", "who"]
    assert [p.column.key for p in place(COLUMNS, 30)] == ["name", "state"]


def test_a_spilling_cell_takes_the_empty_neighbour() -> None:
    placed = place(COLUMNS, 60)
    cells = (Cell("Yard"), Cell("wrong NVR password", Tone.ERROR, spill=True), Cell(""), Cell("–"))
    spans = draw(placed, cells, "…")
    assert len(spans) == 3
    assert "wrong NVR password" in spans[1].text
    assert spans[2].text == "  –"


def test_control_characters_of_a_device_name_never_reach_the_terminal() -> None:
    spans = draw(place(COLUMNS, 60), (Cell("a\x1b[2Jb"), Cell(""), Cell(""), Cell("")), "…")
    assert "\x1b" not in spans[0].text


NAMES = frozenset({"state", "nvr"})
ROW = ("01 Front gate 10.0.0.1 playing", {"state": "running playing", "nvr": "Big house"})


@pytest.mark.parametrize(
    ("typed", "matches"),
    [
        ("", True),
        ("front", True),
        ("FRONT gate", True),
        ("front yard", False),
        ("state:play", True),
        ("state:stopped", False),
        ('nvr:"big house"', True),
        ("-nvr:big", False),
        ("-yard", True),
        ("ip:10", False),
        ("state:", True),
        ('nvr:"big', True),
    ],
)
def test_filters(typed: str, matches: bool) -> None:
    assert parse_filter(typed, NAMES).matches(*ROW) is matches


@given(st.text(max_size=300))
def test_any_filter_text_is_accepted(typed: str) -> None:
    parse_filter(typed, NAMES).matches(*ROW)


def store_of(*states: CameraState, nvr_state: NvrState = NvrState.OK) -> Store:
    store = Store()
    store.put("nvr", nvr(state=nvr_state))
    for number, state in enumerate(states, 1):
        store.put("camera", camera(number, state))
    return store


def test_alarms_are_grouped_by_cause_and_ordered_by_urgency() -> None:
    assert alarms(store_of(CameraState.RUNNING, CameraState.STOPPED)) == []
    found = alarms(store_of(*[CameraState.UPSTREAM_UNREACHABLE] * 3, CameraState.PORT_IN_USE))
    assert [alarm.go for alarm in found] == ["camera", "nvr"]
    assert "3 cameras waiting" in found[1].text
    many = alarms(store_of(*[CameraState.NO_INTERFACE] * 4))
    assert many[0].text == "4 cameras have no interface"
    assert many[0].go == "interfaces"


def test_shared_addresses_are_marked_all_the_time() -> None:
    store = store_of(CameraState.RUNNING)
    one = store.cameras[1].model_copy(update={"address": "10.77.0.9", "onvif_url": "http://10.77.0.9:8101/onvif"})
    assert store.camera_place(one) == "10.77.0.9"
    store.status = Status(
        version="1", pid=1, started="", mode="shared", data_dir="", nvrs=1, cameras=1, states={}, role=Role.ADMIN,
        warning="Not for UniFi Protect.",
    )  # fmt: skip
    (alarm,) = alarms(store)
    assert (alarm.text, alarm.go) == ("Not for UniFi Protect", "cameras")
    assert store.camera_place(one) == "10.77.0.9:8101"
    assert store.camera_place(one.model_copy(update={"address": None, "onvif_url": None})) == ""


def test_a_new_nvr_asks_to_be_scanned_until_a_scan_runs() -> None:
    store = store_of(nvr_state=NvrState.NEW)
    assert alarms(store)[0].fix == "scan it"
    store.put("job", job(1))
    assert alarms(store) == []


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("192.168.1.20", "192.168.1.20", None),
        (" nvr.local:8000 ", "nvr.local", 8000),
        ("http://10.0.0.4/onvif/device_service", "10.0.0.4", None),
        ("https://10.0.0.4:8443/", "10.0.0.4", 8443),
        ("[fe80::1]:81", "fe80::1", 81),
        ("fe80::1", "fe80::1", None),
        ("", "", None),
        ("host:99999", "host:99999", None),
    ],
)
def test_addresses_as_people_paste_them(typed: str, host: str, port: int | None) -> None:
    assert split_address(typed) == (host, port)


@given(st.text(max_size=80))
def test_any_address_text_is_survived(typed: str) -> None:
    split_address(typed)
    read_port(typed)


def test_one_key_does_one_thing_per_view() -> None:
    everywhere = {name for key in KEYS if not key.where and key.action for name in key.keys.split(",")}
    digits = {digit for _, digit, _ in VIEWS}
    assert digits == set("12345678")
    for view in [*(view for view, _, _ in VIEWS), "camera", "job"]:
        names = [
            name for key in KEYS if key.where and key.action and key.works_in(view) for name in key.keys.split(",")
        ]
        assert len(names) == len(set(names)), view
        assert not (set(names) - {"escape"}) & (everywhere | digits), (
            view
        )  # Esc always leads back, each place its own way
        assert footer_keys(view)[-1].action == "help"
        assert len(help_keys(view)) >= 5
    assert app_bindings()


def test_colour_and_characters_follow_the_terminal() -> None:
    env = {"TERM": "alacritty"}
    correct_colorterm(env)
    assert env["COLORTERM"] == "truecolor"
    env = {"TERM": "linux", "COLORTERM": "truecolor"}
    correct_colorterm(env)
    assert "COLORTERM" not in env
    env = {"TERM": "xterm-256color"}
    correct_colorterm(env)
    assert "COLORTERM" not in env
    assert speaks_utf8({"LANG": "de_DE.UTF-8"})
    assert not speaks_utf8({"LANG": "de_DE.UTF-8", "LC_ALL": "C"})
    assert not speaks_utf8({})


def test_marks_ranges_and_the_cursor_of_a_selection() -> None:
    selection = Selection()
    assert selection.key is None
    assert selection.chosen() == []
    selection.toggle()
    selection.toggle_range()
    selection.set_keys([5, 6, 7, 8, 9])
    assert selection.chosen() == [5]
    selection.move_to(3)
    selection.toggle_range()
    selection.move_to(1)
    selection.toggle_range()
    assert selection.chosen() == [6, 7, 8]
    selection.set_keys([9, 8, 7])
    assert selection.chosen() == [8, 7]
    assert selection.clear()
    assert not selection.clear()


@given(st.lists(st.lists(st.integers(1, 9), unique=True), min_size=1), st.integers(-3, 12))
def test_the_cursor_is_always_on_a_row_and_stays_on_its_key(changes: list[list[int]], start: int) -> None:
    selection = Selection()
    for keys in changes:
        before = selection.key
        selection.set_keys(keys)
        assert (selection.key is None) == (not keys)
        assert selection.key == before or before not in keys
        selection.move_to(start)
        selection.toggle()
        assert selection.marked <= set(keys)


def test_only_differing_cells_of_a_row_are_named() -> None:
    placed = place(COLUMNS, 60, 4)

    def drawn(who: str, fps: str, *, marked: bool = False) -> Drawn:
        row = Row(1, "●", Tone.SUCCESS, (Cell("Yard"), Cell("playing"), Cell(who), Cell(fps)))
        return draw_row(row, placed, Look(), row_class="", at_cursor=False, marked=marked, stale=False)

    old = drawn("10.0.0.1", "25")
    assert changed_cells(old, drawn("10.0.0.1", "25"), 60) == []
    assert changed_cells(old, drawn("10.0.0.1", "24"), 60) == [(placed[3].x, 3)]
    assert changed_cells(old, drawn("10.0.0.1", "25", marked=True), 60) == [(0, LEFT)]
    assert cell_len(old.text) <= 60


@pytest.mark.parametrize("wide", [False, True])
def test_no_line_of_the_help_is_cut(wide: bool) -> None:
    """A dialog is 76 cells wide on the smallest screen, of which frame, margin and scrollbar take nine."""
    for view in [view for view, _, _ in VIEWS] + ["camera", "job"]:
        shown = texts(help_lines(view, Role.ADMIN, wide=wide))
        assert max(len(text) for text in shown) <= (140 if wide else 68)
        for key in help_keys(view):
            assert all(word in " ".join(shown) for word in key.help.split()), key
            assert not any("…" in text and "state:…" not in text for text in shown)


def test_the_help_finds_a_key_by_what_it_does() -> None:
    assert texts(help_lines("cameras", Role.ADMIN, "half page")) == [
        "Moving and lists",
        "^d ^u     Half a page down, up",
        "",
    ]
    assert "No key does that" in texts(help_lines("cameras", Role.ADMIN, "make coffee"))[0]


def test_the_detail_says_where_snapshots_come_from_or_why_there_are_none() -> None:
    def words(picture: str) -> str:
        lines = tall_detail(camera(1, picture=picture), None, Look(), 60)
        return " ".join("".join(piece[0] for piece in pieces).strip() for pieces in lines)

    assert "from a key frame of the main stream" not in words("") and "Snapshot: " not in words("")
    assert "Picture    from a key frame of the main stream" in words("from a key frame of the main stream")
    assert "Snapshot: none: the NVR offers none. Pictures of an H.264 stream need PyAV. Install it: …" in words(
        "none: the NVR offers none. Pictures of an H.264 stream need PyAV. Install it: …"
    )


def test_names_are_shown_whole_before_columns_that_are_only_nice_to_have() -> None:
    columns = (
        Column("name", "NAME", 10, flex=3, longest=30),
        Column("address", "ADDRESS", 10, flex=1, longest=15),
        Column("state", "STATE", 8, 3),
        Column("fps", "FPS", 3, 5),
    )
    short = place(columns, 40, texts={"name": 8, "address": 10})
    assert [spot.column.key for spot in short] == ["name", "address", "state", "fps"]
    long = place(columns, 40, texts={"name": 18, "address": 10})
    assert [spot.column.key for spot in long] == ["name", "address", "state"]
    assert long[0].width == 18
    tight = place(columns, 40, texts={"name": 30, "address": 15})
    assert [spot.width for spot in tight] == [13, 15, 8]  # the small wish first, and nothing else leaves
    assert all(spot.x + spot.width <= 40 for spot in tight)
    hopeless = place(columns, 40, texts={"name": 30, "address": 10})  # it would be cut all the same
    assert [spot.column.key for spot in hopeless] == ["name", "address", "state", "fps"]


def test_a_scan_tells_the_clock_and_the_channels_as_soon_as_they_are_known() -> None:
    def told(**known: Any) -> str:
        return "\n".join(texts(job_lines(job(**known), Look(), 76, datetime(2026, 11, 22, 9, 0, tzinfo=UTC))))

    assert "clock" not in told(total=None) and "channels" not in told(total=None)
    behind = told(total=16, clock_offset_s=-25320.0)
    assert "  clock    the NVR's is 7 h 02 min behind; that does no harm\n  channels 16 found\n  now" in behind
    assert "  clock    right\n" in told(total=16, clock_offset_s=1.0)
    assert "the NVR's is set to 2017-" in told(total=16, clock_offset_s=-9 * 365 * 86400.0)


def test_columns_with_short_texts_give_their_room_to_names() -> None:
    columns = (
        Column("name", "NAME", 10, flex=3, longest=64),
        Column("address", "ADDRESS", 15, flex=1, longest=39, least=8),
        Column("recorder", "RECORDER", 15, 3, flex=1, longest=39, least=9),
        Column("fps", "FPS", 3, 5),
    )
    assert [spot.width for spot in place(columns, 49)] == [10, 15, 15, 3]  # nothing is known yet
    short = {"name": 21, "address": 10, "recorder": 9}
    assert [spot.width for spot in place(columns, 49, texts=short)] == [21, 10, 9, 3]
    assert [spot.width for spot in place(columns, 49, texts=short | {"name": 26})] == [26, 10, 9]
    roomy = place(columns, 200, texts=short | {"name": 60, "recorder": 39})
    assert roomy[0].width == 60 and roomy[2].width == 39
    assert max(spot.width for spot in place(columns, 300, texts=short)) == 40  # nothing stands far apart without need


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.integers(0, 8), st.integers(0, 2), st.integers(0, 90)), min_size=1, max_size=9
    ),
    st.integers(0, 220),
)
def test_columns_never_overlap_and_end_within_the_line(shapes: list[tuple[int, int, int, int]], width: int) -> None:
    columns = [
        Column(str(number), "X", least, priority if number else 0, flex=flex, longest=max(least, 40), least=least // 2)
        for number, (least, priority, flex, _) in enumerate(shapes)
    ]
    placed = place(columns, width, 4, {str(number): text for number, (*_, text) in enumerate(shapes)})
    assert [spot.index for spot in placed] == sorted(spot.index for spot in placed) and placed[0].index == 0
    for spot, following in itertools.pairwise(placed):
        assert spot.x + spot.width + 2 <= following.x or following.width == 0
    assert all(spot.x + spot.width <= width or spot.width == 0 for spot in placed)


def test_an_address_goes_on_in_the_next_line_where_there_is_room() -> None:
    url = "http://10.77.0.101:8080/onvif/device_service?profile=1"
    assert broken(url, 30) == ["http://10.77.0.101:8080/onvif/", "device_service?profile=1"]
    assert broken("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert broken("駐車場の入口", 5) == ["駐車", "場の", "入口"]
    high = ["".join(text for text, _ in pieces) for pieces in tall_detail(camera(1), None, Look(), 42, 40)]
    assert "http://127.0.10.1:8080/onvif/" in "\n".join(high) and not any("…" in words for words in high)
    low = ["".join(text for text, _ in pieces) for pieces in tall_detail(camera(1), None, Look(), 42, 18)]
    assert len(low) < len(high) and any("…" in words for words in low)
