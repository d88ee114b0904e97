"""Terminals that can little or are tiny, what comes from them that is no key, and names that no line was made for."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from onviftui.screens.nvr_form import NvrForm
from onviftui.screens.too_small import TooSmall
from proxyd.api.models import CameraState

from .fake_daemon import FakeDaemon, camera, log, nvr, troubled
from .pty_terminal import terminal
from .ui_driver import NARROW, Ui, running_ui

EVERYWHERE = (
    *("1", "2", "3", "4", "5", "6", "7", "tab", "8", "2", "enter", "escape", "6", "enter", "escape", "question_mark"),
    *("escape", "3", "a", "escape", "3", "f", "escape", "2", "d", "escape", "colon", "escape", "7", "v", "escape"),
)
NAMES = {
    1: "駐車場の入口カメラ 二番 とても長い名前です",
    2: "מצלמה בכניסה",
    3: "كاميرا المدخل",
    4: "a\u200db\u200bc\ufeffd",
    5: "\u202eleft to right\u202c",
    6: "e\u0301" * 20,
    7: "\x1b]0;owned\x07\x1b[2J\r\n\t",
    8: "👨‍👩‍👧 family 🏳️‍🌈",
    9: "",
    10: "x" * 300,
    11: "[bold red]markup[/]",
    12: "\ud83d bad",
}


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def no_bug(ui: Ui) -> None:
    assert not ui.app.crashes
    assert not ui.app.crash_log.exists(), ui.app.crash_log.read_text()


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (40, 10), (59, 24), (200, 14)])
async def test_a_terminal_that_is_too_small_says_so_until_it_is_larger(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        async with running_ui(socket, size) as ui:
            await ui.press(*EVERYWHERE)
            if size > (1, 1):
                assert f"{size[0]}x{size[1]}" in ui.text.replace("\n", " ")
                assert "small" in ui.text
            no_bug(ui)
            await ui.pilot.resize_terminal(*NARROW)
            await ui.press("2")
            await ui.sees("02 Yard")
            assert not any(isinstance(screen, TooSmall) for screen in ui.app.screen_stack)


async def test_what_was_typed_is_there_again_when_the_terminal_is_large_again(socket: Path) -> None:
    async with FakeDaemon(socket, 2), running_ui(socket) as ui:
        await ui.press("3", "a", *"nvr.local")
        await ui.pilot.resize_terminal(30, 8)
        await ui.until(lambda: isinstance(ui.app.screen, TooSmall), "the words")
        await ui.press("x", "enter")
        await ui.pilot.resize_terminal(*NARROW)
        await ui.until(lambda: isinstance(ui.app.screen, NvrForm), "the form")
        await ui.sees("nvr.local")
        no_bug(ui)


async def test_sixty_sizes_one_after_another_harm_nothing(socket: Path) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        async with running_ui(socket) as ui:
            await ui.press("2")
            for number in range(60):
                await ui.pilot.resize_terminal(1 + number * 7 % 200, 1 + number * 5 % 60)
            await ui.pilot.resize_terminal(*NARROW)
            await ui.sees("02 Yard")
            no_bug(ui)


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_names_that_no_line_was_made_for_move_nothing(socket: Path, ascii_only: bool) -> None:
    async with FakeDaemon(socket, 0) as daemon:
        daemon.tables["nvr"][1] = nvr(name=NAMES[8], manufacturer=NAMES[7], model=NAMES[1])
        for number, name in NAMES.items():
            text = name.encode("utf-8", "replace").decode()
            daemon.tables["camera"][number] = camera(number, CameraState.FAILED, name=text, reason=text)
            daemon.tables["log"][number] = log(number, text, "error", text[:200])
        async with running_ui(socket, ascii_only=ascii_only) as ui:
            for view in "1234567":
                await ui.press(view)
                for line in ui.text.splitlines():
                    assert cell_len(line) == NARROW[0], repr(line)
                    assert line.isprintable(), repr(line)
                    assert not ascii_only or line.isascii() or view == "1", repr(line)
            for number in NAMES:
                await ui.press("2")
                ui.table.move_to(number)
                await ui.press("enter")
                assert all(line.isprintable() and cell_len(line) == NARROW[0] for line in ui.text.splitlines())
                await ui.press("escape")
            no_bug(ui)


async def test_what_comes_from_the_terminal_and_is_no_key_ends_nothing(tmp_path: Path) -> None:
    garbage = (
        b"\xff\xfe\x80\xc3\x28\xed\xa0\x80",
        b"\x1b[999;999;999;999z\x1b[<0;9999;9999M\x1b[M\xff\xff\xff\x1b[?1;2",
        b"\x1b]52;c;" + b"A" * 5000 + b"\x07\x1bP1$r0m\x1b\\\x1b_Gi=1;OK\x1b\\",
        b"\x1b[200~" + bytes(range(14, 127)).replace(b"\x1b", b"") * 20 + b"\x1b[201~",
        b"\x1b[?2026;2$y\x1b[8;24;80t\x1b[?62;4c\x1b[I\x1b[O\x1b[97;5u" + b"\x00" * 100,
    )
    async with FakeDaemon(tmp_path / "s", 4):
        with terminal(tmp_path / "s") as screen:
            await screen.sees(b"All cameras run.")
            for piece in garbage:
                screen.press(piece)
            screen.press(b"\x03")
            await screen.sees(b"once more to quit")  # whatever was taken for keys before
            screen.press(b"\x03")
            assert await screen.ended() == 0
        assert not (tmp_path / "onviftui" / "crash.log").exists()


@pytest.mark.parametrize("term", ["dumb", "vt100", "", "no-such-terminal"])
async def test_a_terminal_without_capabilities_can_be_used_and_left(tmp_path: Path, term: str) -> None:
    async with FakeDaemon(tmp_path / "s", 4):
        with terminal(tmp_path / "s", TERM=term) as screen:
            await screen.sees(b"All cameras run.")
            screen.press(b"2")
            await screen.sees(b"02 Yard")
            screen.press(b"q")
            assert await screen.ended() == 0
        assert not (tmp_path / "onviftui" / "crash.log").exists()
