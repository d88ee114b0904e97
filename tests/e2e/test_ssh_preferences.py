"""What a user of the SSH server likes is his own, and is there again when he comes back."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.ssh_box import SshBox, SshTerminal
from tests.e2e.stack import running_stack


async def _open_settings(screen: SshTerminal) -> None:
    await screen.sees(b"help")
    before = len(screen.output)
    screen.press(b"8")
    await screen.sees(b"shared account", before)
    screen.press(b"/")
    await screen.sees(b"-not", before)
    screen.press(b"looks\r")  # the one entry with this word
    await screen.sees(b"1 of ", before)
    screen.press(b"\r")
    await screen.sees(b"Clipboard", before)


async def test_each_user_keeps_his_own(tmp_path: Path) -> None:
    async with running_stack("--channels", "1") as stack, stack.client():
        box = SshBox(tmp_path, stack.socket)
        files = tmp_path / "state" / "onviftui-ssh" / "users"
        mine = files / "vic" / "onviftui" / "preferences.json"
        try:
            with box.terminal("vic") as screen:
                await _open_settings(screen)
                screen.press(b"jjj\r")  # past theme, mouse and links
                box.wait_until(mine.exists, "the file of vic")
                screen.press(b"q")
                assert await screen.ended() == 0
            assert json.loads(mine.read_text())["clipboard"] is False
            assert mine.stat().st_mode & 0o777 == 0o600
            for user, value in (("vic", b"off"), ("anna", b"on")):
                with box.terminal(user) as screen:
                    await _open_settings(screen)
                    before = len(screen.output)
                    screen.press(b"jjj")
                    await screen.sees(b"(OSC 52)", before)
                    assert (b"off" in screen.output) == (value == b"off")
                    screen.press(b"q")
                    await screen.ended()
            assert not (files / "anna" / "onviftui").exists()
        finally:
            box.stop()
