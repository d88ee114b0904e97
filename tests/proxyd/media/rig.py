"""A real media process at the other end of a real control socket, with NVRs and recorders on real sockets."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import pack, unpack_from
from typing import TypeVar

from proxyd.media.wire import (
    MAX_PACKET_BYTES,
    Command,
    Event,
    FeedStats,
    Leg,
    OpenFeed,
    OpenOutlet,
    OutletStats,
    Ready,
    StartOutlet,
    Stats,
    Track,
    WriteOutlet,
    decode_event,
    encode,
)

DEADLINE_S = 60
ROOT = Path(__file__).resolve().parents[3]
VIDEO = Track((0, 1), "h264", 90_000, True)
AUDIO = Track((2, 3), "", 8_000, False)
BOTH = (VIDEO, AUDIO)
SAME = (Leg(0, (0, 1)), Leg(1, (2, 3)))
STARTED = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
SPS, PPS = b"\x67\x64\x00\x1f" + bytes(8), b"\x68\xee\x38"
_Event = TypeVar("_Event", bound=Event)


class Media:
    """The daemon's side."""

    def __init__(self, process: subprocess.Popen[bytes], peer: socket.socket) -> None:
        self.process = process
        self.peer = peer
        self.events: list[Event] = []
        self._next = 0
        self._ends: list[socket.socket] = []  # of NVRs and recorders: closed with the rig

    def keep(self, sock: socket.socket) -> socket.socket:
        self._ends.append(sock)
        return sock

    def close(self) -> None:
        for one in (self.peer, *self._ends):
            one.close()

    def new_id(self) -> int:
        self._next += 1
        return self._next

    def order(self, command: Command, *sockets: socket.socket) -> None:
        """The sockets are closed here: the process has them now."""
        socket.send_fds(self.peer, [encode(command)], [one.fileno() for one in sockets])
        for one in sockets:
            one.close()

    def wait(self, kind: type[_Event], which: Callable[[_Event], bool] = lambda _: True) -> _Event:
        """The first such event that was not waited for before."""
        until = time.monotonic() + DEADLINE_S
        while True:
            for event in self.events:
                if isinstance(event, kind) and which(event):
                    self.events.remove(event)
                    return event
            self.peer.settimeout(max(0.01, until - time.monotonic()))
            packet = self.peer.recv(MAX_PACKET_BYTES)
            assert packet, "the media process has ended"
            self.events.append(decode_event(packet))

    def _forget_stats(self) -> None:
        self.peer.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while packet := self.peer.recv(MAX_PACKET_BYTES):
                self.events.append(decode_event(packet))
        self.events = [event for event in self.events if not isinstance(event, Stats)]

    def fresh_stats(self, outlet: int) -> OutletStats:
        """Figures that were made after this call."""
        self._forget_stats()
        found = self.wait(Stats, lambda stats: any(one.outlet == outlet for one in stats.outlets))
        return next(one for one in found.outlets if one.outlet == outlet)

    def feed(
        self, tracks: tuple[Track, ...] = BOTH, *, number: int = 0, data: bytes = b""
    ) -> tuple[int, socket.socket]:
        """Its id and the NVR's end."""
        number = number or self.new_id()
        ours, nvr = tcp_pair()
        self.order(OpenFeed(number, tracks, "camera", data=data), ours)
        return number, self.keep(nvr)

    def outlet(
        self, feed: int, legs: tuple[Leg, ...] = SAME, *, start: bool = True, at_key: bool = False, buffer: int = 0
    ) -> tuple[int, Recorder]:
        number = self.new_id()
        ours, recorder = tcp_pair(buffer)
        self.order(OpenOutlet(number, feed, legs), ours)
        reader = Recorder(self.keep(recorder))
        if start:
            self.order(StartOutlet(number, at_key))
            self.order(WriteOutlet(number, STARTED))
            assert reader.read(len(STARTED)) == STARTED
        return number, reader

    def feed_stats(self, feed: int) -> FeedStats:
        """Figures that were made after this call."""
        self._forget_stats()
        found = self.wait(Stats, lambda stats: any(one.feed == feed for one in stats.feeds))
        return next(one for one in found.feeds if one.feed == feed)

    def udp_feed(self, tracks: tuple[Track, ...] = (VIDEO,), *, tied: bool = True) -> tuple[int, list[socket.socket]]:
        """Its id and the NVR's sockets: RTP and RTCP of each track."""
        number = self.new_id()
        pairs = [udp_pair(tied) for _ in range(2 * len(tracks))]
        self.order(OpenFeed(number, tracks, "camera", udp=True), *(ours for ours, _ in pairs))
        return number, [self.keep(nvr) for _, nvr in pairs]

    def udp_outlet(self, feed: int, legs: tuple[Leg, ...] = SAME[:1]) -> tuple[int, list[socket.socket]]:
        """Its id and the recorder's sockets."""
        number = self.new_id()
        pairs = [udp_pair(True) for _ in range(2 * len(legs))]
        self.order(OpenOutlet(number, feed, legs, udp=True), *(ours for ours, _ in pairs))
        self.order(StartOutlet(number, False))
        _, first = self.outlet(feed)  # orders are carried out one after another: now it is started
        first.socket.close()
        return number, [self.keep(recorder) for _, recorder in pairs]

    def descriptors(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def rss_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


class Recorder:
    """What comes to it, exactly."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        sock.settimeout(DEADLINE_S)

    def read(self, size: int) -> bytes:
        parts = []
        while size:
            part = self.socket.recv(min(size, 1 << 20))
            assert part, "closed"
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def frame(self) -> tuple[int, bytes]:
        """Channel and packet."""
        head = self.read(4)
        assert head[0] == 0x24, head
        return head[1], self.read(int.from_bytes(head[2:], "big"))

    def rtp(self) -> tuple[int, int, int]:
        """Sequence number, time stamp, SSRC of the next packet."""
        _, packet = self.frame()
        sequence, stamp, ssrc = unpack_from(">HII", packet, 2)
        return sequence, stamp, ssrc

    def rest(self) -> bytes:
        """Until it is closed."""
        parts = []
        with contextlib.suppress(ConnectionError):
            while part := self.socket.recv(1 << 20):
                parts.append(part)
        return b"".join(parts)


@contextlib.contextmanager
def media(*arguments: str) -> Iterator[Media]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "proxyd.media", str(theirs.fileno()), *arguments],
        pass_fds=[theirs.fileno()],
        cwd=ROOT,
        stderr=subprocess.PIPE,
    )
    theirs.close()
    rig = Media(process, ours)
    try:
        assert rig.wait(Ready).pid == process.pid
        yield rig
    finally:
        rig.close()
        _, said = process.communicate(timeout=DEADLINE_S)
        assert said == b""
        assert process.returncode == 0


def tcp_pair(buffer: int = 0) -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection. `buffer`: of the second one's receive buffer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        if buffer:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        first = socket.create_connection(server.getsockname(), timeout=DEADLINE_S)
        second, _ = server.accept()
    if buffer:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    second.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return first, second


def udp_pair(tied: bool) -> tuple[socket.socket, socket.socket]:
    """Two sockets that send to each other; the first takes packets from anywhere unless it is `tied`."""
    first, second = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for one in (first, second):
        one.bind(("127.0.0.1", 0))
        one.settimeout(DEADLINE_S)
    second.connect(first.getsockname())
    if tied:
        first.connect(second.getsockname())
    return first, second


def rtp(sequence: int, stamp: int, payload: bytes, *, ssrc: int = 7, marker: bool = False, kind: int = 96) -> bytes:
    return pack(">BBHII", 0x80, kind | marker << 7, sequence & 0xFFFF, stamp & 0xFFFFFFFF, ssrc) + payload


def framed(channel: int, packet: bytes) -> bytes:
    return b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet


def picture(
    sequence: int, stamp: int, *, key: bool = False, packets: int = 3, size: int = 500, ssrc: int = 7
) -> tuple[list[bytes], int]:
    """RTP packets of one H.264 picture in FU-A, and the sequence number behind it."""
    payloads = [SPS, PPS] if key else []
    kind = 5 if key else 1
    for at in range(packets):
        head = bytes((0x7C, kind | (0x80 if at == 0 else 0x40 if at == packets - 1 else 0)))
        payloads.append(head + sequence.to_bytes(4, "big") + bytes(size))
    made = [
        rtp(sequence + at, stamp, payload, marker=at == len(payloads) - 1, ssrc=ssrc)
        for at, payload in enumerate(payloads)
    ]
    return made, sequence + len(made)


def pictures(count: int, *, first: int = 0, stamp: int = 0, key_each: int = 10, ssrc: int = 7) -> list[bytes]:
    """RTP packets; the first picture is a key frame."""
    packets: list[bytes] = []
    sequence = first
    for at in range(count):
        made, sequence = picture(sequence, stamp + at * 3600, key=at % key_each == 0, ssrc=ssrc)
        packets += made
    return packets
