"""A bug anywhere in the UI: one line with its id, and the session goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.widgets import Input, Label

from onviftui import bugs
from onviftui.app import OnviftuiApp
from onviftui.live import Live
from onviftui.screens.cameras import CamerasView
from onviftui.screens.help import Help
from onviftui.screens.main import MainScreen
from onviftui.store import Link
from onviftui.widgets.frame import KeyFooter
from onviftui.widgets.livetable import LiveTable
from onviftui.widgets.paint import Lines

from .fake_daemon import FakeDaemon, camera
from .ui_driver import Ui, running_ui

TOLD = "A bug in onviftui (ZeroDivisionError, id "


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def broken(*_: object) -> Any:
    raise ZeroDivisionError("bug")


def reports(ui: Ui) -> int:
    return ui.app.crash_log.read_text().count("ZeroDivisionError: bug")


async def goes_on(ui: Ui, daemon: FakeDaemon) -> None:
    """Keys, views and news do what they always do."""
    assert ui.app._exception is None
    daemon.change("camera", camera(1, name="News of the day"))
    await ui.press("1", "2")
    await ui.sees("News of the day")


async def test_a_widget_that_cannot_be_painted_says_so_in_its_place(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, bugs=True) as ui:
        await ui.press("2")
        before = ui.text.splitlines()
        with monkeypatch.context() as patched:
            patched.setattr(LiveTable, "render_line", broken)
            daemon.change("camera", camera(2, name="Another"))
            ui.table.refresh()
            await ui.hears(TOLD)
            await ui.until(lambda: TOLD in ui.text.splitlines()[ui.table.region.y], "the line on top of the table")
            assert "✖ A bug in onviftui" in ui.text.splitlines()[ui.table.region.y]
            assert ui.text.splitlines()[0] == before[0], "the rest of the screen stands"
            assert "Traceback" not in ui.text
            await ui.press("4", "2")  # painted whole, again and again
        ui.table.refresh()
        await goes_on(ui, daemon)
        assert reports(ui) == 1, "told once"


async def test_a_widget_that_cannot_be_painted_says_so_without_signs(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveTable, "render_line", broken)
    async with FakeDaemon(socket, 2), running_ui(socket, ascii_only=True, bugs=True) as ui:
        await ui.press("2")
        assert ui.text.splitlines()[ui.table.region.y].startswith(" ! A bug in onviftui (ZeroDivisionError, id ")


async def test_a_view_that_cannot_be_composed_costs_that_view(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(self: CamerasView) -> ComposeResult:
        yield Label("half of it")
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(CamerasView, "compose", half)
    async with FakeDaemon(socket, 2), running_ui(socket, bugs=True) as ui:
        await ui.press("2")
        await ui.sees(TOLD)
        assert ui.app._exception is None
        await ui.press("3")
        await ui.sees("Hikvision DS-7616")


async def test_a_widget_that_cannot_be_mounted_says_so_in_its_place(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Label):
        on_mount = broken

    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, bugs=True) as ui:
        await ui.press("2")
        await ui.app.screen.mount(Broken("never seen"))
        await ui.hears(TOLD)
        await ui.until(lambda: "✖ A bug" in ui.text, "the line in its place")
        assert "never seen" not in ui.text
        await ui.app.screen.query_one(Broken).remove()
        await goes_on(ui, daemon)


@pytest.mark.parametrize("where", ["compose", "on_mount"])
async def test_a_screen_that_cannot_be_opened_is_left_again(
    where: str, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, bugs=True) as ui:
        monkeypatch.setattr(Help, where, broken, raising=False)
        await ui.press("2", "question_mark")
        await ui.until(lambda: isinstance(ui.app.screen, MainScreen), "the screen before")
        await ui.hears(TOLD)
        await goes_on(ui, daemon)


async def test_a_widget_that_cannot_be_measured_costs_its_room(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Lines):
        def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
            raise ZeroDivisionError("bug")

    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, bugs=True) as ui:
        await ui.app.screen.mount(Broken())
        await ui.hears(TOLD)
        assert ui.app.screen.query_one(Broken).size.height == 1
        await goes_on(ui, daemon)


class Boxes(Vertical):
    """What fails in it, by the message that comes."""

    class Poke(Message):
        pass

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.heard: list[str] = []

    def on_boxes_poke(self) -> None:
        self.heard.append("poke")
        ways: dict[str, Callable[[], object]] = {
            "handler": broken,
            "timer": partial(self.set_timer, 0.001, broken),
            "interval": partial(self.set_interval, 0.001, broken, repeat=2),
            "worker": lambda: self.run_worker(self.work(), exit_on_error=True),
            "later": partial(self.call_later, broken),
            "next": partial(self.call_next, broken),
            "after refresh": partial(self.call_after_refresh, broken),
        }
        ways[self.kind]()

    async def work(self) -> None:
        broken()


@pytest.mark.parametrize("kind", ["handler", "timer", "interval", "worker", "later", "next", "after refresh"])
async def test_what_fails_between_the_messages_costs_itself(kind: str, socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, bugs=True) as ui:
        box = Boxes(kind)
        await ui.app.screen.mount(box)
        box.post_message(Boxes.Poke())
        await ui.hears(TOLD)
        box.post_message(Boxes.Poke())
        await ui.until(lambda: box.heard == ["poke", "poke"], "the second message")
        await goes_on(ui, daemon)
        assert reports(ui) == 1


async def test_a_bug_in_a_text_field_leaves_the_keyboard_alone(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, bugs=True) as ui:
        await ui.press("2", "slash")
        with monkeypatch.context() as patched:
            patched.setattr(Input, "_on_key", broken)
            await ui.press("x")
            await ui.hears(TOLD)
        await ui.press("0", "1")
        assert isinstance(ui.app.focused, Input)
        assert ui.app.focused.value == "01"
        await ui.press("escape")
        await goes_on(ui, daemon)


async def test_a_bug_in_the_connection_begins_it_anew(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends(self: Live) -> None:
        raise ZeroDivisionError("bug")

    monkeypatch.setattr("onviftui.app.CONNECT_AGAIN_S", 0.05)
    async with FakeDaemon(socket, 2) as daemon:
        with monkeypatch.context() as patched:
            patched.setattr(Live, "run", ends)
            entered = running_ui(socket, connected=False, bugs=True)
            ui = await entered.__aenter__()
            await ui.hears(TOLD)
            assert ui.app.store.link is Link.AWAY
        await ui.until(lambda: ui.app.store.link is Link.LIVE, "the connection")
        await goes_on(ui, daemon)
        assert reports(ui) == 1
        await entered.__aexit__(None, None, None)


async def ended(socket: Path, *keys: str, events: Iterable[Message] = ()) -> OnviftuiApp:
    """The application after a bug that ends it."""
    app = OnviftuiApp(socket, log=socket.parent / "crash.log")
    with pytest.raises(ZeroDivisionError):
        async with FakeDaemon(socket, 2), app.run_test() as pilot:
            await pilot.press(*keys)
            for event in events:
                app.screen.post_message(event)
            async with asyncio.timeout(30):
                await app._exception_event.wait()
    assert app.return_code == 1
    assert [crash.startswith(TOLD) for crash in app.crashes] == [True]
    assert not app._exit_renderables
    return app


async def test_bugs_without_end_end_with_one_line(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MainScreen, "on_boxes_poke", broken, raising=False)
    await ended(socket, "2", events=[Boxes.Poke() for _ in range(bugs.MOST_WITHIN)])


async def test_a_bug_between_the_keyboard_and_everything_lets_the_user_out(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OnviftuiApp, "_settled", broken)
    await ended(socket, *"222222")


@pytest.mark.parametrize("where", ["compose", "on_mount"])
async def test_a_bug_before_anything_is_shown_ends_with_one_line(
    where: str, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MainScreen, where, broken, raising=False)
    await ended(socket)


async def test_a_footer_that_cannot_be_painted_leaves_the_keys(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyFooter, "render_line", broken)
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, bugs=True) as ui:
        await ui.sees(TOLD)
        await goes_on(ui, daemon)
