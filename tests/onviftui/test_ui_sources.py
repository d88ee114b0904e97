"""Sources: cameras of RTSP addresses are added, edited, removed and brought as a list, by keys alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onviftui.screens.source_form import KnownSourceForm
from onviftui.screens.sources import SourcesScreen
from proxyd.api.dial import own
from proxyd.api.models import NvrTest, PlannedSource, Role, Source, SourceImported
from proxyd.errors import InvalidInput, UpstreamUnreachable

from .fake_daemon import FakeDaemon, nvr
from .ui_driver import NARROW, WIDE, Ui, running_ui

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
YARD = Source(nvr=2, channel=1, name="Yard", camera=1, main="rtsp://192.0.2.9/a", sub="rtsp://192.0.2.9/b")
GONE = Source(nvr=2, channel=2, name="Ramp", camera=None, main="rtsp://192.0.2.9/r")


def sourced(path: Path) -> FakeDaemon:
    daemon = FakeDaemon(path / "s", 2)
    daemon.tables["nvr"][2] = nvr(2, kind="rtsp", name="RTSP 192.0.2.9", username="viewer")
    daemon.answers["source.list"] = [YARD, GONE]
    daemon.answers["source.test"] = NvrTest(ok=True, message="192.0.2.9 gives its streams: main H.264.", channels=1)
    daemon.answers["source.update"] = YARD
    daemon.answers["source.add"] = YARD
    return daemon


async def _open(ui: Ui) -> None:
    await ui.press("3", "S")
    await ui.sees("rtsp://192.0.2.9/a")


@SIZES
async def test_a_source_is_shown_with_its_camera_s_state_and_opens_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with sourced(tmp_path), running_ui(tmp_path / "s", size) as ui:
        await _open(ui)
        assert "running" in ui.line_with("rtsp://192.0.2.9/a")
        assert "removed" in ui.line_with("rtsp://192.0.2.9/r")
        await ui.press("j")
        await ui.sees("comes back when its address is added again")
        await ui.press("e", "d", "enter")
        assert isinstance(ui.app.screen, SourcesScreen)
        await ui.press("k", "enter")
        await ui.until(lambda: ui.app.view_id == "camera", "the camera")


async def test_a_new_source_is_read_before_it_is_added(tmp_path: Path) -> None:
    async with sourced(tmp_path) as daemon, running_ui(tmp_path / "s") as ui:
        await _open(ui)
        daemon.answers["source.test"] = NvrTest(ok=False, message="192.0.2.8 gives no answer.", hint="Is it on?")
        await ui.press("a")
        await ui.write("rtsp://192.0.2.8/x")
        await ui.press("ctrl+s")
        await ui.sees("again adds it all the same.")
        assert daemon.called("source.add") == []
        await ui.press("ctrl+s")
        await ui.hears("Yard was added")
        assert daemon.called("source.add") == [{"main": "rtsp://192.0.2.8/x"}]


async def test_only_what_was_changed_is_sent_and_what_fails_is_saved_only_on_demand(tmp_path: Path) -> None:
    async with sourced(tmp_path) as daemon, running_ui(tmp_path / "s") as ui:
        await _open(ui)
        await ui.press("e")
        assert isinstance(ui.app.screen, KnownSourceForm)
        await ui.press("ctrl+s")
        await ui.until(lambda: isinstance(ui.app.screen, SourcesScreen), "nothing to save")
        assert daemon.called("source.update") == []

        await ui.press("e", "end")
        await ui.write("2")
        daemon.answers["source.update"] = UpstreamUnreachable("Yard stays as it was: no answer.", "Is it on?")
        await ui.press("ctrl+s")
        await ui.sees("all the same.")
        daemon.answers["source.update"] = InvalidInput("No.", fields={"main": "is of kind x"})
        await ui.press("ctrl+s")
        await ui.sees("is of kind x")
        daemon.answers["source.update"] = YARD
        await ui.press("down", "ctrl+u", "ctrl+s")
        await ui.hears("Yard saved")
        main = {"camera": 1, "main": "rtsp://192.0.2.9/a2"}
        assert daemon.called("source.update") == [main, main | {"test": False}, main | {"sub": ""}]


async def test_an_address_with_a_hidden_part_is_not_saved_as_it_is_shown(tmp_path: Path) -> None:
    async with sourced(tmp_path) as daemon, running_ui(tmp_path / "s") as ui:
        daemon.answers["source.list"] = [YARD.model_copy(update={"main": "rtsp://192.0.2.9/a?password=…"})]
        await _open(ui)
        await ui.press("e", "end")
        await ui.write("&x=1")
        await ui.press("ctrl+s")
        await ui.sees("type the secret part")
        assert daemon.called("source.update") == []


async def test_a_source_is_removed_after_its_name_was_typed(tmp_path: Path) -> None:
    async with sourced(tmp_path) as daemon, running_ui(tmp_path / "s") as ui:
        await _open(ui)
        await ui.press("d", "enter")
        assert daemon.called("camera.remove") == []
        await ui.write("Yard")
        await ui.press("enter")
        await ui.hears("Yard removed. u takes it back.")
        assert daemon.called("camera.remove") == [{"ids": [1]}]


def _listed(params: dict[str, Any]) -> SourceImported:
    if params["format"] == "auto":
        raise InvalidInput("What the file lists cannot be told.", "Say which it is: --format csv")
    sources = [
        PlannedSource(name="Door", state="new", host="192.0.2.9", main="rtsp://192.0.2.9/d"),
        PlannedSource(name="Old", state="known", why="it is there already as “Yard”"),
    ]
    return SourceImported(format=params["format"], sources=sources, done=not params["dry_run"])


@SIZES
async def test_a_list_is_shown_before_it_is_added(tmp_path: Path, size: tuple[int, int]) -> None:
    file = tmp_path / "list.csv"
    file.write_text("main\nrtsp://192.0.2.9/d\n")
    async with sourced(tmp_path) as daemon, running_ui(tmp_path / "s", size) as ui:
        daemon.answers["source.import"] = _listed
        await _open(ui)
        await ui.press("i")
        await ui.write(str(tmp_path))
        await ui.press("ctrl+s")
        await ui.sees("is no file")
        await ui.write("/list.csv")
        await ui.press("enter")
        await ui.write("admin")
        await ui.press("enter")
        await ui.write("secret")
        await ui.press("enter")
        await ui.sees("Which kind of list is it?")
        await ui.press("enter")
        await ui.sees("1 camera would be added; 1 other is left out")
        await ui.press("j")
        await ui.sees("it is there already")
        await ui.press("enter")
        await ui.hears("1 camera added")
        sent = {"text": file.read_text(), "username": "admin", "password": "secret", "format": "csv"}
        asked = daemon.called("source.import")
        assert [one["dry_run"] for one in asked] == [True, True, False]
        assert {name: asked[-1][name] for name in sent} == sent


async def test_a_session_by_ssh_is_told_the_line_for_a_list(tmp_path: Path) -> None:
    async with sourced(tmp_path), running_ui(tmp_path / "s", where=own(tmp_path / "s")) as ui:
        await _open(ui)
        await ui.press("i")
        await ui.sees("ssh BOX source import - < FILE")
        await ui.press("y")
        await ui.hears("Copied the line: ssh BOX source import - < FILE")


async def test_a_viewer_sees_sources_and_is_offered_no_change(tmp_path: Path) -> None:
    daemon = sourced(tmp_path)
    daemon.role = Role.VIEWER
    async with daemon, running_ui(tmp_path / "s") as ui:
        await _open(ui)
        await ui.press("a")
        await ui.hears("needs the role admin")
        assert isinstance(ui.app.screen, SourcesScreen)
        assert "remove" not in ui.text.splitlines()[-1]
