"""Connections to the daemon's Unix socket: one's own, or one that speaks for somebody else.

The SSH server knows who is at the other end and what he may do, the process of his session need not: it gets a
connection on which name and role are fixed (`POST /bind`, before anything else) and hands them out one by one.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from proxyd.errors import DaemonUnreachable, NotAllowed

from .codec import decode_error
from .states import Role

Dial = Callable[[], Awaitable[socket.socket]]  # a connected, non-blocking socket; raises OSError

BIND_DEADLINE_S = 5.0
_LONGEST_ANSWER = 16 * 1024


def own(path: Path) -> Dial:
    """Connections of this process, with the rights of its user."""

    async def dial() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, str(path))
        except BaseException:
            sock.close()
            raise
        return sock

    return dial


async def bound(path: Path, name: str, role: Role) -> socket.socket:
    """A connection on which the daemon takes every call as `name`'s, with `role` at most.

    Raises DaemonUnreachable, or the ProxyError that the daemon refused it with.
    """
    try:
        async with asyncio.timeout(BIND_DEADLINE_S):
            sock = await own(path)()
            try:
                await _bind(sock, name, role)
            except BaseException:
                sock.close()
                raise
    except PermissionError:
        raise NotAllowed(f"You may not talk to proxyd at {path}.", "Is this user in the group proxyd?") from None
    except (OSError, EOFError, TimeoutError, ValueError, LookupError):  # or what answers is no daemon
        raise DaemonUnreachable(
            f"proxyd does not answer at {path}.", "Is it running? systemctl status proxyd"
        ) from None
    return sock


async def _bind(sock: socket.socket, name: str, role: Role) -> None:
    loop = asyncio.get_running_loop()
    body = json.dumps({"name": name, "role": role.value}).encode()
    head = (
        f"POST /bind HTTP/1.1\r\nHost: proxyd\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    await loop.sock_sendall(sock, head.encode() + body)
    answer = b""
    while (complete := _parse(answer)) is None:
        more = await loop.sock_recv(sock, 4096)  # nothing follows the answer until we ask again
        if not more or len(answer) > _LONGEST_ANSWER:
            raise EOFError
        answer += more
    status, text = complete
    if status != 204:
        raise decode_error(json.loads(text)["error"])


def _parse(answer: bytes) -> tuple[int, bytes] | None:
    """Status and body of an HTTP answer with Content-Length; None while it is not all there."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.split(b"\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in lines if b": " in line)
    length = int(fields.get(b"content-length", b"0"))
    return (int(first.split()[1]), body[:length]) if len(body) >= length else None


def as_dial(where: Path | Dial) -> Dial:
    return own(where) if isinstance(where, Path) else where


def words(where: Path | Dial) -> str:
    """For errors: " at PATH", or nothing where the way is somebody else's."""
    return f" at {where}" if isinstance(where, Path) else ""
