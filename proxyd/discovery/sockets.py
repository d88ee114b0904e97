"""The two UDP sockets of one camera. Options and their reasons: ip(7), igmp; measured with 128 cameras on one parent.

`hear`: bound to the group, a member on the camera's interface only, and deaf to the memberships of other sockets
(IP_MULTICAST_ALL=0: otherwise one Probe becomes N×N datagrams). `speak`: bound to the camera's address, so that what it
sends has the camera's address and MAC; it also hears what is sent to that address alone.
"""

from __future__ import annotations

import socket
import struct

GROUP = "239.255.255.250"
PORT = 3702
IP_MULTICAST_ALL = 49  # linux/in.h; not in the module socket


def interface_index(name: str) -> int:
    """Of the interface of a camera; "lo:127.0.77.1" is one address of lo. Raises OSError when it is gone."""
    return socket.if_nametoindex(name.partition(":")[0])


def open_speaking(address: str, interface: int, port: int = PORT) -> socket.socket:
    """Raises OSError: the address is not here, or somebody else has the port."""
    made = _bound(address, port)
    try:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", b"", b"", interface))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    except BaseException:
        made.close()
        raise
    return made


def open_hearing(interface: int, port: int = PORT) -> socket.socket:
    """Raises OSError: the interface cannot multicast, or somebody has the port and does not share it."""
    made = _bound(GROUP, port)
    try:
        made.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        request = struct.pack("=4s4si", socket.inet_aton(GROUP), b"", interface)  # struct ip_mreqn
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    except BaseException:
        made.close()
        raise
    return made


def _bound(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        made.setblocking(False)
        # Each camera and other programs of this machine hear the same group on the same port.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
    except BaseException:
        made.close()
        raise
    return made
