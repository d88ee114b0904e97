"""How sessions by SSH end when something dies, and that nothing is left: processes, memory, a terminal in disorder."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .ssh_box import SshBox, alive
from .stack import Stack
from .stopped_client import stopped_client
from .test_ssh import RESTORED, opened

GONE_S = 1.0
BUFFER = 128 * 1024


@pytest.fixture
def box(stack: Stack, tmp_path: Path) -> Iterator[SshBox]:
    box = SshBox(tmp_path, stack.socket)
    yield box
    box.stop()
    assert "Traceback" not in box.said()


async def test_out_of_memory_ends_that_session_alone(stack: Stack, tmp_path: Path) -> None:
    box = SshBox(tmp_path, stack.socket, session_memory=72 * 1024 * 1024)
    try:
        with box.terminal("anna") as screen:
            assert await screen.ended() in (1, 70)
            assert b"onviftui" in screen.output and b"Traceback" not in screen.output
            assert screen.output.count(b"\x1b[?1049h") == screen.output.count(b"\x1b[?1049l")
        assert alive(box.zygote)
    finally:
        box.stop()


async def test_a_dead_zygote_ends_sessions_honestly_and_is_replaced(box: SshBox) -> None:
    with box.terminal("anna") as screen:
        await opened(screen)
        old, children = box.zygote, box.children
        os.kill(old, signal.SIGKILL)
        assert await screen.ended() == 70
        assert all(sequence in screen.output for sequence in RESTORED)
        assert len(screen.lines) == 1 and "log in again" in screen.lines[0]
    box.wait_until(lambda: not any(alive(pid) for pid in children), "its sessions are gone")
    box.wait_until_said("another one is started")
    assert box.run("anna", "status").code == 0
    assert box.zygote != old


async def test_a_zygote_that_hangs_is_replaced(stack: Stack, tmp_path: Path) -> None:
    box = SshBox(tmp_path, stack.socket, spawn_s=6.0)
    try:
        old = box.zygote
        os.kill(old, signal.SIGSTOP)
        done = await asyncio.to_thread(box.run, "anna", "status")
        assert done.code == 1 and "try again in a moment" in done.err
        assert (await asyncio.to_thread(box.run, "anna", "status")).code == 0
        assert not alive(old)
    finally:
        box.stop()


async def test_stopping_the_server_says_goodbye(box: SshBox) -> None:
    with box.terminal("anna") as screen, box.terminal("vic") as other:
        await opened(screen)
        await opened(other)
        children, zygote = box.children, box.zygote
        assert await asyncio.to_thread(box.stop) == 0
        for terminal in (screen, other):
            assert await terminal.ended() == 1
            assert all(sequence in terminal.output for sequence in RESTORED)
            assert "stopped or restarted" in terminal.lines[0]
        assert not any(alive(pid) for pid in (*children, zygote))


async def test_killing_the_server_leaves_no_process(box: SshBox) -> None:
    with box.terminal("anna") as screen:
        await opened(screen)
        processes = [*box.children, box.zygote]
        box.process.kill()
        box.wait_until(
            lambda: not any(alive(pid) for pid in processes), "processes behind a front that is gone", GONE_S
        )


@pytest.mark.parametrize("words", [(), ("log", "tail", "-f")])
async def test_a_client_that_vanishes_leaves_no_process(box: SshBox, words: tuple[str, ...]) -> None:
    with ExitStack() as opened_ones:
        screens = [opened_ones.enter_context(box.terminal("anna", *words)) for _ in range(3)]
        for screen in screens:
            await (screen.sees(b"proxyd") if words else opened(screen))
        children = box.children
        assert len(children) == 3
        for screen in screens:
            screen.process.kill()
        box.wait_until(lambda: not any(alive(pid) for pid in children), "sessions of vanished clients", GONE_S)
    assert alive(box.zygote)


async def test_a_client_that_stops_reading_costs_little(box: SshBox) -> None:
    """He reads nothing more while his screen is drawn again and again. What the front took from the program and his
    machine did not get is what he costs: in the front, and in the kernel's buffer behind it."""
    async with stopped_client(box, "anna") as (waiting, process, go_on):
        assert 16 * 1024 < waiting <= BUFFER
        await asyncio.to_thread(box.run, "vic", "status")  # nobody else waits for him
        process.stdin.write(b"q")
        go_on()
        assert (await process.wait()).exit_status == 0


async def test_sessions_outlive_a_restart_of_the_daemon(stack: Stack, box: SshBox) -> None:
    with ExitStack() as opened_ones:
        screens = [opened_ones.enter_context(box.terminal(name)) for name in ("anna", "anna", "olga", "vic", "vic")]
        for screen in screens:
            await opened(screen)
            await screen.sees(b"cameras")  # it has the daemon's data
        starts = [len(screen.output) for screen in screens]
        stack.kill_daemon()
        for screen, start in zip(screens, starts, strict=True):
            await screen.sees(b"reconnecting", start)
        starts = [len(screen.output) for screen in screens]
        stack.start_daemon()
        for screen, start in zip(screens, starts, strict=True):
            await screen.sees(b"cameras", start)  # the head line tells of cameras again
        assert len(box.children) == 5
        for screen in screens:
            screen.press(b"q")
            assert await screen.ended() == 0
