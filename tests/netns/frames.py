"""Every frame on a cable: captured with AF_PACKET in a thread, taken apart as far as the tests look.

Captured on the bridge's port of a machine, a frame that arrives there (`outgoing` False) was sent by that machine.
Nothing may be missed: `stop()` raises when the kernel had to drop frames.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from .lan import PATIENCE_S, Namespace

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, IGMP, TCP, UDP = 1, 2, 6, 17
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

_SNAP = 1024  # octets kept of a frame: enough to see an action in a SOAP header
_MOST = 500_000
_SOL_PACKET, _PACKET_STATISTICS, _SO_RCVBUFFORCE, _SO_ATTACH_FILTER = 263, 6, 33, 26
_PACKET_OUTGOING = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """Addresses and ports are "" and 0 where the frame has none. For ARP, `protocol` is the operation (1 asks, 2
    answers), the addresses are the sender's and the target's, and `arp_mac` is the sender's MAC in the message."""

    time_s: float
    outgoing: bool
    source_mac: str
    target_mac: str
    ethertype: int
    protocol: int = 0
    source: str = ""
    target: str = ""
    source_port: int = 0
    target_port: int = 0
    flags: int = 0  # TCP's; type for ICMP
    arp_mac: str = ""
    payload: bytes = b""


def parse_frame(octets: bytes, *, time_s: float = 0.0, outgoing: bool = False) -> Frame:
    """Never raises: what is too short or unknown has fewer fields."""
    target_mac, source_mac = _mac(octets[0:6]), _mac(octets[6:12])
    ethertype = int.from_bytes(octets[12:14])
    start = (time_s, outgoing, source_mac, target_mac, ethertype)
    body = octets[14:]
    if ethertype == ARP and len(body) >= 28:
        operation = int.from_bytes(body[6:8])
        sender, asked = str(IPv4Address(body[14:18])), str(IPv4Address(body[24:28]))
        return Frame(*start, operation, sender, asked, arp_mac=_mac(body[8:14]))
    if ethertype != IPV4 or len(body) < 20:
        return Frame(*start)
    source, target = str(IPv4Address(body[12:16])), str(IPv4Address(body[16:20]))
    protocol, rest = body[9], body[(body[0] & 15) * 4 :]
    if int.from_bytes(body[6:8]) & 0x1FFF:  # a later fragment has no ports
        return Frame(*start, protocol, source, target, payload=rest)
    if protocol == UDP and len(rest) >= 8:
        from_port, to_port = struct.unpack_from("!HH", rest)
        return Frame(*start, protocol, source, target, from_port, to_port, payload=rest[8:])
    if protocol == TCP and len(rest) >= 20:
        from_port, to_port = struct.unpack_from("!HH", rest)
        return Frame(
            *start, protocol, source, target, from_port, to_port, rest[13], payload=rest[(rest[12] >> 4) * 4 :]
        )
    return Frame(*start, protocol, source, target, flags=rest[0] if rest else 0, payload=rest[1:])


class Capture:
    """What passed since the start. `frames` may be read at any time; it only grows."""

    def __init__(self, machine: Namespace, link: str) -> None:
        self.frames: list[Frame] = []
        self._grown = threading.Condition()
        self._socket = machine.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.settimeout(0.05)
        self._keep_beginnings()
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 128 << 20)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"capture {link}", daemon=True)
        self._socket.bind((link, 3))  # ETH_P_ALL; from here on frames arrive
        self._thread.start()

    def sent(self, chosen: Callable[[Frame], bool] = lambda frame: True) -> list[Frame]:
        """Frames that the machine behind the port sent."""
        return [frame for frame in list(self.frames) if not frame.outgoing and chosen(frame)]

    def wait_for(self, what: str, chosen: Callable[[Frame], bool], count: int = 1) -> None:
        """Until that many frames (either way) fit."""
        end, seen, at = time.monotonic() + PATIENCE_S, 0, 0
        with self._grown:
            while True:
                for frame in self.frames[at:]:
                    seen += chosen(frame)
                at = len(self.frames)
                if seen >= count:
                    return
                if not self._grown.wait(end - time.monotonic()):
                    raise AssertionError(f"saw {seen} of {count} frames: {what}")

    def stop(self) -> None:
        """Takes what is still queued. Raises AssertionError when frames were lost."""
        self._ended.set()
        self._thread.join(10)
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self._socket.close()
        _, lost = struct.unpack("II", statistics)
        if lost or len(self.frames) >= _MOST:
            raise AssertionError(f"the capture lost {lost} frames; what it shows proves nothing")

    def _keep_beginnings(self) -> None:
        """A filter of one instruction, `return _SNAP`, has the kernel copy no more than that."""
        program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, _SNAP))
        filters = struct.pack("HL", 1, ctypes.addressof(program))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filters)

    def _read(self) -> None:
        while len(self.frames) < _MOST:
            try:
                octets, address = self._socket.recvfrom(_SNAP)
            except TimeoutError:
                if self._ended.is_set():
                    return
                continue
            except OSError:  # the interface went down or away: ENETDOWN is told once
                if self._ended.is_set():
                    return
                continue
            frame = parse_frame(octets, time_s=time.monotonic(), outgoing=address[2] == _PACKET_OUTGOING)
            with self._grown:
                self.frames.append(frame)
                self._grown.notify_all()


@contextmanager
def captured(machine: Namespace, link: str) -> Iterator[Capture]:
    """Captures while the block runs: `with captured(lan.bridge, "p-host") as cable:`."""
    capture = Capture(machine, link)
    try:
        yield capture
    except BaseException:
        capture._ended.set()
        capture._thread.join(10)
        capture._socket.close()
        raise
    else:
        capture.stop()


def _mac(octets: bytes) -> str:
    return octets.hex(":")
