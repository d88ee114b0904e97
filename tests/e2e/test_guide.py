"""From an empty box to eight running cameras: by the guide with the keyboard alone at 80×24, on the console and by the
real `ssh`, and by the command line."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

from proxyd.api import models as m
from tests.onviftui.pty_terminal import terminal

from .conftest import ROOT
from .ssh_box import SshBox, require_ssh
from .stack import NVR_PASSWORD, NVR_USER, Stack, running_stack, wait_for_states

CHANNELS = 8


class Screen(Protocol):
    output: bytes

    def press(self, keys: bytes) -> None: ...

    async def sees(self, words: bytes, start: int = 0) -> None: ...


async def press(screen: Screen, keys: bytes, words: bytes) -> None:
    """These keys, and then these words anew."""
    before = len(screen.output)
    screen.press(keys)
    await screen.sees(words, before)


async def fill(screen: Screen, *values: str) -> None:
    """Into the fields from the one that has the cursor on; Enter leads to the next."""
    await quiet(screen)
    for value in values:
        screen.press(value.encode() + b"\r")
        await quiet(screen)


async def quiet(screen: Screen) -> None:
    """The UI sends nothing while nothing changes: so all keys have been taken, and drawn."""
    before = -1
    async with asyncio.timeout(60):
        while before != len(screen.output):
            before = len(screen.output)
            await asyncio.sleep(0.4)


async def named(stack: Stack, name: str) -> None:
    async with asyncio.timeout(60), stack.client() as client:
        while name not in [camera.name for camera in await client.call("camera.list")]:
            await asyncio.sleep(0.05)


async def follow_the_guide(screen: Screen, stack: Stack) -> None:
    await screen.sees(b"Is this machine ready for cameras?")
    await screen.sees(b"loopback mode")
    await press(screen, b"\r", b"Which NVR?")
    await press(screen, b"a", b"Add an NVR")
    where = f"{stack.said['host']}:{stack.said['port']}"
    await fill(screen, where, "", NVR_USER, "not-it")  # the port comes with the address
    await press(screen, b"\x13", b"try was refused")
    await quiet(screen)
    screen.press(b"\x1b[A")  # up, from the name to the password
    await quiet(screen)
    screen.press(b"\x15")  # ctrl-u clears the field
    await fill(screen, NVR_PASSWORD)
    await press(screen, b"\x13", b"Read the channels of")
    await screen.sees(b"now a camera each")
    await press(screen, b"\r", b"What shall the cameras be called?")
    await press(screen, b"e", b"saves it, next one")
    screen.press(b"\x15")
    await quiet(screen)
    screen.press(b"Gate\r")
    await named(stack, "Gate")
    await press(screen, b"\x1b", b"leaves out")
    await press(screen, b"\r", b"Start 8 cameras")
    await press(screen, b"\r", b"All cameras run.")
    await press(screen, b"\r", b"0 of 8 cameras adopted.")
    await press(screen, b"\r", b"Adopt camera 1 of 8 now")


async def eight_run(stack: Stack) -> list[m.Camera]:
    async with stack.client() as client:
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        assert len(cameras) == CHANNELS
        assert (await client.call("adoption.get")).state == "running"
    return cameras


async def test_by_the_guide_on_a_terminal(tmp_path: Path) -> None:
    async with running_stack("--channels", str(CHANNELS)) as stack:
        async with stack.client() as client:
            await client.call("status")
        with terminal(stack.socket, XDG_STATE_HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path)) as screen:
            await follow_the_guide(screen, stack)
            assert (await eight_run(stack))[0].name == "Gate"
            screen.press(b"q")
            assert await screen.ended() == 0
        assert NVR_PASSWORD.encode() not in screen.output


async def test_by_the_guide_over_ssh(tmp_path: Path) -> None:
    require_ssh()
    async with running_stack("--channels", str(CHANNELS)) as stack:
        async with stack.client() as client:
            await client.call("status")
        box = SshBox(tmp_path, stack.socket)
        try:
            with box.terminal("anna") as screen:
                await follow_the_guide(screen, stack)
                cameras = await eight_run(stack)
                screen.press(b"q")
                assert await screen.ended() == 0
        finally:
            box.stop()
        assert cameras[0].name == "Gate"
        assert NVR_PASSWORD.encode() not in screen.output
        async with stack.client() as client:
            entries: list[m.LogEntry] = await client.call("log.tail")
        assert {entry.actor.split(" via ")[0] for entry in entries if "Gate" in entry.message} == {"anna"}


async def test_the_guide_goes_on_after_the_ui_was_killed(tmp_path: Path) -> None:
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            nvr = await stack.add_nvr(client)
            await stack.scan(client, nvr, start=False)
        with terminal(stack.socket, XDG_STATE_HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path)) as screen:
            await screen.sees(b"guide me")
            await press(screen, b"w", b"What shall the cameras be called?")
            screen.process.kill()
        with terminal(stack.socket, XDG_STATE_HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path)) as screen:
            await screen.sees(b"guide me")
            await press(screen, b"w", b"What shall the cameras be called?")
            await press(screen, b"\r", b"Start 2 cameras")
            await press(screen, b"\r", b"All cameras run.")


async def test_by_the_command_line() -> None:
    async with running_stack("--channels", str(CHANNELS)) as stack:
        async with stack.client() as client:
            await client.call("status")

        def run(*words: str, stdin: str = "", code: int = 0) -> Any:
            done = subprocess.run(
                [sys.executable, "-m", "onviftui", "--socket", str(stack.socket), "--json", *words],
                input=stdin,
                capture_output=True,
                text=True,
                cwd=ROOT,
                timeout=120,
            )
            assert done.returncode == code, done.stderr
            assert NVR_PASSWORD not in done.stdout + done.stderr
            return json.loads(done.stdout)

        def follow() -> None:
            assert run("status")["mode"] == "loopback"
            assert all(finding["severity"] != "problem" for finding in run("interface", "doctor"))
            where = ("--host", stack.said["host"], "--port", str(stack.said["port"]))
            account = (*where, "--user", NVR_USER, "--password-stdin")
            refused = run("nvr", "test", *account, stdin="not-it", code=1)
            assert (refused["ok"], refused["refused"]) == (False, 1)
            assert run("nvr", "test", *account, stdin=NVR_PASSWORD)["channels"] == CHANNELS
            nvr = run("nvr", "add", *account, stdin=NVR_PASSWORD)
            job = run("nvr", "scan", str(nvr["id"]), "--no-start")
            assert len(job["diff"]["new"]) == CHANNELS
            cameras = run("camera", "list")
            assert [camera["state"] for camera in cameras] == ["stopped"] * CHANNELS
            run("camera", "edit", str(cameras[0]["id"]), "--name", "Gate")
            run("camera", "start", *(str(camera["id"]) for camera in cameras))
            run("adoption", "start")

        await asyncio.to_thread(follow)
        assert (await eight_run(stack))[0].name == "Gate"
