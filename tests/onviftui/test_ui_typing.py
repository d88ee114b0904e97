"""Keys that arrive together, as pasted text does, and fast typing over a slow line: each means what it would have meant
alone. On a real terminal, in one write."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Label

from onviftui import key_order

from .fake_daemon import FakeDaemon
from .pty_terminal import terminal
from .ui_driver import running_ui

CLEAR = b"\x15"  # ctrl-u, in a field


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


async def test_what_is_typed_behind_a_slash_is_the_filter_until_enter(socket: Path) -> None:
    """Elsewhere "dsR" would remove, stop and restart."""
    async with FakeDaemon(socket, 16) as daemon:
        with terminal(socket) as ui:
            await ui.sees(b"LATEST")
            ui.press(b"2/dsR" + CLEAR + b"loading\re" + CLEAR + b"Dock\r")
            await ui.sees(b"is now Dock")
            await ui.sees(b"1 of 16")
        assert daemon.called("camera.update") == [{"id": 7, "name": "Dock"}]
        assert not any(daemon.called(f"camera.{verb}") for verb in ("remove", "stop", "restart"))


async def test_while_a_filter_is_typed_the_footer_offers_no_letters(socket: Path) -> None:
    async with FakeDaemon(socket, 4), running_ui(socket) as ui:
        await ui.press("2")
        await ui.sees("s start/stop")
        await ui.press("slash")
        await ui.sees("Enter keep it  Esc drop it")
        assert "start/stop" not in ui.text
        await ui.write("yard")
        await ui.press("enter")
        await ui.sees("s start/stop")


async def test_a_form_is_filled_in_at_once(socket: Path) -> None:
    async with FakeDaemon(socket, 1) as daemon:
        with terminal(socket) as ui:
            await ui.sees(b"LATEST")
            ui.press(b"3a10.0.0.9\r\radmin\rq1d2:3y\rHouse\r")
            await ui.sees(b"Scan of")
        (added,) = daemon.called("nvr.add")
        assert added == {"host": "10.0.0.9", "port": 80, "username": "admin", "password": "q1d2:3y", "name": "House"}


async def test_keys_behind_that_of_a_pane_are_for_the_pane(socket: Path) -> None:
    """In the pane that was left, Enter would switch what the cursor stands on."""
    async with FakeDaemon(socket, 1) as daemon, running_ui(socket) as ui:
        await ui.press("2", "enter")
        await ui.sees("Discovery")
        await ui.until(lambda: ui.app.focused is not None, "a cursor")
        for key in ("G", "t", "enter"):
            ui.app.simulate_key(key)
        await ui.until(lambda: ui.app.focused is not None and ui.app.focused.id == "requests", "the requests")
        await ui.pilot.pause()
        assert daemon.called("camera.update") == []


async def test_a_question_gets_what_is_typed_behind_the_key_that_asks_it(socket: Path) -> None:
    """Only the name of the NVR removes it; "y" is a letter of it like others."""
    async with FakeDaemon(socket, 2) as daemon:
        with terminal(socket) as ui:
            await ui.sees(b"LATEST")
            ui.press(b"3dyyqy\r")
            await ui.sees(b"to go on")
            ui.press(CLEAR + b"Garage")
            assert daemon.called("nvr.remove") == []
            ui.press(b"\r")
            await ui.sees(b"removed.")
        assert daemon.called("nvr.remove") == [{"id": 1}]


class Slow(Label):
    """Does something for as long as the test likes, with the keyboard."""

    can_focus = True

    def __init__(self) -> None:
        super().__init__("slow")
        self.free = asyncio.Event()
        self.busy = asyncio.Event()
        self.heard: list[str] = []

    async def on_key(self, event: events.Key) -> None:
        event.stop()
        self.heard.append(event.key)
        self.busy.set()
        await self.free.wait()
        if event.key == "a":
            self.screen.set_focus(None)


async def test_a_key_waits_for_what_the_one_before_does_however_long_that_takes(socket: Path) -> None:
    async with FakeDaemon(socket, 2), running_ui(socket) as ui:
        slow = Slow()
        await ui.app.screen.mount(slow)
        slow.focus()
        await ui.until(lambda: slow.has_focus, "the keyboard")
        for key in ("a", "3"):
            ui.app.simulate_key(key)
        await asyncio.wait_for(slow.busy.wait(), 30)
        slow.free.set()
        await ui.until(lambda: ui.app.view_id == "nvrs", "what the second key does")
        assert slow.heard == ["a"], "the second key overtook what the first one did"


async def test_a_widget_that_is_stuck_holds_up_one_key_and_no_more(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_order, "STUCK_S", 0.05)
    async with FakeDaemon(socket, 2), running_ui(socket) as ui:
        slow = Slow()
        await ui.app.screen.mount(slow)
        slow.focus()
        await ui.until(lambda: slow.has_focus, "the keyboard")
        for key in ("b", "ctrl+c", "ctrl+c"):
            ui.app.simulate_key(key)
        async with asyncio.timeout(30):  # the pilot would wait for the widget
            while not ui.app._exit:
                await asyncio.sleep(0.01)
        assert slow.heard == ["b"]
        slow.free.set()
