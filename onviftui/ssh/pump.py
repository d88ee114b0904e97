"""Bytes between descriptors and an SSH channel. Nothing is read that cannot be sent on, so nothing piles up.

All descriptors here are non-blocking and belong to the pump, which closes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

CHUNK = 16 * 1024
MAX_INPUT = 64 * 1024  # waits for a program that does not read


class Outflow:
    """From a program to the client. `ended` is set once all it wrote was taken."""

    def __init__(self, descriptor: int, take: Callable[[bytes], None]) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._reading = False
        self.ended = asyncio.Event()
        self.resume()

    def pause(self) -> None:
        """The client does not take more now."""
        self._stop()

    def resume(self) -> None:
        if not self.ended.is_set() and not self._reading:
            self._reading = True
            self._loop.add_reader(self._descriptor, self._read)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._stop()
            os.close(self._descriptor)
            self.ended.set()

    def _stop(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody has the other end of the terminal any more
            data = b""
        if data:
            self._take(data)
        else:
            self._stop()
            self.ended.set()


class Inflow:
    """From the client to a program. `hold` is told to stop and to go on: a program that does not read must cost no
    memory."""

    def __init__(self, descriptor: int, hold: Callable[[bool], None]) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._hold = hold
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._open = True
        self._held = False
        self._ending = False

    def write(self, data: bytes) -> None:
        if not self._open or self._ending:
            return
        was_empty = not self._waiting
        self._waiting += data
        if was_empty:
            self._flush()
        if len(self._waiting) > MAX_INPUT and not self._held:
            self._held = True
            self._hold(True)

    def write_eof(self) -> None:
        self._ending = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            self._waiting.clear()

    def _flush(self) -> None:
        try:
            written = os.write(self._descriptor, self._waiting)
        except BlockingIOError:
            written = 0
        except OSError:  # the program has closed its input, or is gone
            self.close()
            return
        del self._waiting[:written]
        if self._waiting:
            self._loop.add_writer(self._descriptor, self._flush)
            return
        self._loop.remove_writer(self._descriptor)
        if self._held:
            self._held = False
            self._hold(False)
        if self._ending:
            self.close()


def duplicate(descriptor: int) -> int:
    """One for the pump in the other direction: it closes its own."""
    copy = os.dup(descriptor)
    with contextlib.suppress(OSError):
        os.set_blocking(copy, False)
    return copy
