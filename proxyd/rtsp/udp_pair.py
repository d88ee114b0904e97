"""Two neighbouring UDP ports for RTP and RTCP (RFC 3550 §11: an even one and the next), of a range that a firewall may
know.
"""

from __future__ import annotations

import contextlib
import errno
import random
import socket

from proxyd.rtsp.headers import Transport
from proxyd.rtsp.session import Refused

FIRST_PORT, LAST_PORT = 32768, 60999  # as Linux' own for who asks for any port; netsetup's guard lets them through
_MOST_TRIES = 1000
_evens = range(FIRST_PORT, LAST_PORT, 2)


def use_ports(first: int, last: int) -> None:
    """All pairs of this process are of these from now on. Raises ValueError when there is not one pair among them."""
    global _evens
    evens = range(first + first % 2, last, 2)
    if not evens or first < 1 or last > 0xFFFF:
        raise ValueError(f"between {first} and {last} there is no even port with the next one")
    _evens = evens


def bind_udp_pair(host: str, *, buffer_bytes: int) -> tuple[socket.socket, socket.socket]:
    """Non-blocking sockets for RTP and RTCP; the kernel may give smaller buffers. Raises OSError when no pair is
    free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    evens, begin = _evens, random.randrange(len(_evens))  # noqa: S311 - nobody is to guess it, but the kernel looks
    for number in range(min(len(evens), _MOST_TRIES)):
        port = evens[(begin + number) % len(evens)]
        with contextlib.ExitStack() as unfinished:
            first = unfinished.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            second = unfinished.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            try:
                first.bind((host, port))
                second.bind((host, port + 1))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            for sock in (first, second):
                sock.setblocking(False)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            unfinished.pop_all()
            return first, second
    raise OSError(errno.EADDRINUSE, f"no free pair of UDP ports from {evens[0]} to {evens[-1] + 1} on {host}")


def pair_for_recorder(
    host: str, recorder: str, wish: Transport, *, buffer_bytes: int
) -> tuple[Transport, tuple[socket.socket, socket.socket]]:
    """The transport as granted, and the same, connected to the ports of `wish`: the kernel lets in only packets from
    there. Raises Refused."""
    assert wish.client_port is not None
    try:
        pair = bind_udp_pair(host, buffer_bytes=buffer_bytes)
        try:
            for one, port in zip(pair, wish.client_port, strict=True):
                one.connect((recorder, port))
        except BaseException:
            for one in pair:
                one.close()
            raise
    except OSError as error:
        raise Refused(503, f"UDP is not possible: {error.strerror or error}") from None
    ports = pair[0].getsockname()[1], pair[1].getsockname()[1]
    return Transport(client_port=wish.client_port, server_port=ports), pair
