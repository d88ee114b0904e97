"""The UI on a real terminal (a pty), and the UI against the real daemon with the simulated NVR."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from onviftui.demo_processes import free_loopback
from onviftui.screens.job import JobScreen
from proxyd.api.models import CameraState

from .fake_daemon import FakeDaemon
from .pty_terminal import ROOT, START_S, terminal
from .ui_driver import running_ui


async def test_q_leaves_a_clean_terminal_and_exit_code_0(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 4):
        with terminal(tmp_path / "s") as screen:
            await screen.sees(b"All cameras run.")
            screen.press(b"2")
            await screen.sees(b"02 Yard")
            screen.press(b"q")
            assert await screen.ended() == 0
            await screen.sees(b"\x1b[?1049l")  # the alternate screen is left
            await screen.sees(b"\x1b[?25h")  # the cursor is back


async def test_no_color_sends_no_colour(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 4):
        with terminal(tmp_path / "s", NO_COLOR="1") as screen:
            await screen.sees(b"All cameras run.")
            screen.press(b"q")
            await screen.ended()
            assert b"38;5" not in screen.output
            assert b"38;2" not in screen.output


async def test_the_linux_console_gets_ascii_and_its_own_colours(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 4) as daemon:
        del daemon.tables["camera"][1]
        with terminal(tmp_path / "s", TERM="linux", COLORTERM="truecolor") as screen:
            await screen.sees(b"cameras")
            screen.press(b"q")
            await screen.ended()
            assert b"38;2" not in screen.output
            assert screen.output.isascii()


async def test_without_a_terminal_it_says_what_to_use_instead(tmp_path: Path) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "onviftui", "--socket", str(tmp_path / "s")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=ROOT,
        timeout=START_S,
        check=False,
    )
    assert done.returncode == 2
    assert b"needs a terminal" in done.stderr
    assert b"onviftui --help" in done.stderr


@asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`proxyd …` until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxyd", *arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@pytest.fixture
def network() -> Iterator[str]:
    with free_loopback() as (cameras, _):
        yield cameras


async def test_from_an_empty_daemon_to_running_cameras_by_keys_alone(tmp_path: Path, network: str) -> None:
    """The main job as a person does it: add, mistype the password, correct it, watch the scan, open a camera."""
    (tmp_path / "password").write_text("sim-secret-1")
    simulate = ("simulate", "--channels", "3", "--user", "admin", "--json")
    run = ("run", "--data", str(tmp_path / "data"), "--socket", str(tmp_path / "s"), "--loopback")
    async with (
        program(*simulate, "--password-file", str(tmp_path / "password")) as nvr,
        program(*run, network),
        running_ui(tmp_path / "s") as ui,
    ):
        assert nvr.stdout is not None
        async with asyncio.timeout(START_S):
            where = json.loads(await nvr.stdout.readline())
        await ui.sees("Welcome.")
        await ui.press("a")
        await ui.write(f"{where['host']}:{where['port']}")
        await ui.press("enter", "enter")
        await ui.write("admin")
        await ui.press("enter")
        await ui.write("wrong-password")
        await ui.press("ctrl+s")
        await ui.sees("saves it all the same")
        await ui.press("ctrl+s")
        await ui.until(lambda: isinstance(ui.app.screen, JobScreen), "the first scan")
        await ui.sees("Enter corrects address or account")
        await ui.press("enter")
        await ui.write("sim-secret-1")
        await ui.press("ctrl+s")
        await ui.sees("now a camera each")
        await ui.press("enter")
        running = [CameraState.RUNNING] * 3
        await ui.until(lambda: [c.state for c in ui.app.store.cameras.values()] == running, "three running cameras")
        await ui.sees(network.removesuffix("0/24"))
        await ui.press("o")
        await ui.sees("from the NVR, ")
        await ui.sees("1280×720 JPEG")
        await ui.press("escape", "enter")
        await ui.sees("/onvif/device_service")
        assert "sim-secret-1" not in ui.text
