"""What a connection may make the front do: a little at a time, and nothing while it does not take the answers."""

from __future__ import annotations

from typing import Any

from .settings import Settings

_UNREAD = 4  # times `send_buffer`: more than sessions leave there, which are held before


def listen_fairly(conn: Any, transport: Any, settings: Settings) -> None:
    """`conn` is asyncssh's protocol on `transport`. asyncssh answers whatever asks for an answer, and never looks
    whether anybody takes it: so nothing more is read while too much waits. Whoever is told that the transport can be
    written to again has to resume reading."""
    take = conn.data_received

    def data_received(data: bytes, datatype: int | None = None) -> None:
        take(data, datatype)
        if transport.get_write_buffer_size() > _UNREAD * settings.send_buffer:
            transport.pause_reading()

    conn.data_received = data_received
    transport.max_size = settings.receive_chunk  # asyncio's own is 256 KiB: thousands of packets in one go
