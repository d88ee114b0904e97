"""What recorders may do with a camera, and forgetting who has it, by keys alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.widgets import Input

from onviftui.opened import _commands
from onviftui.widgets.livetable import LiveTable
from proxyd.api.models import Role

from .fake_daemon import FakeDaemon
from .ui_driver import HUGE, Ui, running_ui


@asynccontextmanager
async def on_camera(tmp_path: Path, role: Role = Role.ADMIN) -> AsyncIterator[tuple[FakeDaemon, Ui]]:
    daemon = FakeDaemon(tmp_path / "s", 2)
    daemon.role = role
    changes = {"accounts": ["protect"], "adopted_by": "10.77.0.3", "clock_window_s": 300}
    daemon.tables["camera"][1] = daemon.tables["camera"][1].model_copy(update=changes)
    daemon.answers["adoption.forget"] = lambda params: [daemon.tables["camera"][key] for key in params["ids"]]
    async with daemon, running_ui(tmp_path / "s", HUGE) as ui:
        await ui.press("2", "enter")
        await ui.sees("its own, protect")
        yield daemon, ui


async def _enter(ui: Ui, label: str) -> None:
    fields = ui.app.screen.query_one("#fields", LiveTable)
    fields.move_to(next(key for key in fields.keys if label in fields.text_of(key)))
    await ui.press("enter")


async def _type(ui: Ui, text: str) -> None:
    ui.app.screen.query_one(Input).value = text
    await ui.press("enter")


async def test_clock_notifications_and_accounts_are_changed(tmp_path: Path) -> None:
    async with on_camera(tmp_path) as (daemon, ui):
        await _enter(ui, "Clock")
        await _type(ui, "5")
        await ui.hears("from 10 to 3600")
        await _enter(ui, "Clock")
        await _type(ui, "900")
        await ui.hears("may differ by 900 s.")
        await _enter(ui, "Notifies")
        await _type(ui, "10.9.0.0/24, 10.8.0.7")
        await ui.hears("go to its own LAN and 10.9.0.0/24, 10.8.0.7.")
        await _enter(ui, "Notifies")
        await _type(ui, "none")
        await ui.hears("its own LAN alone.")
        await _enter(ui, "Accounts")
        await ui.sees("protect was made by recorders.")
        await ui.press("y")
        await ui.hears("its own account is the only one now.")
        changes: list[dict[str, Any]] = [
            {"clock_window_s": 900},
            {"notify": ["10.9.0.0/24", "10.8.0.7/32"]},
            {"notify": []},
        ]
        assert daemon.called("camera.update") == [{"id": 1, **one} for one in [*changes, {"drop_accounts": True}]]


async def test_it_is_forgotten_which_recorder_has_a_camera(tmp_path: Path) -> None:
    async with on_camera(tmp_path) as (daemon, ui):
        await ui.press("F", "escape")
        assert daemon.called("adoption.forget") == []
        await ui.press("F", "y")
        await ui.hears("Forgot which recorder has 01 Front gate.")
        assert daemon.called("adoption.forget") == [{"ids": [1]}]
        assert "Forget which recorders have 1 camera" in [command.label for command in _commands(ui.app)]


async def test_a_viewer_is_told_that_he_may_not(tmp_path: Path) -> None:
    async with on_camera(tmp_path, Role.VIEWER) as (daemon, ui):
        for keys in (("F",), ()):
            await ui.press(*keys) if keys else await _enter(ui, "Clock")
            await ui.hears("needs the role operator")
        assert not ui.app.screen.query(Input)
        assert daemon.called("camera.update") == daemon.called("adoption.forget") == []
