"""What a camera's panes say and draw, without a screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onviftui.camera_panes.fields import camera_fields, copyable
from onviftui.camera_panes.requests import diagnosis_lines
from onviftui.camera_panes.stream_lines import stream_block
from onviftui.widgets.line import line_len, plain, texts
from onviftui.widgets.ptz_pad import pad_lines
from onviftui.widgets.sparkline import means, sparkline
from onviftui.words import Look
from proxyd.api.history import STEPS, StreamHistory
from proxyd.api.models import Finding
from proxyd.api.streams import SentPicture, StreamClient, StreamStatus

from .fake_daemon import camera

UTF8, ASCII = Look(), Look(ascii=True)


def history(bps: int) -> StreamHistory:
    steady = [bps] * STEPS
    lost = [0] * (STEPS - 1) + [7]
    return StreamHistory(name="main", bps=steady, source_bps=steady, fps=[25.0] * STEPS, lost=lost, clients=[1] * STEPS)


def flow(**changes: object) -> StreamStatus:
    known = {"name": "main", "state": "running", "codec": "H265", "width": 2560, "height": 1440, "profile": "Main"}
    return StreamStatus.model_validate(known | {"source_bps": 5_900_000, "fps": 24.9} | changes)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=STEPS), st.integers(1, 70))
def test_a_drawing_is_as_wide_as_asked_and_high_only_where_something_passed(values: list[float], width: int) -> None:
    drawn = sparkline(values, width, UTF8)
    assert len(drawn) == width and set(drawn) <= set(" ▁▂▃▄▅▆▇█")
    shown = means(values, width)
    assert (drawn.strip() != "") == any(value > 0 for value in shown)
    if any(shown):
        assert drawn[width - len(shown) :][shown.index(max(shown))] == "█"
    assert sparkline(values, width, ASCII) == ""


def test_steps_that_share_a_cell_are_averaged_and_the_newest_stands_on_the_right() -> None:
    assert means([9, 1, 3, 5, 7], 2) == [5.0]  # three in a cell; what is left of the oldest is not shown
    assert sparkline([0, 0, 4, 8], 4, UTF8) == "  ▅█"
    assert sparkline([8], 4, UTF8) == "   █"


@pytest.mark.parametrize("width", [40, 52, 56, 66, 78, 120])
@pytest.mark.parametrize("look", [UTF8, ASCII])
def test_the_figures_of_a_stream_fit_the_pane(width: int, look: Look) -> None:
    known = camera(1).streams[0]
    client = StreamClient(address="10.77.0.3:40000", transport="TCP", since="2026-11-22T09:00:00Z")
    lines = stream_block(known, flow(clients=[client]), history(123_000_000), look, width)
    drawn = [one for one in texts(lines) if "max" in one or "sum" in one]
    assert [one.split()[-1] for one in drawn] == ["123", "25", "1", "7"]
    assert all(len(one) <= width for one in drawn)
    if width >= 56:
        assert all(line_len(one) <= width for one in lines)


def test_a_stream_that_is_not_what_the_nvr_says_is_told_with_what_to_do() -> None:
    sent = SentPicture(codec="H264", width=1920, height=1080, profile="High")
    told = flow(sent=sent, mismatch=True, warning="Garage says H.265, it sends H.264. Scan Garage again.")
    said = "\n".join(texts(stream_block(camera(1).streams[0], told, None, UTF8, 78)))
    assert "sends  H.264 1920×1080 High" in said and "Scan Garage again." in said
    lost = flow(state="interrupted", reconnects=2)
    said = "\n".join(texts(stream_block(camera(1).streams[0], lost, None, UTF8, 78)))
    assert "◌ interrupted: it is fetched again" in said and "2 reconnects" in said


def test_of_many_findings_the_worst_are_shown_and_the_others_counted() -> None:
    findings = [Finding(id=str(n), severity="problem", what=f"Trouble {n}.", todo=f"Do {n}.") for n in range(5)]
    said = texts(diagnosis_lines(findings, UTF8, 78, room=4))
    assert said == [" ✖ Trouble 0.", "   Do 0.", " ✖ Trouble 1.", "   Do 1.", "   and 3 more: x"]
    assert texts(diagnosis_lines(findings[:1], ASCII, 78, room=1))[0] == " ! Trouble 0."
    assert diagnosis_lines([], UTF8, 78, room=4) == []


def test_fields_keep_their_number_when_others_come_and_go() -> None:
    without = {one.name: one.key for one in camera_fields(camera(1), "Garage", UTF8)}
    main = camera(1).streams[0].model_copy(update={"rtsps_url": "rtsps://10.77.0.101/main"})
    changed = camera(1, https=True, streams=[main])
    with_it = {one.name: one.key for one in camera_fields(changed, "Garage", UTF8)}
    assert "RTSPSmain" in with_it and "Sub" not in with_it
    assert all(with_it[name] == key for name, key in without.items() if name in with_it)
    assert len(set(with_it.values())) == len(with_it)


def test_what_a_camera_without_an_address_has_to_copy() -> None:
    bare = camera(1, address=None, onvif_url=None, snapshot_url=None, mac=None, streams=[])
    assert [what for what, _ in copyable(bare)] == ["user", "UUID", "serial number"]


def test_the_pad_says_which_way_it_goes() -> None:
    said = texts(pad_lines(UTF8, 0.5, None, active=True))
    assert said[0].startswith(" Arrows or h j k l") and "50 %" in said[-1]
    assert all(one.isascii() for one in texts(pad_lines(ASCII, 1.0, "left", active=False)))


def test_names_lose_what_terminals_measure_differently() -> None:
    assert plain("❤\ufe0f 1\ufe0f\u20e3 \U0001f44d\U0001f3fd") == "❤ 1 \U0001f44d"
    assert plain("a\tb\x1b[2J\u202e\u200d") == "a b [2J  "
    assert plain("駐車場 e\u0301") == "駐車場 e\u0301"
