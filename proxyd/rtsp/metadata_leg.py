"""One recorder's metadata track: documents to packets, and on their way, never more waiting than the limit.

Metadata is slow, so it is the daemon that sends it: between the packets of the recorder's connection, or by a pair of
UDP sockets. A recorder that does not read misses whole documents, and is told afterwards how things stand.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence

from proxyd.rtsp.headers import Transport
from proxyd.rtsp.messages import format_interleaved
from proxyd.rtsp.metadata_rtp import MetadataRtp

# Less than what a media process holds for answers beside its backlog.
MAX_WAITING_BYTES = 96 * 1024
_HEARD_PER_WAKE_UP = 16


class MetadataLeg:
    """`transport` is what was granted; `sockets` (RTP, RTCP; connected, not blocking) belong to this where it is UDP,
    otherwise `write` puts frames into the connection. `unsent` bytes wait there, None while a media process writes it,
    which says so to `measured`; `heard` is called for packets that come by UDP."""

    def __init__(
        self,
        transport: Transport,
        sockets: Sequence[socket.socket],
        *,
        write: Callable[[bytes], None],
        unsent: Callable[[], int | None],
        heard: Callable[[], None],
    ) -> None:
        self.dropped = 0  # documents
        self.behind = False  # some were left out since it was last told how things stand
        self._channels = transport.interleaved or (0, 1)
        self._sockets = tuple(sockets)
        self._write = write
        self._unsent = unsent
        self._heard = heard
        self._waiting = 0  # bytes, as far as we know
        self._rtp = MetadataRtp(ssrc=secrets.randbits(32), sequence=secrets.randbits(16), stamp=secrets.randbits(32))
        self._loop = asyncio.get_running_loop()
        for one in self._sockets:
            self._loop.add_reader(one.fileno(), self._readable, one)

    @property
    def over_tcp(self) -> bool:
        return not self._sockets

    def send(self, document: bytes, at_s: float) -> None:
        """At `at_s` seconds since 1970; as a whole or not at all."""
        if self._waiting + len(document) > MAX_WAITING_BYTES:
            self.dropped += 1
            self.behind = True
            return
        self._transmit(0, self._rtp.packets(document, at_s))

    def report(self, at_s: float, cname: bytes) -> None:
        """A sender report."""
        if self._waiting <= MAX_WAITING_BYTES:
            self._transmit(1, [self._rtp.report(at_s, cname)])

    def measured(self, waiting: int) -> None:
        """So many bytes of the recorder's connection wait."""
        self._waiting = waiting

    def look(self) -> None:
        """To be called about once a second."""
        waiting = self._unsent()
        if waiting is not None:
            self._waiting = waiting

    def close(self) -> None:
        for one in self._sockets:
            self._loop.remove_reader(one.fileno())
            one.close()
        self._sockets = ()

    def _transmit(self, part: int, packets: Sequence[bytes]) -> None:
        """`part` 0 for RTP, 1 for RTCP."""
        if not self._sockets:
            frames = b"".join(format_interleaved(self._channels[part], packet) for packet in packets)
            self._waiting += len(frames)
            self._write(frames)
            return
        for packet in packets:
            try:
                self._sockets[part].send(packet)
            except OSError:  # a full buffer, or a port that the recorder opens late or has closed
                self.dropped += 1

    def _readable(self, sock: socket.socket) -> None:
        for _ in range(_HEARD_PER_WAKE_UP):
            try:
                sock.recv(1)
            except BlockingIOError:
                return
            except OSError:  # "connection refused" by the recorder's host
                continue
            self._heard()
