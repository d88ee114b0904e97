"""What a connection may make the front do: a little at a time, and nothing while it does not take the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .settings import Settings

_UNREAD = 4  # times `send_buffer`: more than sessions leave there, which are held before


class Listening:
    """When `conn`, asyncssh's protocol on `transport`, is heard.

    asyncssh answers whatever asks for an answer, and never looks whether anybody takes it: so nothing more is read
    while too much waits; `answers_taken` goes on. A key exchange costs more than all else that anybody may ask for,
    and he may ask for it as often as he likes: `exchange` says how many seconds the next one has to wait."""

    def __init__(self, conn: Any, transport: Any, settings: Settings, exchange: Callable[[], float]) -> None:
        self._transport = transport
        self._most = _UNREAD * settings.send_buffer
        self._exchange = exchange
        self._send_our_half = conn._send_kexinit
        self._take = conn.data_received
        self._first: bytes | None = None  # that came on the connection; held
        self._heard = self._began = False
        self._later: asyncio.TimerHandle | None = None
        conn._send_kexinit = self._exchanging
        conn.data_received = self._received
        transport.max_size = settings.receive_chunk  # asyncio's own is 256 KiB: thousands of packets in one go

    def answers_taken(self) -> None:
        """The transport can be written to again."""
        if self._later is None:
            self._transport.resume_reading()

    def close(self) -> None:
        if self._later is not None:
            self._later.cancel()

    def _received(self, data: bytes, datatype: int | None = None) -> None:
        if not self._heard:  # who says nothing costs nothing; all of an exchange may be in the first that he says
            self._heard = True
            if self._wait():
                self._first = data
                return
        self._take(data, datatype)
        if self._full:
            self._transport.pause_reading()

    def _exchanging(self) -> None:
        """The first one was waited for. Another one is paid for afterwards: it ends with our answer, so the next cannot
        be in what has been read."""
        self._send_our_half()
        if self._began:
            self._wait()
        self._began = True

    def _wait(self) -> bool:
        wait_s = self._exchange()
        if wait_s <= 0 or self._transport.is_closing():
            return False
        self.close()
        self._transport.pause_reading()
        self._later = asyncio.get_running_loop().call_later(wait_s, self._waited)
        return True

    def _waited(self) -> None:
        self._later = None
        first, self._first = self._first, None
        if first is not None:
            self._take(first, None)
        if not self._full and self._later is None:
            self._transport.resume_reading()

    @property
    def _full(self) -> bool:
        return bool(self._transport.get_write_buffer_size() > self._most)
