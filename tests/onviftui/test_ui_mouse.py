"""The mouse is optional: switched off, the terminal hears nothing of it and selects text by itself."""

from __future__ import annotations

import json
from pathlib import Path

from .fake_daemon import FakeDaemon
from .pty_terminal import terminal

_MODES = [b"\x1b[?%dh" % mode for mode in (1000, 1002, 1003, 1006, 1015, 1016)]


def _asked(output: bytes) -> list[bytes]:
    return [mode for mode in _MODES if mode in output]


async def test_with_the_mouse_off_no_mouse_sequence_is_ever_sent(tmp_path: Path) -> None:
    """Not even when the terminal says that it can report sizes in band, upon which pixels are asked for."""
    async with FakeDaemon(tmp_path / "s", 4):
        for arguments in (("--no-mouse",), ()):
            (tmp_path / "preferences.json").write_text(json.dumps({"mouse": bool(arguments)}))
            preferences = str(tmp_path / "preferences.json")
            with terminal(tmp_path / "s", *arguments, ONVIFTUI_PREFERENCES=preferences) as screen:
                await screen.sees(b"All cameras run.")
                screen.press(b"\x1b[?2048;2$y")
                await screen.sees(b"\x1b[?2048h")
                screen.press(b"2")
                await screen.sees(b"02 Yard")
                screen.press(b"q")
                assert await screen.ended() == 0
                assert _asked(screen.output) == []


async def test_the_palette_switches_the_mouse_off_and_on_and_it_is_remembered(tmp_path: Path) -> None:
    preferences = tmp_path / "preferences.json"
    async with FakeDaemon(tmp_path / "s", 4):
        with terminal(tmp_path / "s", ONVIFTUI_PREFERENCES=str(preferences)) as screen:
            await screen.sees(b"All cameras run.")
            assert _MODES[0] in screen.output
            screen.press(b":")
            await screen.sees(b"hat to do")  # the cursor stands on the first letter
            screen.press(b"mouse off\r")
            await screen.sees(b"\x1b[?1003l")
            since = len(screen.output)
            screen.press(b":")
            await screen.sees(b"hat to do", since)
            screen.press(b"mouse on\r")
            await screen.sees(b"\x1b[?1003h", since)
            screen.press(b"q")
            assert await screen.ended() == 0
            assert json.loads(preferences.read_text())["mouse"] is True
