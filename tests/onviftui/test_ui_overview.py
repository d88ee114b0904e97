"""The overview: what there is, what passes, who has it; and nothing is asked while nothing streams."""

from __future__ import annotations

from pathlib import Path

import pytest

from onviftui.screens.overview import OverviewView
from onviftui.store import Store
from onviftui.widgets.line import texts
from onviftui.widgets.overview_lines import camera_lines, recorder_lines, traffic_lines
from onviftui.words import Look
from proxyd.api.history import STEPS, History
from proxyd.api.models import CameraState

from .fake_daemon import FakeDaemon, camera, troubled
from .ui_driver import NARROW, running_ui

SIZES = pytest.mark.parametrize("size", [NARROW, (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def passed(*bps: int, lost: int = 0) -> History:
    steps = [0] * (STEPS - len(bps)) + list(bps)
    return History(until=None, bps=steps, source_bps=steps, lost=[lost] + [0] * (STEPS - 1), clients=[1] * STEPS)


@SIZES
async def test_it_tells_of_everything(socket: Path, size: tuple[int, int]) -> None:
    daemon = FakeDaemon(socket, 16)
    troubled(daemon)
    known = daemon.tables["camera"][1]
    daemon.tables["camera"][1] = known.model_copy(update={"adopted_by": "10.77.0.3"})
    daemon.answers["history"] = passed(20_000_000, 36_400_000, lost=7)
    async with daemon, running_ui(socket, size) as ui:
        await ui.sees("36.4 Mbit/s to recorders, 6 cameras watched")
        await ui.sees("at most 36.4 Mbit/s in 5 min, 7 packets lost")
        assert "1 camera adopted, 6 playing" in ui.line_with("● 10.77.0.3")
        assert "6 playing" in ui.line_with("● 6 playing")
        assert "◌ 1 waiting for address" in ui.text
        assert "Garage" in ui.line_with("127.0.0.1:8000")


async def test_what_passed_is_asked_only_while_something_streams_and_this_is_shown(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        view = ui.app.query_one(OverviewView)
        view._ask_history()
        assert not daemon.called("history")
        streams = [camera(1).streams[0].model_copy(update={"bps": 5_000_000, "clients": 1})]
        daemon.change("camera", camera(1, clients=1, recorder="10.77.0.3", streams=streams))
        await ui.until(lambda: len(daemon.called("history")) == 1, "it is asked once")
        await ui.press("2")
        view._ask_history()
        await ui.press("1", "6", "1")
        asked = len(daemon.called("history"))
        daemon.change("camera", camera(1))
        await ui.until(lambda: "Mbit/s to recorders" not in ui.text, "nothing streams any more")
        view._ask_history()
        await ui.pilot.pause()
        assert len(daemon.called("history")) == asked
        assert view._poll is not None and not view._poll._active.is_set()


def store_of(**cameras: int) -> Store:
    store = Store()
    number = 0
    for state, how_many in cameras.items():
        for _ in range(how_many):
            number += 1
            store.put("camera", camera(number, CameraState[state]))
    return store


def test_states_are_counted_in_the_words_of_the_table() -> None:
    store = store_of(RUNNING=3, STOPPED=1, WRONG_PASSWORD=2)
    (line,) = texts(camera_lines(store, Look(ascii=True), 80))
    assert line.split() == [".", "3", "running", "-", "1", "stopped", "!", "2", "wrong", "NVR", "password"]
    assert len(camera_lines(store, Look(), 24)) == 3
    assert camera_lines(Store(), Look(), 80) == []


def test_without_streams_or_recorders_nothing_is_said_of_them() -> None:
    store = store_of(RUNNING=2)
    assert traffic_lines(store, passed(1_000), Look(), 80) == []
    assert recorder_lines(store, Look(), 80) == []


def test_many_recorders_are_cut_and_their_names_cannot_move_the_cursor() -> None:
    store = Store()
    for number in range(1, 13):
        store.put("camera", camera(number, recorder=f"10.77.0.{number}\x1b[2J", adopted_by=""))
    lines = texts(recorder_lines(store, Look(), 80))
    assert lines[-1].strip() == "and 4 more"
    assert all(line.isprintable() for line in lines)
