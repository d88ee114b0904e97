"""Never stuck: a daemon that goes and comes, one that does not answer, keys pressed twice, and what Esc ends."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError

from onviftui.calls import given_up_words
from onviftui.screens.cameras import CamerasView
from onviftui.screens.discover import Discover
from onviftui.screens.interfaces import InterfacesView
from onviftui.screens.jobs import JobsView
from onviftui.screens.live_screen import LiveScreen
from onviftui.screens.logs import LogsView
from onviftui.screens.nvr_form import NvrForm
from onviftui.screens.nvrs import NvrsView
from onviftui.screens.overview import OverviewView
from onviftui.screens.view import View
from onviftui.store import LOG_LIMIT, Changes, Link
from proxyd.api.models import Credentials, Finding

from .fake_daemon import FakeDaemon, camera, log, nvr, troubled
from .ui_driver import WIDE, Ui, running_ui

ACKNOWLEDGED_S = 0.1
# What to press to get there, from the overview.
PLACES: dict[str, tuple[str, ...]] = {
    "overview": ("1",),
    "cameras": ("2",),
    "nvrs": ("3",),
    "interfaces": ("4",),
    "adopt": ("5",),
    "jobs": ("6",),
    "logs": ("7",),
    "system": ("8",),
    "a camera": ("2", "enter"),
    "the requests of a camera": ("2", "t"),
    "a job": ("6", "enter"),
    "the help": ("question_mark",),
    "the palette": ("colon",),
    "a filter": ("2", "slash", "0"),
    "a question": ("2", "space", "space", "d"),
    "a name": ("2", "e"),
    "the form of an NVR": ("3", "e"),
    "a new NVR": ("3", "a"),
    "the search": ("3", "f"),
    "findings": ("4", "x"),
    "a snapshot": ("2", "o"),
    "an entry of the log": ("7", "v"),
    "the daemon's lines": ("7", "tab"),
    "about": ("8", "enter"),
    "a number of interfaces": ("4", "a"),
}


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def no_bug(ui: Ui) -> None:
    assert not ui.app.crashes
    assert not ui.app.crash_log.exists(), ui.app.crash_log.read_text()


async def home(ui: Ui) -> None:
    """Back to the main screen, however many dialogs are open."""
    for _ in range(6):
        await ui.press("escape")
    assert isinstance(ui.app.screen, LiveScreen), ui.text
    assert len(ui.app.screen_stack) == 1, ui.text


@pytest.mark.parametrize("place", PLACES)
async def test_the_daemon_goes_and_comes_under_everything(socket: Path, place: str) -> None:
    daemon = FakeDaemon(socket, 16)
    troubled(daemon)
    daemon.answers["interface.doctor"] = [Finding(id="x", severity="warning", what="A cable is loose.")]
    await daemon.start()
    async with running_ui(socket, WIDE) as ui:
        await ui.press(*PLACES[place])
        for round_ in (1, 2):
            await daemon.stop()
            await ui.until(lambda: ui.app.store.link is Link.AWAY, "the loss")
            await ui.press("down", "up")
            daemon.tables["camera"][20 + round_] = camera(20 + round_, name=f"{20 + round_} Newcomer")
            daemon.hub.seq = 0  # a new daemon counts anew
            await daemon.start()
            await ui.until(lambda: ui.app.store.link is Link.LIVE, "the connection")
            await ui.press("down", "up")
        no_bug(ui)
        await home(ui)
        await ui.press("2")
        await ui.sees("22 Newcomer")
        assert "proxyd is away" not in ui.text
        no_bug(ui)
    await daemon.stop()


async def test_a_loss_is_said_on_every_full_screen(socket: Path) -> None:
    for place in ("overview", "cameras", "nvrs", "interfaces", "adopt", "jobs", "logs", "system", "a camera", "a job"):
        daemon = FakeDaemon(socket, 16)
        troubled(daemon)
        await daemon.start()
        async with running_ui(socket) as ui:
            await ui.press(*PLACES[place])
            await daemon.stop()
            await ui.sees("proxyd is away, reconnecting")


@pytest.mark.parametrize("view", ["2", "3", "4", "6", "7"])
async def test_a_daemon_that_does_not_answer_holds_up_no_key(socket: Path, view: str) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        daemon.tables["nvr"][2] = nvr(2)
        daemon.tables["job"][2] = daemon.tables["job"][1].model_copy(update={"id": 2})
        async with running_ui(socket, WIDE) as ui:
            daemon.hold["*"] = asyncio.Event()
            await ui.press(view)
            first = ui.table.cursor_key
            await ui.press("j")
            assert ui.table.cursor_key != first
            await ui.press("slash", "0", "escape", "question_mark", "escape", "1", "8", view)
            assert ui.table.region.area
            daemon.hold["*"].set()
            no_bug(ui)


async def test_each_action_says_within_a_tenth_of_a_second_what_it_does(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.hold["*"] = asyncio.Event()
        for view, key, words in (
            ("2", "s", "Stopping 01 Front gate…"),
            ("3", "t", "Testing Garage…"),
            ("3", "r", "Starting the scan of Garage…"),
            ("4", "x", "Examining interfaces and network…"),
            ("5", "a", "Beginning…"),
        ):
            await ui.press(view)
            began = time.monotonic()
            await ui.pilot.press(key)
            assert words.removesuffix("…") in ui.text.splitlines()[-1]
            assert time.monotonic() - began < ACKNOWLEDGED_S * 5  # the pilot itself waits; a machine may be busy
        daemon.hold["*"].set()


async def test_a_key_pressed_again_and_again_asks_once(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.hold["*"] = asyncio.Event()
        await ui.press("2", "s", "s", "s")
        await ui.press("3", "t", "t", "r", "r")
        await ui.until(lambda: len(daemon.calls) >= 3, "the calls")
        daemon.hold["*"].set()
        await ui.hears("01 Front gate stopped.")
        assert [len(daemon.called(method)) for method in ("camera.stop", "nvr.test", "nvr.scan")] == [1, 1, 1]
        await ui.press("escape", "2", "s")  # answered: now it is another wish
        await ui.hears("01 Front gate started.")


async def test_esc_ends_the_waiting_and_says_what_that_means(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.hold["*"] = asyncio.Event()
        await ui.press("3", "t")
        await ui.sees("Esc: do not wait")
        await ui.press("escape")
        await ui.hears("Stopped: Testing Garage. Nothing was changed.")
        assert "Testing" not in ui.text.splitlines()[-1]
        await ui.press("2", "j", "s", "escape")
        await ui.hears("Not waiting any more: Stopping 02 Yard. proxyd does it to its end all the same.")
        daemon.hold["*"].set()
        await ui.until(lambda: bool(daemon.tables["camera"][2].state == "stopped"), "the end of it")
        await ui.pilot.pause()
        assert not any("02 Yard stopped." in toast for toast in ui.toasts)
        no_bug(ui)


async def test_the_last_wish_is_given_up_first(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.hold["*"] = asyncio.Event()
        await ui.press("3", "t", "2", "s")
        assert "Stopping" in ui.text.splitlines()[-1]
        await ui.press("escape")
        assert "Testing" in ui.text.splitlines()[-1]
        await ui.press("escape")
        assert "Enter open" in ui.text.splitlines()[-1]
        assert not ui.app.doing


async def test_a_form_can_be_left_while_the_nvr_does_not_answer(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.hold["nvr.test"] = asyncio.Event()
        await ui.press("3", "e")
        await ui.press("ctrl+t")
        await ui.sees("Asking the NVR…")
        await ui.press("escape")
        await ui.sees("Stopped. Nothing was changed.")
        assert isinstance(ui.app.screen, NvrForm)
        daemon.hold["nvr.test"].set()
        await ui.press("ctrl+t")
        await ui.sees("signed in")
        await ui.press("escape")
        assert not isinstance(ui.app.screen, NvrForm)


async def test_leaving_the_search_ends_it_at_the_daemon(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon:
        ended = asyncio.Event()
        answer = daemon.answer

        async def searching(method: str, params: object, given: dict[str, object]) -> object:
            if method != "nvr.discover":
                return await answer(method, params, given)
            try:
                return await asyncio.Event().wait()
            finally:
                ended.set()

        daemon.answer = searching  # type: ignore[method-assign]  # this test's own daemon
        async with running_ui(socket) as ui:
            await ui.press("3", "f")
            await ui.until(lambda: bool(daemon.called("nvr.discover")), "the search")
            assert isinstance(ui.app.screen, Discover)
            await ui.press("escape")
            async with asyncio.timeout(20):
                await ended.wait()


def test_what_giving_up_means_is_said_for_both_kinds() -> None:
    assert "Nothing was changed" in given_up_words("nvr.discover", "Searching…")
    assert "to its end" in given_up_words("camera.remove", "Removing…")
    assert "to its end" in given_up_words("camera.of_tomorrow", "")


@pytest.mark.parametrize("view", [OverviewView, CamerasView, NvrsView, InterfacesView, JobsView, LogsView])
async def test_a_bug_in_what_a_view_makes_of_the_data_is_told_once_and_costs_no_session(
    socket: Path, view: type[View], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: View, changes: Changes) -> None:
        raise ZeroDivisionError("bug")

    async with FakeDaemon(socket, 4) as daemon, running_ui(socket, bugs=True) as ui:
        await ui.app.action_view(view.view_id)
        with monkeypatch.context() as patched:
            patched.setattr(view, "apply", broken)
            for number in (3, 4, 5):
                daemon.change("log", log(number, "x"))
                daemon.change("camera", camera(1, name=f"0{number} renamed"))
                await ui.until(lambda: bool(ui.app.bugs), "the bug")
                await ui.until(partial(ui.app.store.log.__contains__, number), "the news")
                await ui.until(lambda: ui.app._flush_timer is None, "the look at it")
        assert [words.startswith("A bug in onviftui (ZeroDivisionError, id ") for words in ui.app.bugs.values()] == [
            True
        ]
        assert ui.app.crash_log.read_text().count("ZeroDivisionError: bug") == 1
        await ui.press("2")
        await ui.sees("05 renamed")


async def test_a_bug_in_the_answer_of_a_dialog_is_told_and_the_dialog_stays(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: NvrForm, result: object) -> None:
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(NvrForm, "_tested", broken)
    async with FakeDaemon(socket, 4), running_ui(socket, bugs=True) as ui:
        await ui.press("3", "e", "ctrl+t")
        await ui.hears("A bug in onviftui (ZeroDivisionError, id ")
        assert isinstance(ui.app.screen, NvrForm)
        await ui.press("escape")
        assert not isinstance(ui.app.screen, NvrForm)


def test_an_answer_that_cannot_be_read_is_not_quoted() -> None:
    with pytest.raises(ValidationError) as caught:
        Credentials.model_validate({"camera": "hunter2", "username": 1, "password": ["hunter3"]})
    assert "hunter" not in str(caught.value)


async def test_a_thousand_cameras_cost_what_has_changed(socket: Path) -> None:
    """Counted, not timed: how many rows are made and how many values for sorting, at each look at the store."""
    async with FakeDaemon(socket, 250) as daemon:
        for number in range(251, 1001):
            daemon.tables["camera"][number] = camera(number % 250 + 1, id=number, name=f"{number:04}", nvr=2)
        async with running_ui(socket, WIDE) as ui:
            await ui.press("2")
            assert len(ui.table.keys) == 1000
            view = ui.app.query_one(CamerasView)
            made: list[str] = []
            row, sort_value = view.row, view.sort_value
            view.row = lambda item: made.append("row") or row(item)  # type: ignore[method-assign, func-returns-value]  # counts
            view.sort_value = lambda item, column: made.append("sort") or sort_value(item, column)  # type: ignore[method-assign, func-returns-value]  # likewise
            for number in range(1, 251):
                daemon.change("camera", camera(number, clients=1, recorder="10.77.0.3"))
            await ui.until(lambda: ui.app.store.cameras[250].clients == 1, "the news")
            await ui.until(lambda: ui.app._flush_timer is None, "the look at it")
            assert 0 < made.count("row") <= 250
            assert made.count("sort") == made.count("row")
            made.clear()
            await ui.press(*"jjjjkG", "g")
            assert not made


async def test_a_flood_of_log_lines_leaves_the_keys_alone(socket: Path) -> None:
    async with FakeDaemon(socket, 16) as daemon, running_ui(socket) as ui:
        await ui.press("7")
        for burst in range(10):
            for number in range(1000):
                daemon.hub.changed("log", log(10 + burst * 1000 + number, f"line {burst} {number}"))
            await ui.press("j", "g")
        await ui.until(lambda: 10_009 in ui.app.store.log, "the last line")
        await ui.until(lambda: ui.table.keys[0] == 10_009, "the last line on top")
        assert len(ui.app.store.log) == LOG_LIMIT
        assert ui.app.store.link is Link.LIVE
        no_bug(ui)
