"""The UI on a real terminal: a pty of a size and kind that a test chooses, what came out of it, and keys into it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = "import sys; from onviftui.cli import main; sys.exit(main(['--socket', *sys.argv[1:]]))"
START_S = 120


class Terminal:
    """A pty with the UI in it."""

    def __init__(
        self, socket: Path, arguments: tuple[str, ...], size: tuple[int, int], program: str = RUN, **environ: str
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        keep = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLORTERM", "LC_ALL")}
        fixed = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "XDG_STATE_HOME": str(socket.parent)}
        # A dark terminal that need not be asked, as these tests give no answers; an empty value stands for none.
        env = keep | fixed | {"COLORFGBG": "15;0"} | environ
        env = {key: value for key, value in env.items() if key != "COLORFGBG" or value}
        command = [sys.executable, "-c", program, str(socket), *arguments]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=ROOT)
        os.close(slave)
        self.output = b""
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # EIO: the program has closed the terminal
            data = os.read(self._master, 65536)
            self.output += data
            if data:
                self._news.set()
                return
        asyncio.get_running_loop().remove_reader(self._master)

    async def sees(self, words: bytes, start: int = 0) -> None:
        async with asyncio.timeout(START_S):
            while words not in self.output[start:]:
                self._news.clear()
                await self._news.wait()

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    async def ended(self) -> int:
        return await asyncio.to_thread(self.process.wait, START_S)

    def hang_up(self) -> None:
        """The terminal is gone."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._master >= 0:
            os.close(self._master)


@contextlib.contextmanager
def terminal(socket: Path, *arguments: str, columns: int = 80, rows: int = 24, **environ: str) -> Iterator[Terminal]:
    """`arguments` are those of the command `onviftui`; `program` of `environ` is what runs it."""
    opened = Terminal(socket, arguments, (columns, rows), **environ)
    try:
        yield opened
    finally:
        opened.close()
