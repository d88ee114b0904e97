"""The connection and the paint budget: reconnects, resyncs, nothing painted when nothing changes, bugs stay small."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console
from textual.drivers.headless_driver import HeadlessDriver

from onviftui.app import FLUSH_S, OnviftuiApp
from onviftui.crash import report_crash
from onviftui.live import LONGEST_DELAY_S, Live, reconnect_delay
from onviftui.screens.cameras import CamerasView
from onviftui.store import Link, Store
from onviftui.widgets.paint import Lines
from proxyd.api.models import Camera, CameraState
from proxyd.errors import DaemonUnreachable, NotAllowed

from .fake_daemon import FakeDaemon, camera
from .ui_driver import WIDE, running_ui


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


class Written:
    """Counts what the driver would send to a terminal."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, data: str) -> None:
        self.total += len(data.encode())


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    """Makes the headless driver paint like a real one, into a counter."""
    counter = Written()
    monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda self: False))
    monkeypatch.setattr(HeadlessDriver, "write", lambda self, data: counter.add(data))
    return counter


def test_delays_grow_to_a_limit_and_are_spread() -> None:
    delays = [reconnect_delay(attempt, 1.0) for attempt in range(40)]
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY_S
    assert reconnect_delay(3, 0.0) < reconnect_delay(3, 1.0)


async def test_calls_without_a_daemon_fail_at_once_with_a_hint(socket: Path) -> None:
    with pytest.raises(DaemonUnreachable, match="try again"):
        await Live(socket, Store()).call("status")


async def test_a_call_that_is_never_answered_has_a_deadline(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        daemon.hold["status"] = asyncio.Event()
        with pytest.raises(DaemonUnreachable, match="no answer within"):
            await ui.app.live.call("status", deadline_s=0.05)


async def test_it_says_that_the_daemon_is_not_running_and_connects_when_it_comes(socket: Path) -> None:
    async with running_ui(socket, connected=False) as ui:
        await ui.sees("proxyd is not running, trying again")
        async with FakeDaemon(socket, 4):
            await ui.sees("4 cameras")


async def test_a_restart_greys_the_last_data_and_resyncs(socket: Path) -> None:
    daemon = FakeDaemon(socket, 4)
    await daemon.start()
    async with running_ui(socket) as ui:
        await ui.press("2")
        await daemon.stop()
        await ui.sees("proxyd is away, reconnecting")
        assert "02 Yard" in ui.text
        assert ui.app.query_one(CamerasView).stale
        await ui.press("s")
        await ui.hears("proxyd is away")
        daemon.tables["camera"][5] = camera(5)
        del daemon.tables["camera"][1]
        daemon.hub.seq = 0  # a new daemon counts anew
        await daemon.start()
        await ui.sees("05 Kitchen")
        assert "01 Front gate" not in ui.text
        daemon.change("camera", camera(2, CameraState.STOPPED))
        await ui.sees("○ 02 Yard")
    await daemon.stop()


async def test_every_key_is_acknowledged_before_the_daemon_answers(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.hold["camera.stop"] = asyncio.Event()
        await ui.press("2", "s")
        assert "Stopping 01 Front gate…" in ui.text.splitlines()[-1]
        await ui.press("j")
        assert ui.table.cursor_key == 2  # not blocked
        daemon.hold["camera.stop"].set()
        await ui.hears("01 Front gate stopped.")
        assert "Stopping" not in ui.text.splitlines()[-1]


async def test_refusals_of_the_daemon_are_shown_with_their_hint(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.answers["camera.stop"] = NotAllowed("You may only look.", "Ask an administrator.")
        await ui.press("2", "s")
        await ui.hears("You may only look. Ask an administrator.")


async def test_nothing_is_painted_when_nothing_changes(socket: Path, written: Written) -> None:
    async with FakeDaemon(socket, 32) as daemon, running_ui(socket, WIDE) as ui:
        await ui.press("2")
        await ui.pilot.pause()
        assert written.total > 1000  # the counter counts
        written.total, table = 0, ui.table
        before = (table.painted_lines, sum(lines.painted_lines for lines in ui.app.screen.query(Lines)))
        for number in range(1, 33):
            daemon.change("camera", camera(number))  # an event without news
        await ui.until(lambda: ui.app.store.seq == 32, "the events")
        await asyncio.sleep(2 * FLUSH_S)  # what is asserted is that nothing happens for a while
        await ui.pilot.pause()
        after = (table.painted_lines, sum(lines.painted_lines for lines in ui.app.screen.query(Lines)))
        assert after == before
        assert written.total == 0


async def test_only_changed_cells_are_sent(socket: Path, written: Written) -> None:
    async with FakeDaemon(socket, 128) as daemon, running_ui(socket, WIDE) as ui:
        await ui.press("2", "j")
        await ui.pilot.pause()
        table = ui.table

        def playing(number: int) -> str:
            return table.text_of(number)

        def with_rate(number: int, bps: int) -> Camera:
            known = camera(number)
            streams = [known.streams[0].model_copy(update={"bps": bps}), known.streams[1]]
            return known.model_copy(update={"streams": streams})

        daemon.change("camera", with_rate(5, 6_100_000))
        await ui.until(lambda: "6.1" in playing(5), "the first rate")
        await ui.pilot.pause()
        written.total, painted = 0, table.painted_lines
        daemon.change("camera", with_rate(5, 6_200_000))
        await ui.until(lambda: "6.2" in playing(5), "the new rate")
        await ui.pilot.pause()
        assert table.painted_lines - painted <= 2
        assert written.total <= 150, written.total  # one cell and the sum in the header; the screen is above 10 kB
        written.total = 0
        daemon.change("camera", with_rate(120, 6_100_000))
        await ui.until(lambda: ui.app.store.cameras[120].streams[0].bps > 0, "the event")
        await ui.until(lambda: ui.app._flush_timer is None, "the flush")
        await ui.pilot.pause()
        assert written.total <= 100, written.total  # not visible: only the sum in the header


async def test_a_storm_of_events_is_flushed_at_most_four_times_a_second(socket: Path) -> None:
    async with FakeDaemon(socket, 64) as daemon, running_ui(socket, WIDE) as ui:
        await ui.press("2")
        flushes: list[float] = []
        take = ui.app.store.take

        def counting_take() -> object:
            flushes.append(time.monotonic())
            return take()

        ui.app.store.take = counting_take  # type: ignore[method-assign, assignment]  # counted on the way
        for round_number in range(10):
            for number in range(1, 65):
                state = CameraState.STARTING if round_number % 2 else CameraState.RUNNING
                daemon.change("camera", camera(number, state))
        await ui.until(lambda: ui.app.store.seq == 640, "all events")
        await ui.until(lambda: ui.app._flush_timer is None, "the last flush")
        gaps = [later - earlier for earlier, later in pairwise(flushes)]
        assert all(gap >= FLUSH_S * 0.9 for gap in gaps), gaps


async def test_the_cursor_stays_on_its_camera_when_rows_come_and_go(socket: Path) -> None:
    async with FakeDaemon(socket, 8) as daemon, running_ui(socket) as ui:
        await ui.press("2", "j", "j", "j")
        assert ui.table.cursor_key == 4
        daemon.remove("camera", 1)
        await ui.until(lambda: "01 Front gate" not in ui.text, "the removal")
        assert ui.table.cursor_key == 4
        daemon.remove("camera", 4)
        await ui.until(lambda: ui.table.cursor_key == 5, "the next row")


async def test_filter_sort_and_marks(socket: Path) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        daemon.tables["camera"][3] = camera(3, CameraState.STOPPED)
        async with running_ui(socket) as ui:
            await ui.press("2", "slash")
            await ui.write("state:stop")
            assert ui.table.keys == [3]
            await ui.press("enter")
            await ui.sees("1 of 16")
            await ui.press("escape")
            assert len(ui.table.keys) == 16
            await ui.press("equals_sign")
            assert ui.table.keys[0] == 16
            await ui.press("greater_than_sign", "greater_than_sign")
            await ui.sees("STATE▴")
            await ui.press("slash")
            await ui.write("nothing like this")
            await ui.sees("Nothing matches the filter")
            await ui.press("escape")
            await ui.press("g", "space", "G")
            assert len(ui.table.marked) == 1
            assert ui.table.cursor_key == ui.table.keys[-1]


async def test_up_from_the_first_row_reaches_the_alarm_lines_and_down_comes_back(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon:
        daemon.tables["camera"][3] = camera(3, CameraState.PORT_IN_USE, reason="Port 8080 is in use by nginx.")
        async with running_ui(socket) as ui:
            await ui.press("2", "k")
            assert ui.app.focused is not ui.table
            await ui.press("j")
            assert ui.app.focused is ui.table
            await ui.press("k", "enter")
            await ui.sees("03 Office")
            await ui.sees("Port 8080 is in use by nginx.")


async def test_q_and_ctrl_c_twice_quit(socket: Path) -> None:
    async with FakeDaemon(socket, 2):
        async with running_ui(socket) as ui:
            await ui.press("q")
            assert ui.app._exit
        async with running_ui(socket) as ui:
            await ui.press("ctrl+c")
            await ui.hears("once more to quit")
            assert not ui.app._exit
            await ui.press("ctrl+c")
            assert ui.app._exit
        async with running_ui(socket) as ui:
            await ui.press("a", "ctrl+c", "ctrl+c")  # also out of a form
            assert ui.app._exit


async def test_a_bug_behind_a_key_costs_one_toast(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeDaemon(socket, 2), running_ui(socket, bugs=True) as ui:
        secret = "hunter2-in-a-local"

        def broken(self: CamerasView) -> None:
            password = secret  # noqa: F841 - stands on the stack
            raise ZeroDivisionError("bug")

        monkeypatch.setattr(CamerasView, "action_open", broken)
        await ui.press("2", "enter")
        await ui.hears("A bug in onviftui (ZeroDivisionError, id ")
        assert "Traceback" not in ui.text
        log = (socket.parent / "crash.log").read_text()
        assert "ZeroDivisionError: bug" in log
        assert secret not in log
        assert (socket.parent / "crash.log").stat().st_mode & 0o777 == 0o600


def test_a_crash_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "could not be written" in report_crash(ValueError("x"), tmp_path / "file" / "crash.log")


def test_a_crash_is_kept_whatever_is_in_its_words(tmp_path: Path) -> None:
    try:
        raise ValueError("caf\udce9 \x00")  # a file name in another encoding
    except ValueError as error:
        said = report_crash(error, tmp_path / "crash.log")
    assert said.startswith("A bug in onviftui (ValueError, id ") and said.endswith("crash.log")
    assert "ValueError: caf\\udce9" in (tmp_path / "crash.log").read_text()


async def test_the_link_state_reaches_the_store(socket: Path) -> None:
    store = Store()
    live = Live(socket, store, chance=lambda: 0.0)
    changed = asyncio.Event()
    store.on_change = changed.set
    task = asyncio.create_task(live.run(), name="live under test")
    await asyncio.wait_for(changed.wait(), 5)
    assert store.link is Link.AWAY
    assert "does not answer" in store.link_reason
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_no_colour_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = OnviftuiApp(tmp_path / "s")
    assert app.no_color
    assert isinstance(app.console, Console)
