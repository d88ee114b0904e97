"""What data costs on the line wherever one is: one frame for all that came in a quarter of a second, and in it what
changed alone, also under a dialog and behind a screen."""

from __future__ import annotations

import asyncio
import base64
import importlib
import pkgutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.drivers.headless_driver import HeadlessDriver
from textual.screen import ModalScreen

import onviftui
from onviftui.app import FLUSH_S
from onviftui.layers import Modal
from onviftui.pace import Pace
from onviftui.screens.about import About
from onviftui.screens.help import Help
from proxyd.api.models import Camera, CameraState, Picture
from tests.bench.pictures import noisy_picture

from .fake_daemon import FakeDaemon, camera, job
from .ui_driver import NARROW, WIDE, Ui, running_ui

CAMERAS = 32
SECONDS = 2.0
MOST_BYTES = 1500  # of one frame; the whole screen is above 10 kB
LEAST_PICTURE = 20_000  # bytes of it in half blocks; everything else at 80x24 takes less
PLACES = {
    "overview": ("1",),
    "cameras": ("2",),
    "jobs": ("6",),
    "a camera": ("2", "enter"),
    "its streams": ("2", "enter", "right_square_bracket"),
    "a scan": ("6", "enter"),
    "help": ("2", "question_mark"),
    "palette": ("2", "colon"),
}


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """Makes the headless driver paint like a real one: when a frame was written, and its bytes."""
    written: list[tuple[float, int]] = []
    monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda self: False))
    monkeypatch.setattr(
        HeadlessDriver, "write", lambda self, data: written.append((time.monotonic(), len(data.encode())))
    )
    return written


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 0.5)), max_size=40))
def test_no_second_has_more_than_four_turns(steps: list[tuple[float, float]]) -> None:
    """Each step: how long after the one before somebody wants a turn, and how long that takes."""
    pace, now = Pace(FLUSH_S), 0.0
    begun: list[float] = []
    for later, takes in steps:
        now += later
        now += pace.wait_s(now)
        assert pace.wait_s(now) < 1e-9
        begun.append(now)
        pace.ended(now)
        now += takes
        pace.ended(now)
    for first, fifth in zip(begun, begun[4:], strict=False):
        assert fifth - first >= 4 * FLUSH_S - 1e-6


def playing(number: int, bps: int) -> Camera:
    known = camera(number, clients=1, recorder="10.77.0.3")
    return known.model_copy(
        update={"streams": [known.streams[0].model_copy(update={"bps": bps, "clients": 1}), known.streams[1]]}
    )


async def _everything_changes(daemon: FakeDaemon, seconds: float) -> None:
    until = time.monotonic() + seconds
    step = 0
    while time.monotonic() < until:
        step += 1
        for number in range(1, CAMERAS + 1):
            daemon.change("camera", playing(number, 5_000_000 + step % 50 * 100_000))
        daemon.change("job", job(1, done=step % 16, total=16))
        await asyncio.sleep(0.03)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("place", PLACES)
async def test_data_brings_one_frame_in_a_quarter_of_a_second(
    socket: Path, frames: list[tuple[float, int]], place: str, size: tuple[int, int]
) -> None:
    async with FakeDaemon(socket, CAMERAS) as daemon:
        daemon.tables["job"][1] = job(1)
        for number in range(1, CAMERAS + 1):
            daemon.tables["camera"][number] = playing(number, 5_000_000)
        async with running_ui(socket, size) as ui:
            await ui.press(*PLACES[place])
            await _everything_changes(daemon, 2 * FLUSH_S)  # until each row has the shape that it keeps
            await _rests(ui)
            frames.clear()
            looks = _looks(ui)
            await _everything_changes(daemon, SECONDS)
            await _rests(ui)
            assert 2 <= len(frames) <= len(looks), (frames, looks)
            for moment in looks:
                before = [written for written, _ in frames if written < moment]
                assert not before or moment - before[-1] >= FLUSH_S
            assert max(size for _, size in frames) <= MOST_BYTES, frames


def _looks(ui: Ui) -> list[float]:
    """Fills with the moments at which the application takes what is new."""
    moments: list[float] = []
    take = ui.app.store.take

    def taking() -> object:
        moments.append(time.monotonic())
        return take()

    ui.app.store.take = taking  # type: ignore[method-assign, assignment]  # noted on the way
    return moments


async def _rests(ui: Ui) -> None:
    await ui.until(lambda: ui.app._flush_timer is None, "the last look")
    await ui.pilot.pause()


async def test_what_changes_under_dialogs_is_seen_through_them(socket: Path) -> None:
    async with FakeDaemon(socket, CAMERAS) as daemon, running_ui(socket, WIDE) as ui:
        await ui.press("2")
        ui.app.push_screen(Help("cameras"))
        await ui.pilot.pause()
        daemon.change("camera", camera(1, CameraState.STOPPED))
        await ui.sees("○ 1")
        ui.app.push_screen(About())
        await ui.sees("Esc closes this ")
        daemon.change("camera", camera(2, CameraState.STOPPED))
        await ui.sees("○ 2")
        daemon.change("camera", camera(3, CameraState.STOPPED))
        await ui.sees("○ 3")
        await ui.press("escape")
        assert "○ 3" in ui.text.splitlines()[0]
        await ui.press("escape")
        assert "○ 03 Office" in ui.text


async def test_a_hidden_screen_rests_and_comes_back_up_to_date(socket: Path, frames: list[tuple[float, int]]) -> None:
    async with FakeDaemon(socket, CAMERAS) as daemon, running_ui(socket, WIDE) as ui:
        await ui.press("2")
        painted = ui.table.painted_lines
        await ui.press("enter")
        hidden = ui.app.screen_stack[0]
        assert not hidden.is_current
        await _rests(ui)  # what the opened screen asked for is there
        frames.clear()
        daemon.change("camera", camera(2, CameraState.STOPPED))
        await ui.until(lambda: "○ 1" in ui.text.splitlines()[0], "the header")
        await _rests(ui)
        assert sum(size for _, size in frames) <= MOST_BYTES, frames
        assert painted
        await ui.pilot.resize_terminal(*NARROW)
        await ui.press("escape")
        assert "○ 02 Yard" in ui.text
        assert hidden.size == NARROW


async def test_a_picture_is_painted_once(
    socket: Path, frames: list[tuple[float, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever happens meanwhile to cameras of the list behind it."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("ONVIFTUI_PICTURES", "blocks")
    async with FakeDaemon(socket, CAMERAS) as daemon:
        data = noisy_picture()
        daemon.picture = Picture(
            content_type="image/jpeg",
            data=base64.b64encode(data).decode(),
            origin="from the NVR",
            width=1280,
            height=720,
            size=len(data),
        )
        async with running_ui(socket, NARROW) as ui:
            await ui.press("2", "o")
            await ui.sees("half blocks, ")
            await _rests(ui)
            large = [size for _, size in frames if size > LEAST_PICTURE]
            assert len(large) == 1, frames
            frames.clear()
            await _everything_changes(daemon, 4 * FLUSH_S)
            await _rests(ui)
            assert frames, "the header tells of them"
            assert max(size for _, size in frames) <= MOST_BYTES, frames


def test_every_dialog_lets_shine_through_only_what_changed() -> None:
    for module in pkgutil.walk_packages(onviftui.__path__, "onviftui."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    dialogs = [kind for kind in _kinds(ModalScreen) if kind.__module__.startswith("onviftui")]
    assert len(dialogs) > 10
    assert [kind.__name__ for kind in dialogs if not issubclass(kind, Modal)] == []


def _kinds(kind: type[object]) -> list[type[object]]:
    return [one for child in kind.__subclasses__() for one in (child, *_kinds(child))]
