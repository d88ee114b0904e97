"""TLS for a media process, which knows none: a pair of sockets stands for one direction of the connection, and the
daemon moves what comes through it.

Bounded by the pair and the transport: whoever does not read fills both, and the one who writes feels that as in a plain
connection.
"""

from __future__ import annotations

import asyncio
import socket

_READ_BYTES = 64 * 1024
_TRANSPORT_BYTES = 64 * 1024  # beyond what the kernel holds
_KERNEL_BYTES = 64 * 1024  # which takes twice as much memory, and up to 4 MiB when left alone
_LATER_BYTES = 128 * 1024
_MOST_READS = 16  # of a full pair


class Outward:
    """From a media process into `transport`, whose protocol has to call `pause` and `resume`. `write` keeps its order:
    what is written here comes after all that the media process wrote."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._near: socket.socket | None = None
        self._paused = False
        self._later = bytearray()  # until the media process has closed its end
        transport.set_write_buffer_limits(high=_TRANSPORT_BYTES)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)

    @property
    def active(self) -> bool:
        """A media process writes, or what it wrote is still under way."""
        return self._near is not None

    def open(self) -> int:
        """A descriptor for a media process, the caller's."""
        self._settle()
        self._near, far = socket.socketpair()
        self._near.setblocking(False)
        if not self._paused:
            self._loop.add_reader(self._near.fileno(), self._readable)
        return far.detach()

    def write(self, data: bytes) -> None:
        if self._near is None:
            self._transport.write(data)
            return
        self._later += data
        if len(self._later) > _LATER_BYTES:
            self._settle()  # it does not let go

    def pause(self) -> None:
        self._paused = True
        if self._near is not None:
            self._loop.remove_reader(self._near.fileno())

    def resume(self) -> None:
        self._paused = False
        if self._near is not None:
            self._loop.add_reader(self._near.fileno(), self._readable)

    def close(self) -> None:
        """Nothing comes from here any more, save what waits for its turn; the transport is not closed."""
        if self._later and not self._paused:
            self._settle()
        self._later.clear()
        self._end()

    def _readable(self) -> None:
        data = self._read()
        if data:
            self._transport.write(data)
        elif data is not None:
            self._end()

    def _read(self) -> bytes | None:
        """One piece; b"" at the end, None when there is nothing at the moment."""
        assert self._near is not None
        try:
            return b"" if self._transport.is_closing() else self._near.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _settle(self) -> None:
        """Moves what is there now, as much as the pair may hold, and ends."""
        for _ in range(_MOST_READS if self._near is not None else 0):
            if not (data := self._read()):
                break
            self._transport.write(data)
        self._end()

    def _end(self) -> None:
        near, self._near = self._near, None
        if near is not None:
            self._loop.remove_reader(near.fileno())
            near.close()
        if self._later and not self._transport.is_closing():
            self._transport.write(bytes(self._later))
        self._later.clear()


class Inward:
    """From a TLS connection's `transport` to a media process. `feed` what came; a full pair stops the reading."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        near, far = socket.socketpair()
        near.setblocking(False)
        self._near: socket.socket | None = near
        self._rest = memoryview(b"")
        self._ending = False
        self.descriptor = far.detach()
        """For the media process; the caller's."""

    def feed(self, data: bytes) -> None:
        """What nobody reads any more is thrown away."""
        if self._near is None or self._ending:
            return
        if self._rest:  # one read more may come after the pause
            self._rest = memoryview(bytes(self._rest) + data)
            return
        self._rest = memoryview(data)
        self._flush()
        if self._rest and self._near is not None:
            self._transport.pause_reading()
            self._loop.add_writer(self._near.fileno(), self._writable)

    def end(self) -> None:
        """The connection has ended: what came still goes to the media process, then the end."""
        self._ending = True
        if not self._rest:
            self.close()

    def close(self) -> None:
        near, self._near = self._near, None
        self._rest = memoryview(b"")
        if near is not None:
            self._loop.remove_writer(near.fileno())
            near.close()

    def _writable(self) -> None:
        self._flush()
        if self._rest or self._near is None:
            return
        self._loop.remove_writer(self._near.fileno())
        if self._ending:
            self.close()
        else:
            self._transport.resume_reading()

    def _flush(self) -> None:
        assert self._near is not None
        try:
            while self._rest:
                self._rest = self._rest[self._near.send(self._rest) :]
        except BlockingIOError:
            return
        except OSError:  # the media process has closed its end
            self.close()
            if not self._ending:
                self._transport.resume_reading()
