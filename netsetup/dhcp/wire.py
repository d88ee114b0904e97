"""The packet socket on the parent: whole Ethernet frames in and out, filtered in the kernel. Needs CAP_NET_RAW.

Frames for a camera's MAC reach only ETH_P_ALL sockets on the parent (the macvlan takes them before the others).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import fcntl
import socket
import struct
from collections.abc import Callable

from netsetup.dhcp.frames import mac_bytes
from netsetup.errors import KernelRefused, NetsetupError

SocketFactory = Callable[[], socket.socket]

_ETH_P_ALL = 3
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_SOL_PACKET, _ADD_MEMBERSHIP, _DROP_MEMBERSHIP, _ONE_UNICAST_ADDRESS = 263, 1, 2, 3
_GET_INTERFACE_INDEX = 0x8933  # SIOCGIFINDEX
_LONGEST_FRAME = 2048
_FRAMES_PER_TURN = 256  # then the event loop gets its turn
_RECEIVE_BUFFER = 1 << 20
_PASSING = (errno.EAGAIN, errno.ENETDOWN, errno.ENOBUFS, errno.EINTR)

# Classic BPF, instructions of <linux/filter.h>: (code, jump if true, jump if false, k). Jumps are relative.
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30
_LOAD_HALF_INDEXED, _LOAD_HEADER_LENGTH = 0x48, 0xB1
_JUMP_EQUAL, _JUMP_BITS, _RETURN = 0x15, 0x45, 0x06
_PACKET_TYPE, _VLAN_TAG_PRESENT = 0xFFFFF000 + 4, 0xFFFFF000 + 48
_FILTER = (
    (_LOAD_WORD, 0, 0, _PACKET_TYPE),
    (_JUMP_EQUAL, 14, 0, 4),  # PACKET_OUTGOING: what this host sends itself
    (_LOAD_WORD, 0, 0, _VLAN_TAG_PRESENT),
    (_JUMP_EQUAL, 0, 12, 0),  # the traffic of eth0.7 is seen on eth0, without its tag
    (_LOAD_HALF, 0, 0, 12),
    (_JUMP_EQUAL, 9, 0, 0x0806),
    (_JUMP_EQUAL, 0, 9, 0x0800),
    (_LOAD_BYTE, 0, 0, 23),
    (_JUMP_EQUAL, 0, 7, 17),
    (_LOAD_HALF, 0, 0, 20),
    (_JUMP_BITS, 5, 0, 0x3FFF),  # a fragment
    (_LOAD_HEADER_LENGTH, 0, 0, 14),
    (_LOAD_HALF_INDEXED, 0, 0, 16),
    (_JUMP_EQUAL, 1, 0, 68),  # the DHCP client's port
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, _LONGEST_FRAME),
    (_RETURN, 0, 0, 0),
)


def packet_socket() -> socket.socket:
    """Of no protocol yet, so that nothing is queued before the filter is there. Raises NetsetupError."""
    try:
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    except PermissionError:
        raise KernelRefused(
            "A packet socket was refused.", "Run it as root, or give the service CAP_NET_RAW."
        ) from None


class Wire:
    """`received` gets every ARP frame and every UDP datagram for port 68 that comes in on the parent."""

    def __init__(self, parent: str, received: Callable[[bytes], None], factory: SocketFactory = packet_socket) -> None:
        self.parent = parent
        self._received = received
        self._factory = factory
        self._socket: socket.socket | None = None
        self._wanted = False
        self._macs: frozenset[str] = frozenset()

    def open(self) -> None:
        """Idempotent; call it again after the parent was away. Raises NetsetupError."""
        if self._socket is not None:
            return
        made = self._factory()
        try:
            made.setblocking(False)
            _make_room(made)
            _attach_filter(made)
            made.bind((self.parent, _ETH_P_ALL))
            asyncio.get_running_loop().add_reader(made, self._read)
        except OSError as error:
            made.close()
            if error.errno == errno.ENODEV:
                raise NetsetupError(
                    f"There is no network interface {self.parent}.", "`ip link` lists those that there are."
                ) from None
            raise KernelRefused(f"The packet socket on {self.parent} was refused: {error.strerror}.") from None
        except BaseException:
            made.close()
            raise
        self._socket = made
        self._wanted = True
        macs, self._macs = self._macs, frozenset()
        self.receive_for(macs)

    def receive_for(self, macs: frozenset[str]) -> None:
        """Have the network card pass frames for exactly these MACs, also while their interfaces are down or not there
        yet. As good as it can: a card that refuses passes them once the interfaces are up."""
        if self._socket is not None:
            request = struct.pack("16sI20x", self.parent.encode()[:15], 0)
            with contextlib.suppress(OSError):
                (index,) = struct.unpack_from("I", fcntl.ioctl(self._socket, _GET_INTERFACE_INDEX, request), 16)
                for option, changed in ((_DROP_MEMBERSHIP, self._macs - macs), (_ADD_MEMBERSHIP, macs - self._macs)):
                    for mac in changed:
                        membership = struct.pack("IHH8s", index, _ONE_UNICAST_ADDRESS, 6, mac_bytes(mac))
                        with contextlib.suppress(OSError):
                            self._socket.setsockopt(_SOL_PACKET, option, membership)
        self._macs = macs

    def close(self) -> None:
        self._wanted = False
        self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def send(self, frame: bytes) -> bool:
        """False when it was not sent: the link is down or its queue is full. Whoever sends repeats itself anyway."""
        if self._socket is None and self._wanted:
            with contextlib.suppress(NetsetupError):
                self.open()
        for _ in range(2):  # an error of the past, such as a link that was down, is told by the first call after it
            if self._socket is None:
                return False
            try:
                self._socket.send(frame)
            except OSError as error:
                if error.errno not in _PASSING:
                    self._shut()  # the interface is gone; the next frame looks for one of that name
            else:
                return True
        return False

    def _read(self) -> None:
        for _ in range(_FRAMES_PER_TURN):
            if self._socket is None:  # closed by what a frame led to
                return
            try:
                frame = self._socket.recv(_LONGEST_FRAME)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in _PASSING:
                    self._shut()
                return
            self._received(frame)


def _make_room(made: socket.socket) -> None:
    """For the answers to hundreds of cameras at once; without CAP_NET_ADMIN as much as the host allows everybody."""
    try:
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def _attach_filter(made: socket.socket) -> None:
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in _FILTER)
    program = ctypes.create_string_buffer(code)
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(_FILTER), ctypes.addressof(program)))
