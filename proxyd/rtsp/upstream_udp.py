"""Tracks that an NVR sends by UDP: a pair of ports for each, which hear the NVR alone, from the ports that it named."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from functools import partial
from struct import pack

from proxyd.rtsp.headers import Transport
from proxyd.rtsp.messages import Interleaved
from proxyd.rtsp.udp_pair import bind_udp_pair

_BUFFER_BYTES = 1024 * 1024  # a key frame comes in one burst
_RTP_VERSION = 2 << 6
_PACKET_BYTES = 65536
_PACKETS_PER_WAKE_UP = 64


class UdpTracks:
    """`local` and `peer`: both ends of the RTSP connection. Media never comes from elsewhere, whatever `source` and
    `destination` say."""

    def __init__(self, local: str, peer: str) -> None:
        self._local = local
        self._peer = peer
        self._pairs: dict[int, tuple[socket.socket, socket.socket]] = {}
        self._given = False

    def wish(self, track: int) -> Transport:
        """For SETUP of the track. Raises OSError when no ports are free."""
        self.forget(track)
        pair = self._pairs[track] = bind_udp_pair(self._local, buffer_bytes=_BUFFER_BYTES)
        return Transport(client_port=(pair[0].getsockname()[1], pair[1].getsockname()[1]))

    def granted(self, track: int, ports: tuple[int, int]) -> None:
        """The NVR's. From here on the kernel lets in packets from there only. Raises OSError."""
        for one, port in zip(self._pairs[track], ports, strict=True):
            one.connect((self._peer, port))

    def forget(self, track: int) -> None:
        for one in self._pairs.pop(track, ()):
            asyncio.get_running_loop().remove_reader(one)
            one.close()

    def close(self) -> None:
        for track in list(self._pairs):
            self.forget(track)

    def listen(self, on_frames: Callable[[list[Interleaved]], None]) -> None:
        """Packets of track n go there as those of channel 2n, unless a media process has got `descriptors`."""
        if not self._given:
            for track, (rtp, _) in self._pairs.items():
                asyncio.get_running_loop().add_reader(rtp, partial(_receive, rtp, track, on_frames))

    def open_ways(self, ssrc: int, report: bytes) -> None:
        """A packet from each port, so that a firewall between lets the NVR's through."""
        for rtp, rtcp in self._pairs.values():
            _send(rtp, pack(">BBHII", _RTP_VERSION, 0, 0, 0, ssrc))
            _send(rtcp, report)

    def report(self, track: int, packet: bytes) -> None:
        _send(self._pairs[track][1], packet)

    def send(self, track: int, packet: bytes) -> bool:
        """RTP. False when the kernel does not take it."""
        return track in self._pairs and _send(self._pairs[track][0], packet)

    def descriptors(self) -> list[int]:
        """Duplicates for a media process: RTP and RTCP of each track, in the order of their numbers."""
        self._given = True
        made: list[int] = []
        try:
            for _, pair in sorted(self._pairs.items()):
                made += [os.dup(one.fileno()) for one in pair]
        except OSError:
            for one in made:
                os.close(one)
            raise
        return made


def _receive(sock: socket.socket, track: int, on_frames: Callable[[list[Interleaved]], None]) -> None:
    frames: list[Interleaved] = []
    with contextlib.suppress(OSError):  # nothing more, or an earlier packet came back as unreachable
        while len(frames) < _PACKETS_PER_WAKE_UP:
            frames.append(Interleaved(2 * track, sock.recv(_PACKET_BYTES)))
    on_frames(frames)


def _send(sock: socket.socket, packet: bytes) -> bool:
    with contextlib.suppress(OSError):  # UDP may lose it; an earlier one came back as unreachable
        return sock.send(packet) > 0
    return False
