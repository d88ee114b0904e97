"""The picture of one camera and the contact sheet, by keys, against a daemon on a socket."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from onviftui.pictures.capability import Method
from onviftui.screens.contact_sheet import AT_ONCE, ContactSheet
from onviftui.screens.dialog import AskText
from onviftui.screens.snapshot import SnapshotScreen
from onviftui.widgets.picture import PictureBox
from onviftui.widgets.thumbs import Thumbs
from proxyd.api.models import CameraState, Picture
from proxyd.errors import NotFound

from ..fake_daemon import FakeDaemon, camera
from ..ui_driver import HUGE, NARROW, WIDE, Ui, running_ui
from .terminal_images import jpeg, scene

JPEG = jpeg(scene(640, 360))
LOCAL = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "TMUX", "STY", "NO_COLOR", "ONVIFTUI_PICTURES")


def picture(**changes: object) -> Picture:
    told = {"origin": "from the NVR", "width": 1280, "height": 720, "size": 94_696}
    return Picture.model_validate(
        {"content_type": "image/jpeg", "data": base64.b64encode(JPEG).decode(), **told, **changes}
    )


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LOCAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest_asyncio.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    async with FakeDaemon(tmp_path / "s", 16) as daemon:
        daemon.picture = picture()
        yield daemon


async def drawn(ui: Ui) -> PictureBox:
    box = ui.app.screen.query_one(PictureBox)
    await ui.until(lambda: box.drawn is not None, "a picture")
    await ui.pilot.pause()
    return box


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE, (200, 60)])
async def test_o_draws_the_picture_and_says_what_it_is(daemon: FakeDaemon, size: tuple[int, int]) -> None:
    async with running_ui(daemon.socket, size) as ui:
        await ui.press("2")
        assert not daemon.called("camera.snapshot"), "nothing is fetched before somebody asks"
        await ui.press("o")
        box = await drawn(ui)
        assert box.drawn is not None
        assert box.drawn.method is Method.BLOCKS
        width = sum(len(text) for text, _, _ in box.drawn.rows[0])
        assert 0.5 * box.size.width < width <= box.size.width
        assert len(box.drawn.rows) <= box.size.height
        assert "01 Front gate" in ui.text
        assert "1280×720 JPEG 94.7 kB" in ui.line_with("from the NVR, ")
        assert "kB to this terminal" in ui.line_with("half blocks, ")
        assert daemon.called("camera.snapshot")[0]["id"] == 1
        assert 64 <= daemon.called("camera.snapshot")[0]["max_width"] <= 640


async def test_nothing_is_fetched_by_itself_and_r_fetches_again(daemon: FakeDaemon) -> None:
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "o")
        await drawn(ui)
        daemon.change("camera", camera(1, clients=1))
        await ui.until(lambda: "playing" in ui.text, "the change")
        assert len(daemon.called("camera.snapshot")) == 1
        daemon.picture = picture(origin="from a key frame of the sub stream")
        await ui.press("r")
        await ui.sees("from a key frame of the sub stream, ")
        assert len(daemon.called("camera.snapshot")) == 2


async def test_escape_goes_back_to_where_one_was(daemon: FakeDaemon) -> None:
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "j", "enter", "o")
        await drawn(ui)
        assert "02 Yard" in ui.text
        await ui.press("escape")
        assert "/onvif/device_service" in ui.text
        await ui.press("escape")
        assert "ADDRESS" in ui.text


async def test_a_camera_without_picture_says_why(daemon: FakeDaemon) -> None:
    daemon.picture = picture(fallback=True, origin="none: the NVR refused the password")
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "o")
        await ui.sees("No picture: the NVR refused the password.")
        assert ui.app.screen.query_one(PictureBox).drawn is None
        daemon.picture = picture()
        await ui.press("r")
        await drawn(ui)


async def test_an_error_stands_in_the_pictures_place(daemon: FakeDaemon) -> None:
    daemon.answers["camera.snapshot"] = NotFound("There is no camera 1.", "camera list shows which there are.")
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "o")
        await ui.sees("There is no camera 1.")
        await ui.sees("r tries again")
        assert ui.toasts == []


async def test_what_is_no_picture_is_said(daemon: FakeDaemon) -> None:
    daemon.picture = picture(data=base64.b64encode(b"<html>").decode())
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "o")
        await ui.sees("What came is something that is no picture.")


async def test_the_picture_follows_the_size_of_the_terminal(daemon: FakeDaemon) -> None:
    async with running_ui(daemon.socket, WIDE) as ui:
        await ui.press("2", "o")
        box = await drawn(ui)
        assert box.drawn is not None
        before = box.drawn.columns
        await ui.pilot.resize_terminal(60, 16)
        await ui.until(lambda: box.drawn is not None and box.drawn.columns < before, "a smaller picture")
        assert box.drawn.columns <= 60
        assert len(daemon.called("camera.snapshot")) == 1, "it is drawn anew, not fetched anew"


@pytest.mark.parametrize("key", ["o", "O"])
async def test_a_window_that_is_tiny_for_a_moment_breaks_nothing(daemon: FakeDaemon, key: str) -> None:
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", key)
        shown = ui.app.screen
        await ui.until(lambda: bool(daemon.called("camera.snapshot")), "a picture")
        for size in ((20, 5), (1, 1), NARROW):
            await ui.pilot.resize_terminal(*size)
        await ui.until(lambda: ui.app.screen is shown, "the same screen again")
        await ui.sees("01 Front gate")
        await ui.press("r")
        await ui.until(lambda: len(daemon.called("camera.snapshot")) > 1, "another picture")
        assert ui.app.crashes == []
        assert not [toast for toast in ui.toasts if "bug" in toast]


async def test_in_ascii_it_is_drawn_by_characters(daemon: FakeDaemon) -> None:
    async with running_ui(daemon.socket, ascii_only=True) as ui:
        await ui.press("2", "o")
        box = await drawn(ui)
        assert box.drawn is not None
        assert box.drawn.method is Method.CHARACTERS
        assert ui.text.replace("─", "").replace("▏", "").isascii(), ui.text
        await ui.press("escape", "O")
        await ui.until(lambda: len(daemon.called("camera.snapshot")) >= 5, "the sheet's pictures")


async def test_pictures_that_are_switched_off_are_not_drawn(daemon: FakeDaemon) -> None:
    async with running_ui(daemon.socket) as ui:
        ui.app.prefer(pictures="off")
        await ui.press("2", "o")
        await ui.sees("Pictures are switched off in Settings.")
        await ui.press("b")
        box = await drawn(ui)
        assert box.drawn is not None
        assert box.drawn.method is Method.BLOCKS


async def test_by_ssh_a_fine_picture_is_a_question_first(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 40000 192.0.2.2 22")
    monkeypatch.setenv("ONVIFTUI_PICTURES", "sixel")
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "o")
        await ui.sees("Here this picture takes sixel, about ")
        assert ui.app.screen.query_one(PictureBox).drawn is None
        await ui.press("enter")
        box = await drawn(ui)
        assert box.drawn is not None
        assert box.drawn.method is Method.SIXEL
        await ui.press("r")
        await ui.until(lambda: len(daemon.called("camera.snapshot")) == 2, "another one")
        await ui.until(lambda: "Here this picture" not in ui.text, "no second question")
        await ui.press("b")
        await ui.sees("half blocks, ")
        await ui.press("b")
        await ui.sees("sixel, ")


async def test_b_says_where_there_is_nothing_to_choose(daemon: FakeDaemon) -> None:
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "o")
        await drawn(ui)
        await ui.press("b")
        await ui.hears("This terminal draws pictures no finer")


async def test_many_half_blocks_are_a_question_too_and_b_takes_characters(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onviftui.screens.snapshot.ASK_ABOVE", 1000)
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "o")
        await ui.sees("Here this picture takes half blocks, ")
        await ui.press("b")
        await ui.sees("Here this picture takes characters, ")
        await ui.press("enter")
        await ui.sees("characters, ")
        box = await drawn(ui)
        assert box.drawn is not None
        assert box.drawn.method is Method.CHARACTERS
        await ui.press("b")
        await ui.sees("half blocks, ")


async def test_s_saves_the_whole_picture(daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "o")
        await drawn(ui)
        await ui.press("s")
        assert isinstance(ui.app.screen, AskText)
        await ui.press("enter")
        await ui.hears("Saved ")
        saved = list(tmp_path.glob("01-Front-gate-*.jpg"))
        assert [file.read_bytes() for file in saved] == [JPEG]
        assert daemon.called("camera.snapshot")[-1] == {"id": 1}, "in full size"
        await ui.press("s", "enter")
        await ui.hears("exists already")
        await ui.press("s", "ctrl+u")
        await ui.write(str(tmp_path / "no folder" / "x.jpg"))
        await ui.press("enter")
        await ui.hears("Press s and choose another place.")


async def test_a_camera_that_is_removed_takes_its_picture_along(daemon: FakeDaemon) -> None:
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "o")
        await drawn(ui)
        daemon.remove("camera", 1)
        await ui.hears("This camera has been removed.")
        assert not isinstance(ui.app.screen, SnapshotScreen)


# the contact sheet


def thumbs(ui: Ui) -> Thumbs:
    return ui.app.screen.query_one(Thumbs)


async def all_there(ui: Ui, count: int) -> None:
    shown = thumbs(ui)
    await ui.until(lambda: sum(t.drawn is not None for t in shown._thumbs) == count, f"{count} pictures")
    await ui.until(lambda: "Esc stops" not in ui.text, "the end of fetching")


@pytest.mark.parametrize(("size", "per_page"), [(NARROW, 12), (WIDE, 16), ((200, 60), 16)])
async def test_the_sheet_shows_as_many_as_fit(daemon: FakeDaemon, size: tuple[int, int], per_page: int) -> None:
    async with running_ui(daemon.socket, size) as ui:
        await ui.press("2", "O")
        await all_there(ui, per_page)
        assert len(daemon.called("camera.snapshot")) == per_page, "other pages are not fetched"
        assert all(given["max_width"] < 200 for given in daemon.called("camera.snapshot"))
        assert "01 Front gate" in ui.text
        if per_page < 16:
            assert "page 1 of 2" in ui.text
            await ui.press("n")
            await all_there(ui, 16 - per_page)
            await ui.sees("page 2 of 2")
            await ui.press("p")
            await ui.sees("page 1 of 2")
            assert len(daemon.called("camera.snapshot")) == 16, "what was fetched is kept"


async def test_few_are_fetched_at_once_and_escape_stops(daemon: FakeDaemon) -> None:
    daemon.hold["camera.snapshot"] = asyncio.Event()
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "O")
        await ui.sees("0/12")
        await ui.until(lambda: len(daemon.called("camera.snapshot")) == AT_ONCE, "the first ones")
        await ui.press("escape")
        await ui.sees("stopped; r fetches again")
        assert isinstance(ui.app.screen, ContactSheet)
        daemon.hold["camera.snapshot"].set()
        await ui.press("r")
        await all_there(ui, 12)
        await ui.press("escape")
        assert not isinstance(ui.app.screen, ContactSheet)


async def test_cameras_without_picture_say_why_in_a_word(daemon: FakeDaemon) -> None:
    def answer(given: dict[str, int]) -> Picture:
        if given["id"] == 2:
            raise NotFound("It is gone.")
        return picture(fallback=given["id"] == 3, origin="none: the NVR is slow")

    daemon.answers["camera.snapshot"] = answer
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "O")
        await all_there(ui, 10)
        assert "It is gone." in ui.text
        assert "the NVR is slow" in ui.text


async def test_enter_opens_the_picture_under_the_cursor(daemon: FakeDaemon) -> None:
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "O")
        await all_there(ui, 12)
        await ui.press("l", "j", "enter")
        await drawn(ui)
        assert "06 " in ui.text
        await ui.press("escape")
        assert isinstance(ui.app.screen, ContactSheet)
        await ui.press("G", "l")
        await ui.sees("page 2 of 2")
        await ui.press("k")
        await ui.sees("page 1 of 2")


async def test_marked_cameras_and_those_of_an_nvr(daemon: FakeDaemon) -> None:
    daemon.tables["camera"][4] = camera(4, CameraState.STOPPED, nvr=2)
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "space", "space", "O")
        await all_there(ui, 2)
        assert "Marked cameras" in ui.text
        await ui.press("escape", "3", "o")
        await ui.until(lambda: isinstance(ui.app.screen, ContactSheet), "the sheet")
        assert "Garage" in ui.text
        assert "page 1 of 2" in ui.text


async def test_by_ssh_the_amount_is_said_first(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 40000 192.0.2.2 22")
    async with running_ui(daemon.socket) as ui:
        await ui.press("2", "O")
        await ui.sees("12 pictures, about 26 kB. Enter fetches them")
        assert not daemon.called("camera.snapshot")
        await ui.press("enter")
        await all_there(ui, 12)
