"""A program on a pty whose every byte is counted and timed: keys in, what came out, and how long that took."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import os
import pty
import struct
import subprocess
import termios
import time
import tty
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

_DEADLINE_S = 60.0
QUIET_S = 0.1  # a frame has ended when nothing came for so long


class TerminalLine:
    """`chunks` are the moments at which something came, and how much."""

    def __init__(self, command: Sequence[str], size: tuple[int, int], environ: Mapping[str, str]) -> None:
        self._main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        tty.setraw(other)  # so that `cat` echoes each key; programs that draw set it themselves
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, start_new_session=True, env=dict(environ)
        )
        os.close(other)
        self.seen = b""
        self.chunks: list[tuple[float, int]] = []
        self._news = asyncio.Event()
        self._reading = True
        asyncio.get_running_loop().add_reader(self._main, self._read)

    def _read(self) -> None:
        data = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            data = os.read(self._main, 1 << 16)
        self._news.set()
        if not data:
            self.stop_reading()
            return
        self.chunks.append((time.monotonic(), len(data)))
        self.seen = (self.seen + data)[-1_000_000:]

    def stop_reading(self) -> None:
        """As a client that was suspended."""
        if self._reading:
            self._reading = False
            asyncio.get_running_loop().remove_reader(self._main)

    def press(self, keys: bytes) -> None:
        os.write(self._main, keys)

    async def sees(self, words: bytes) -> float:
        """Seconds from the start until they stood there."""
        async with asyncio.timeout(_DEADLINE_S):
            while words not in self.seen:
                self._news.clear()
                await self._news.wait()
        return time.monotonic() - self.began

    async def answered(self, key: bytes) -> float:
        """Seconds from a key to the first byte that came of it."""
        self._news.clear()
        pressed = time.monotonic()
        self.press(key)
        async with asyncio.timeout(_DEADLINE_S):
            await self._news.wait()
        return self.chunks[-1][0] - pressed

    async def quiet(self, for_s: float = QUIET_S) -> None:
        """Until nothing has come for so long."""
        async with asyncio.timeout(_DEADLINE_S):
            while True:
                self._news.clear()
                try:
                    await asyncio.wait_for(self._news.wait(), for_s)
                except TimeoutError:
                    return

    def bytes_since(self, moment: float) -> int:
        return sum(size for at, size in self.chunks if at >= moment)

    def frames_since(self, moment: float, gap_s: float = 0.05) -> int:
        """How often something began to come after a pause."""
        times = [at for at, _ in self.chunks if at >= moment]
        return sum(later - earlier > gap_s for earlier, later in itertools.pairwise(times)) + bool(times)

    def close(self) -> None:
        self.stop_reading()
        self.process.terminate()
        os.close(self._main)
        self.process.wait()


@asynccontextmanager
async def terminal_line(
    *command: str, size: tuple[int, int] = (80, 24), environ: Mapping[str, str] | None = None
) -> AsyncIterator[TerminalLine]:
    # A dark terminal that need not be asked, since this one answers nothing.
    fixed = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORFGBG": "15;0"}
    line = TerminalLine(command, size, {**os.environ, **fixed, **(environ or {})})
    try:
        yield line
    finally:
        line.close()


async def echo_s(line: TerminalLine, keys: int) -> list[float]:
    """Of a program that gives every key back: the time of each."""
    return [await _paused(line, b"x") for _ in range(keys)]


async def moves_s(line: TerminalLine, keys: int) -> list[float]:
    """Of our UI with a list on the screen: the cursor goes down and up."""
    return [await _paused(line, b"jk"[number % 2 : number % 2 + 1]) for number in range(keys)]


async def _paused(line: TerminalLine, key: bytes) -> float:
    took = await line.answered(key)
    await line.quiet(0.03)
    return took
