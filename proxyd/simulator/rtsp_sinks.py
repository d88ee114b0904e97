"""Where the simulator's packets go: into the RTSP connection, or as datagrams from one pair of ports.

Memory is bounded: a connection whose client does not read is cut off; a datagram that the kernel does not take is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass

from proxyd.rtsp.messages import format_interleaved
from proxyd.rtsp.udp_pair import bind_udp_pair
from proxyd.simulator.faults import Faults
from proxyd.simulator.rtp import RtpBatch

MAX_UNSENT_BYTES = 8 << 20
_BUFFER_BYTES = 4 << 20
_DATAGRAMS_PER_WAKE_UP = 64
_MOST_HEARD_BYTES = 8192

Address = tuple[str, int]


@dataclass(slots=True)
class TcpSink:
    """Interleaved in the RTSP connection (RFC 2326 §10.12), one write per frame."""

    transport: asyncio.Transport
    rtp_channel: int
    rtcp_channel: int
    cut_off: Callable[[], None]

    def send(self, batch: RtpBatch) -> None:
        self._write(batch.framed(self.rtp_channel))

    def send_report(self, packet: bytes) -> None:
        self._write(format_interleaved(self.rtcp_channel, packet))

    def _write(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(data)
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.cut_off()


class UdpPair:
    """The server's RTP and RTCP ports (even and odd, RFC 3550 §11), shared by all sessions."""

    def __init__(self, host: str, on_packet: Callable[[Address, bytes], None], faults: Faults) -> None:
        """`on_packet` gets the sender and what came, b"" for RTCP. `faults`: what a bad network does to media on its
        way. Raises OSError when no pair of ports is free."""
        self._on_packet = on_packet
        self._faults = faults
        self._sent = 0  # datagrams of media
        self._delayed: tuple[bytes, Address] | None = None
        self._rtp, self._rtcp = bind_udp_pair(host, buffer_bytes=_BUFFER_BYTES)
        self.ports: tuple[int, int] = (self._rtp.getsockname()[1], self._rtcp.getsockname()[1])

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        for sock in (self._rtp, self._rtcp):
            loop.add_reader(sock.fileno(), self._receive, sock)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        for sock in (self._rtp, self._rtcp):
            if sock.fileno() >= 0:
                loop.remove_reader(sock.fileno())
                sock.close()

    def send(self, batch: RtpBatch, address: Address) -> None:
        for datagram in batch.datagrams():
            self._send_media(datagram, address)

    def send_report(self, packet: bytes, address: Address) -> None:
        self._send(self._rtcp, packet, address)

    def _send_media(self, datagram: bytes, address: Address) -> None:
        """As the network has it: lost, late or twice."""
        faults = self._faults
        self._sent += 1
        if faults.udp_loses and self._sent % faults.udp_loses == 0:
            return
        if faults.udp_delays and self._sent % faults.udp_delays == 0 and self._delayed is None:
            self._delayed = datagram, address
            return
        self._send(self._rtp, datagram, address)
        if faults.udp_repeats and self._sent % faults.udp_repeats == 0:
            self._send(self._rtp, datagram, address)
        if self._delayed is not None:
            late, self._delayed = self._delayed, None
            self._send(self._rtp, *late)

    def _send(self, sock: socket.socket, datagram: bytes, address: Address) -> None:
        with contextlib.suppress(OSError):  # a full buffer, a client that has gone: UDP loses
            sock.sendto(datagram, address)

    def _receive(self, sock: socket.socket) -> None:
        for _ in range(_DATAGRAMS_PER_WAKE_UP):
            try:
                packet, address = sock.recvfrom(_MOST_HEARD_BYTES)
            except OSError:
                return
            self._on_packet((address[0], address[1]), packet if sock is self._rtp else b"")


@dataclass(slots=True)
class UdpSink:
    """One track to one client's pair of ports."""

    pair: UdpPair
    rtp_address: Address
    rtcp_address: Address

    def send(self, batch: RtpBatch) -> None:
        self.pair.send(batch, self.rtp_address)

    def send_report(self, packet: bytes) -> None:
        self.pair.send_report(packet, self.rtcp_address)
