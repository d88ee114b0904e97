"""The UI on a terminal: its first frame, how soon it answers a key, and what it sends while nothing or much changes.

Each beside a named peer in the same run: a bare Python start, and `cat` on a pty, which gives every key back.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.stack import Stack, running_stack
from tests.onviftui.fake_daemon import FakeDaemon

from .measure import spread
from .terminal_line import TerminalLine, echo_s, moves_s, terminal_line

RUNS = 5
KEYS = 100
CAMERAS = 128
BUSY_S = 10
IDLE_S = 5
LARGE = (120, 40)
ON_TOP = {"bytes_per_s_behind_help": b"?", "bytes_per_s_behind_a_camera": b"\r"}
ON_TOP_S = 5


async def run() -> dict[str, object]:
    async with running_stack("--channels", "8") as stack:
        async with stack.client() as client:
            await stack.scan(client, await stack.add_nvr(client))
        first = [await _first_frame(stack) for _ in range(RUNS)]
        bare = [await asyncio.to_thread(_bare_start) for _ in range(RUNS)]
    return {"first_frame_s": spread(first), "peer: python -c pass": spread(bare), **await _lines()}


def _bare_start() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - began


async def _first_frame(stack: Stack) -> float:
    """Until the NVR's name stands on the screen."""
    async with terminal_line(sys.executable, "-m", "onviftui", "--socket", str(stack.socket)) as line:
        return await line.sees(b"Garage")


async def _lines() -> dict[str, object]:
    """128 cameras on 120×40: keys, then nothing, then a quarter of them changing each second."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "s"
        async with FakeDaemon(socket, CAMERAS) as daemon, terminal_line("cat", size=LARGE) as cat:
            ui_command = (sys.executable, "-m", "onviftui", "--socket", str(socket))
            async with terminal_line(*ui_command, size=LARGE) as line:
                await line.sees(b"cameras")
                line.press(b"2")
                await line.sees(b"Server room")
                await line.quiet(0.5)
                echo = await echo_s(cat, KEYS)
                moves = await moves_s(line, KEYS)
                await line.quiet(1.0)
                since = time.monotonic()
                await asyncio.sleep(IDLE_S)
                idle = line.bytes_since(since)
                await busy(daemon, CAMERAS, 1)  # columns get the room that they keep
                since = time.monotonic()
                await busy(daemon, CAMERAS, BUSY_S, first=CAMERAS // 4)
                took = time.monotonic() - since  # longer than it should, on a machine that has other work
                sent, frames = line.bytes_since(since), line.frames_since(since)
                under = {name: await _bytes_per_s(line, daemon, key) for name, key in ON_TOP.items()}
    return {
        "key_to_update_ms": spread([s * 1000 for s in moves]),
        "peer: cat on a pty, ms": spread([s * 1000 for s in echo]),
        "key_to_update_by_echo": round(statistics.median(moves) / statistics.median(echo), 1),
        "bytes_per_s_idle": idle / IDLE_S,
        "bytes_per_s_busy": round(sent / took),
        "frames_per_s_busy": round((frames - 1) / took, 1),  # the first one did not wait for another
        **under,
    }


async def _bytes_per_s(line: TerminalLine, daemon: FakeDaemon, key: bytes) -> int:
    """The same, while what this key opens stands in front of the cameras."""
    line.press(key)
    await line.quiet(1.0)
    since = time.monotonic()
    await busy(daemon, CAMERAS, ON_TOP_S, first=round(since))
    sent, took = line.bytes_since(since), time.monotonic() - since
    line.press(b"\x1b")
    await line.quiet(1.0)
    return round(sent / took)


async def busy(daemon: FakeDaemon, cameras: int, seconds: float, share: float = 0.25, first: int = 0) -> None:
    """The bit rates of this share of the cameras change each second, spread over it. `first` counts on where another
    call ended, so that values are new ones."""
    each_s = round(cameras * share)
    for change in range(first, first + round(each_s * seconds)):
        number = change * 37 % cameras + 1  # all have their turn, neighbours do not follow each other
        camera = daemon.tables["camera"][number]
        stream = camera.streams[0].model_copy(update={"bps": 5_000_000 + change % 90 * 100_000, "clients": 1})
        streams = [stream, camera.streams[1]]
        daemon.change("camera", camera.model_copy(update={"clients": 1, "recorder": "10.77.0.3", "streams": streams}))
        await asyncio.sleep(1 / each_s)
