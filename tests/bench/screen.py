"""The UI on a terminal of 80×24: from exec to the first frame with data, beside a bare Python start."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time

from tests.e2e.stack import Stack, running_stack

from .measure import spread

RUNS = 5


async def run() -> dict[str, object]:
    async with running_stack("--channels", "8") as stack:
        async with stack.client() as client:
            await stack.scan(client, await stack.add_nvr(client))
            names = [camera.name for camera in await client.call("camera.list")]
        first = [await asyncio.to_thread(_first_frame, stack, names[0]) for _ in range(RUNS)]
        bare = [await asyncio.to_thread(_bare_start) for _ in range(RUNS)]
    return {"first_frame_s": spread(first), "peer: python -c pass": spread(bare)}


def _bare_start() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - began


def _first_frame(stack: Stack, word: str) -> float:
    """Until the NVR's name stands on the screen."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "onviftui", "--socket", str(stack.socket)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(terminal)
    seen = b""
    try:
        while b"Garage" not in seen and word.encode() not in seen:
            seen += os.read(main, 65536)
            if time.monotonic() - began > 20:
                raise AssertionError("no first frame within 20 s")
        return time.monotonic() - began
    finally:
        process.terminate()
        os.close(main)
        process.wait()
