"""Where packets go: into a recorder's RTSP connection, or to its UDP ports.

A leg is `2 * track` for RTP and `2 * track + 1` for RTCP, everywhere in this room.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from proxyd.rtsp.udp_pair import bind_udp_pair

Packet = tuple[int, bytes]  # leg, RTP or RTCP packet

_BUFFER_BYTES = 1024 * 1024  # a key frame leaves in one burst; what does not fit is lost


class Sink(Protocol):
    """One recorder's end of a relay."""

    def write(self, packets: Sequence[Packet]) -> int:
        """Takes packets of legs it knows and drops others; returns the bytes that go to the recorder."""
        ...

    def close(self) -> None: ...


class TcpSink:
    """Interleaved into the recorder's own connection (RFC 2326 §10.12). Nothing is dropped: the connection tells the
    relay to hold when its buffer is full."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._heads: dict[int, bytes] = {}

    def add_track(self, track: int, channels: tuple[int, int]) -> None:
        for part in (0, 1):
            self._heads[2 * track + part] = b"$" + channels[part].to_bytes(1, "big")

    def remove_track(self, track: int) -> None:
        for part in (0, 1):
            self._heads.pop(2 * track + part, None)

    def write(self, packets: Sequence[Packet]) -> int:
        heads = self._heads
        parts: list[bytes] = []
        for leg, payload in packets:
            head = heads.get(leg)
            if head is not None:
                parts += (head, len(payload).to_bytes(2, "big"), payload)
        if not parts:
            return 0
        whole = b"".join(parts)  # one write per read of the upstream: system calls are what costs
        self._transport.write(whole)
        return len(whole)

    def close(self) -> None:
        """The connection belongs to somebody else."""
        self._heads.clear()


class UdpSink:
    """A pair of ports per track, connected to the recorder's: the kernel lets in only packets from there.

    `heard` is called for each packet that comes back (receiver reports keep a session alive).
    """

    def __init__(self, address: str, client: str, *, heard: Callable[[], None]) -> None:
        self._address = address
        self._client = client
        self._heard = heard
        self._sockets: dict[int, socket.socket] = {}

    def add_track(self, track: int, client_ports: tuple[int, int]) -> tuple[int, int]:
        """Returns our port pair (RFC 3550 §11: even, and the next). Raises OSError when no pair is free."""
        pair = bind_udp_pair(self._address, buffer_bytes=_BUFFER_BYTES)
        loop = asyncio.get_running_loop()
        try:
            for part, one in enumerate(pair):
                one.connect((self._client, client_ports[part]))
        except OSError:
            for one in pair:
                one.close()
            raise
        for part, one in enumerate(pair):
            self._sockets[2 * track + part] = one
            loop.add_reader(one.fileno(), self._readable, one)
        return pair[0].getsockname()[1], pair[1].getsockname()[1]

    def remove_track(self, track: int) -> None:
        for part in (0, 1):
            self._close(self._sockets.pop(2 * track + part, None))

    def write(self, packets: Sequence[Packet]) -> int:
        written = 0
        for leg, payload in packets:
            one = self._sockets.get(leg)
            if one is None:
                continue
            try:
                written += one.send(payload)
            except OSError:
                # Full socket buffer, packet beyond 64 KiB, closed port (clients open them late): UDP may lose packets.
                continue
        return written

    def close(self) -> None:
        for one in self._sockets.values():
            self._close(one)
        self._sockets.clear()

    def _readable(self, one: socket.socket) -> None:
        try:
            one.recv(2048)
        except OSError:
            return  # "connection refused" by the recorder's host comes in here, too
        self._heard()

    def _close(self, one: socket.socket | None) -> None:
        if one is not None:
            asyncio.get_running_loop().remove_reader(one.fileno())
            one.close()
