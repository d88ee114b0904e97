"""Records docs/tour.cast: a real run of the UI on a pty, played with `asciinema play docs/tour.cast`.

`python -m tests.tour`. The pauses are written and the clock stands still, so that two recordings differ only where the
UI does. What the daemon does meanwhile (`tour_story`) is made up; the keys and every byte on the screen are real.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from .bench.terminal_line import TerminalLine, terminal_line
from .onviftui.fake_daemon import FakeDaemon
from .tour_story import STORY, prepare

FILE = Path(__file__).resolve().parents[1] / "docs" / "tour.cast"
SIZE = (80, 24)
_HOST = """
import platform, sys
from datetime import UTC, datetime
from onviftui.app import OnviftuiApp
from onviftui.cli import main
platform.node = lambda: "garage-box"
OnviftuiApp.local_now = lambda self: datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
sys.exit(main(sys.argv[1:]))
"""
# a player's terminal must not answer them
_QUESTIONS = re.compile(r"\x1b\[\?\d+\$p|\x1b\[[<>=]\d*u|\x1b\]1[01];\?(?:\x07|\x1b\\)|\x1b\[\d*c")
_TYPED_S = 0.12  # between two keys


async def record() -> str:
    """The lines of the recording (asciicast version 2)."""
    header = {"version": 2, "width": SIZE[0], "height": SIZE[1], "title": "onviftui", "env": {"TERM": "xterm-256color"}}
    lines = [json.dumps(header)]
    clock = 0.0
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "s"
        async with FakeDaemon(socket, 16) as daemon:
            prepare(daemon)
            environ = {
                "COLORTERM": "truecolor",
                "TZ": "UTC",
                "ONVIFTUI_PREFERENCES": f"{folder}/preferences.json",
                "ONVIFTUI_PICTURES": "blocks",
            }
            command = (sys.executable, "-c", _HOST, "--socket", str(socket), "--no-mouse")
            async with terminal_line(*command, size=SIZE, environ=environ) as line:
                await line.sees(b"Garage")
                for step in STORY:
                    if step.happens is not None:
                        step.happens(daemon)
                    for key in step.presses:
                        line.press(key)
                        await line.quiet(0.4)
                        lines.append(_event(clock, line))
                        clock += _TYPED_S
                    await line.quiet(0.4)
                    lines.append(_event(clock, line))
                    clock += step.look_s
    return "\n".join([*(text for text in lines if text), json.dumps([round(clock, 2), "o", ""])]) + "\n"


def _event(clock: float, line: TerminalLine) -> str:
    """What came since the last one; nothing when that is nothing."""
    text, line.seen = _QUESTIONS.sub("", line.seen.decode(errors="replace")), b""
    return json.dumps([round(clock, 2), "o", text], ensure_ascii=False) if text else ""


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    FILE.write_text(asyncio.run(record()))
    print(FILE, FILE.stat().st_size)
