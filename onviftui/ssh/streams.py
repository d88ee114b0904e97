"""What a session's program reads and writes: a terminal, or three pipes; and moving it to and from the SSH channel."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import struct
import termios
from typing import Protocol

from .environment import sane_size
from .pump import Inflow, Outflow, duplicate
from .terminal_reset import ScreenWatch, terminal_reset

Size = tuple[int, int, int, int]  # columns, rows, pixels across, pixels down


class Client(Protocol):
    """The channel, as far as it is needed here."""

    def write(self, data: bytes) -> None: ...

    def write_stderr(self, data: bytes) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Streams:
    """Owns our ends. `term` is None without a terminal. At most one change of size is passed on in `resize_s`: each
    makes a program draw its whole screen anew."""

    def __init__(self, client: Client, term: str | None, size: Size, resize_s: float) -> None:
        self._client = client
        self._term = term
        self._size = sane_size(*size)
        self._resize_s = resize_s
        self._loop = asyncio.get_running_loop()
        self._screen = ScreenWatch()
        self._master = -1
        self._inflow: Inflow | None = None
        self._outflows: list[Outflow] = []
        self._resizing: asyncio.TimerHandle | None = None
        self._closed = False

    def open(self) -> list[int]:
        """The program's ends, which are the caller's to close. Raises OSError."""
        if self._term is not None:
            self._master, slave = os.openpty()
            self._apply_size()
            self._outflows = [Outflow(self._master, self._to_terminal)]
            self._inflow = Inflow(duplicate(self._master), self._hold_input)
            return [slave]
        pairs: list[tuple[int, int]] = []
        try:
            pairs.extend(os.pipe() for _ in range(3))
        except OSError:
            for pair in pairs:
                os.close(pair[0])
                os.close(pair[1])
            raise
        (read_in, write_in), (read_out, write_out), (read_error, write_error) = pairs
        self._inflow = Inflow(write_in, self._hold_input)
        self._outflows = [Outflow(read_out, self._to_client), Outflow(read_error, self._to_client_error)]
        return [read_in, write_out, write_error]

    def type(self, data: bytes) -> None:
        """What the client sends."""
        if self._inflow is not None:
            self._inflow.write(data)

    def type_end(self) -> None:
        """The client sends no more. A terminal has no end of input."""
        if self._inflow is not None and self._term is None:
            self._inflow.write_eof()

    def resize(self, size: Size) -> None:
        self._size = sane_size(*size)
        if self._resizing is None and self._term is not None and not self._closed:
            self._apply_size()
            self._resizing = self._loop.call_later(self._resize_s, self._resize_again, self._size)

    def hold(self, held: bool) -> None:
        """Read nothing more from the program meanwhile, so that it has to wait."""
        for outflow in self._outflows:
            if held:
                outflow.pause()
            else:
                outflow.resume()

    async def drained(self) -> None:
        """All that the program wrote before its end is with the channel."""
        for outflow in self._outflows:
            await outflow.ended.wait()

    def reset(self, *, clean: bool) -> bytes:
        """What the user's terminal needs now. `clean`: the program says that it left it in order."""
        if self._term is None or (clean and not self._screen.alternate):
            return b""
        return terminal_reset(self._term, alternate=self._screen.alternate)

    def close(self) -> None:
        """A program on the terminal gets SIGHUP by that."""
        self._closed = True
        if self._resizing is not None:
            self._resizing.cancel()
        for outflow in self._outflows:
            outflow.close()
        if self._inflow is not None:
            self._inflow.close()

    def _to_terminal(self, data: bytes) -> None:
        self._screen.feed(data)
        self._to_client(data)

    def _to_client(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the channel is being closed
            self._client.write(data)

    def _to_client_error(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._client.write_stderr(data)

    def _hold_input(self, held: bool) -> None:
        (self._client.pause_reading if held else self._client.resume_reading)()

    def _resize_again(self, applied: Size) -> None:
        self._resizing = None
        if self._size != applied:
            self.resize(self._size)

    def _apply_size(self) -> None:
        width, height, pixel_width, pixel_height = self._size
        packed = struct.pack("HHHH", height, width, pixel_width, pixel_height)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, packed)
