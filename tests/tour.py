"""Records docs/tour.cast: a real run of the UI on a pty, played with `asciinema play docs/tour.cast`.

`python -m tests.tour`. The pauses are written, not measured, so that two recordings differ only where the UI does.
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
from .onviftui.scenes import house

FILE = Path(__file__).resolve().parents[1] / "docs" / "tour.cast"
SIZE = (80, 24)
_HOST = """
import platform, sys
from onviftui.cli import main
platform.node = lambda: "garage-box"
sys.exit(main(sys.argv[1:]))
"""
_QUESTIONS = re.compile(r"\x1b\[\?\d+\$p|\x1b\[[<>=]\d*u")  # a player's terminal must not answer them
# keys, and how long the viewer looks at what came
_STEPS: tuple[tuple[bytes, float], ...] = (
    (b"2", 2.0),
    (b"jjjjjj", 2.0),
    (b"/", 0.8),
    (b"yard", 2.0),
    (b"\x1b", 1.0),
    (b"\r", 2.5),
    (b"\t", 2.5),
    (b"\x1b", 1.0),
    (b"3", 2.0),
    (b"5", 2.0),
    (b"6", 2.0),
    (b"7", 2.0),
    (b":", 1.0),
    (b"light", 2.0),
    (b"\x1b", 1.5),
    (b"?", 2.5),
    (b"\x1b", 1.0),
)


async def record() -> str:
    """The lines of the recording (asciicast version 2)."""
    header = {"version": 2, "width": SIZE[0], "height": SIZE[1], "title": "onviftui", "env": {"TERM": "xterm-256color"}}
    lines = [json.dumps(header)]
    clock = 0.0
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "s"
        async with FakeDaemon(socket, 16) as daemon:
            house(daemon)
            environ = {"COLORTERM": "truecolor", "TZ": "UTC", "ONVIFTUI_PREFERENCES": f"{folder}/preferences.json"}
            command = (sys.executable, "-c", _HOST, "--socket", str(socket), "--no-mouse")
            async with terminal_line(*command, size=SIZE, environ=environ) as line:
                await line.sees(b"16 cameras")
                for keys, look_s in ((b"", 2.5), *_STEPS):
                    for key in (keys,) if keys.startswith(b"\x1b") or not keys else [bytes([one]) for one in keys]:
                        line.press(key)
                        await line.quiet(0.4)
                        lines.append(_event(clock, line))
                        clock += 0.12
                    clock += look_s
    return "\n".join(lines) + "\n"


def _event(clock: float, line: TerminalLine) -> str:
    """What came since the last one."""
    text, line.seen = line.seen.decode(errors="replace"), b""
    return json.dumps([round(clock, 2), "o", _QUESTIONS.sub("", text)], ensure_ascii=False)


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    FILE.write_text(asyncio.run(record()))
    print(FILE, FILE.stat().st_size)
