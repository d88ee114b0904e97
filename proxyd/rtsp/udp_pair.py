"""Two neighbouring UDP ports for RTP and RTCP (RFC 3550 §11: an even one and the next)."""

from __future__ import annotations

import contextlib
import errno
import socket

_ATTEMPTS = 50


def bind_udp_pair(host: str, *, buffer_bytes: int) -> tuple[socket.socket, socket.socket]:
    """Non-blocking sockets for RTP and RTCP; the kernel may give smaller buffers. Raises OSError when no pair is
    free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(_ATTEMPTS):
        with contextlib.ExitStack() as unfinished:
            first = unfinished.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            second = unfinished.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            first.bind((host, 0))
            port = first.getsockname()[1]
            if port % 2:
                continue
            try:
                second.bind((host, port + 1))
            except OSError:
                continue
            for sock in (first, second):
                sock.setblocking(False)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            unfinished.pop_all()
            return first, second
    raise OSError(errno.EADDRINUSE, f"no free pair of UDP ports on {host}")


def connected_pair(
    host: str, peer: str, ports: tuple[int, int], *, buffer_bytes: int
) -> tuple[socket.socket, socket.socket]:
    """The same, connected to these ports of `peer`: the kernel lets in only packets from there. Raises OSError."""
    pair = bind_udp_pair(host, buffer_bytes=buffer_bytes)
    try:
        for one, port in zip(pair, ports, strict=True):
            one.connect((peer, port))
    except BaseException:
        for one in pair:
            one.close()
        raise
    return pair
