"""What comes when nobody can see it any more: answers to screens that have gone, cameras removed below a dialog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from onviftui.screens.camera import CameraScreen
from onviftui.screens.certificate import CertificateScreen
from onviftui.screens.dialog import AskText
from onviftui.screens.snapshot import SnapshotScreen
from onviftui.screens.sources import SourcesScreen
from onviftui.screens.users import UsersScreen
from onviftui.wizard.screen import WizardScreen
from proxyd.api.models import Picture
from proxyd.api.users import Users

from .fake_daemon import FakeDaemon
from .ui_driver import running_ui

NONE = Picture(content_type="image/jpeg", data="", origin="none: nobody home", fallback=True)
SCREENS: dict[str, Callable[[], Screen[Any]]] = {
    "camera.trace": lambda: CameraScreen(1, requests=True),
    "camera.certificate": lambda: CertificateScreen(1),
    "interface.doctor": WizardScreen,
    "camera.snapshot": lambda: SnapshotScreen(1),
    "source.list": SourcesScreen,
    "user.list": UsersScreen,
}


@pytest.mark.parametrize("method", SCREENS)
async def test_an_answer_to_a_screen_that_has_gone_breaks_nothing(tmp_path: Path, method: str) -> None:
    """`running_ui` fails where a bug was told."""
    async with (
        FakeDaemon(tmp_path / "s", 0 if method == "interface.doctor" else 4) as daemon,
        running_ui(tmp_path / "s") as ui,
    ):
        daemon.picture = NONE
        daemon.answers |= {"user.list": Users(users=[], problems=[], folder="/nowhere"), "source.list": []}
        answer = daemon.hold[method] = asyncio.Event()
        screen = SCREENS[method]()
        ui.app.push_screen(screen)
        await ui.until(lambda: bool(daemon.called(method)), "a question")
        ui.app.show_view("overview")
        await ui.until(lambda: not screen.is_attached, "the overview")
        answer.set()
        await ui.until(lambda: all(worker.is_finished for worker in ui.app.workers), "the answer")
        await ui.until(lambda: ui.app._flush_timer is None, "what it brings")


async def test_a_sheet_that_is_left_while_it_fetches_breaks_nothing(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 4) as daemon, running_ui(tmp_path / "s") as ui:
        answer = daemon.hold["camera.snapshot"] = asyncio.Event()
        await ui.press("2", "O")
        sheet = ui.app.screen
        await ui.until(lambda: bool(daemon.called("camera.snapshot")), "a question")
        await ui.press("1")
        await ui.until(lambda: not sheet.is_attached, "the overview")
        answer.set()
        await ui.until(lambda: all(worker.is_finished for worker in ui.app.workers), "the end of fetching")


@pytest.mark.parametrize("below", ["the camera", "its picture"])
async def test_a_dialog_outlives_the_camera_below_it_and_then_all_about_it_closes(tmp_path: Path, below: str) -> None:
    async with FakeDaemon(tmp_path / "s", 4) as daemon, running_ui(tmp_path / "s") as ui:
        daemon.picture = NONE
        await ui.press("2", "enter")
        if below == "its picture":
            await ui.press("o")
            await ui.sees("No picture: nobody home")
            await ui.press("s")
        else:
            await ui.press("e")
        assert isinstance(ui.app.screen, AskText)
        daemon.remove("camera", 1)
        await ui.until(lambda: 1 not in ui.app.store.cameras, "the news")
        await ui.until(lambda: ui.app._flush_timer is None, "what it changes")
        assert isinstance(ui.app.screen, AskText), "what is being typed is not taken away"
        await ui.press("escape")
        await ui.hears("This camera has been removed.")
        await ui.until(lambda: len(ui.app.screen_stack) == 1, "the list")
