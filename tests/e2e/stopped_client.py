"""A client by SSH that reads nothing more while its screen is drawn again and again: what that costs the machine."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh

from .ssh_box import SshBox

_SIZE = (200, 60)
_MOST_FRAMES = 600
_FRAME_S = 0.05
_STILL_S = 1.0


@asynccontextmanager
async def stopped_client(
    box: SshBox, key: str, begin: Callable[[], Any] = lambda: None
) -> AsyncIterator[tuple[int, asyncssh.SSHClientProcess[bytes], Callable[[], None]]]:
    """Gives how many bytes wait for the client when the front takes nothing more (what it took from the program and the
    client's kernel has not got: in the front, and in the kernel behind it), the client's process, and what to call so
    that the client reads on. `begin` is called when it stops reading."""
    async with box.connection(key) as conn:
        process = await conn.create_process(term_type="xterm-256color", term_size=_SIZE, encoding=None)
        await process.stdout.readuntil(b"Overview")
        transport = conn._transport
        assert transport is not None
        begin()
        transport.pause_reading()
        got, took = _acknowledged(box.port), _read_by(box.process.pid)
        still = _Still(lambda: _read_by(box.process.pid))
        for step in range(_MOST_FRAMES):
            process.change_terminal_size(_SIZE[0] - step % 2, _SIZE[1])
            await asyncio.sleep(_FRAME_S)
            if still():
                break
        waiting = (_read_by(box.process.pid) - took) - (_acknowledged(box.port) - got)
        yield waiting, process, transport.resume_reading


class _Still:
    """True once a figure did not change for a second."""

    def __init__(self, figure: Callable[[], int]) -> None:
        self._figure = figure
        self._last, self._since = figure(), time.monotonic()

    def __call__(self) -> bool:
        now = self._figure()
        if now != self._last:
            self._last, self._since = now, time.monotonic()
        return time.monotonic() - self._since > _STILL_S


def _read_by(pid: int) -> int:
    """Bytes that a process got by read(2): of terminals, not of sockets."""
    return int(re.search(r"rchar: (\d+)", Path(f"/proc/{pid}/io").read_text())[1])  # type: ignore[index]  # always there


def _acknowledged(port: int) -> int:
    """Bytes that the kernel of the client has of us."""
    text = subprocess.run(
        ["ss", "-tinHO", "state", "established", f"sport = :{port}"], capture_output=True, text=True, check=True
    ).stdout
    return sum(int(found) for found in re.findall(r"bytes_acked:(\d+)", text))
