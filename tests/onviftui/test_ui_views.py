"""Views are made when they are first shown; what is asked of one meanwhile still reaches it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widget import Widget

from onviftui.keys import VIEWS
from onviftui.screens.main import MainScreen

from .fake_daemon import FakeDaemon
from .ui_driver import Ui, running_ui


def _views(ui: Ui) -> list[Widget]:
    return list(ui.app.query(".view").results())


async def test_only_views_that_were_shown_cost_anything(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 4), running_ui(tmp_path / "s") as ui:
        assert [view.id for view in _views(ui)] == ["overview"]
        await ui.press("2")
        await ui.press("1")
        await ui.press("2")
        assert [view.id for view in _views(ui)] == ["overview", "cameras"]


@pytest.mark.parametrize(("view", "digit", "title"), VIEWS)
async def test_a_digit_leads_to_its_view(tmp_path: Path, view: str, digit: str, title: str) -> None:
    async with FakeDaemon(tmp_path / "s", 4), running_ui(tmp_path / "s") as ui:
        await ui.press(digit)
        assert [one.id for one in _views(ui) if one.display] == [view], title
        focused = ui.app.focused
        assert focused is not None
        assert view in {one.id for one in focused.ancestors}


async def test_the_last_view_that_was_asked_for_is_shown(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 4), running_ui(tmp_path / "s") as ui:
        ui.app.show_view("cameras", "garage")
        ui.app.show_view("cameras", "yard")  # while it is being made
        ui.app.show_view("overview")
        main = ui.app.screen
        assert isinstance(main, MainScreen)
        await ui.until(lambda: any(view.is_mounted for view in main.query("#cameras")), "the cameras made")
        await ui.pilot.pause()
        assert main.view.id == "overview"
        ui.app.show_view("cameras", "yard")
        await ui.sees("/ yard")


async def test_the_cursor_is_put_on_a_row_of_a_view_that_was_not_there_yet(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 4) as daemon, running_ui(tmp_path / "s") as ui:
        last = max(ui.app.store.nvrs)
        ui.app.show_nvr(last)
        await ui.until(lambda: ui.app.view_id == "nvrs", "the NVRs")
        assert ui.table.cursor_key == last
        assert daemon


async def test_keys_of_one_burst_wait_for_the_view_that_they_are_meant_for(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 4), running_ui(tmp_path / "s") as ui:
        second = sorted(ui.app.store.cameras)[1]
        for key in ("2", "j"):
            ui.app.simulate_key(key)
        await ui.until(lambda: ui.app.view_id == "cameras" and ui.table.cursor_key == second, "the second camera")
