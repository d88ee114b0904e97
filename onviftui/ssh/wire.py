"""What front and zygote say to each other: one JSON object per packet of a Unix socket, with descriptors beside it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_PACKET = 128 * 1024  # the longest command, where JSON escapes all of it, and what goes with it
_MAX_DESCRIPTORS = 4


@dataclass(frozen=True, slots=True)
class Order:
    """One session. With a terminal one descriptor is its standard input, output and error, without one there are three;
    the last is the child's end of the door. No `words`: the UI."""

    number: int
    mark: str
    user: str
    terminal: bool
    words: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    memory: int = 0

    def message(self) -> dict[str, Any]:
        return {"do": "spawn"} | asdict(self)


def order_of(message: dict[str, Any]) -> Order:
    return Order(**{name: value for name, value in message.items() if name != "do"})


def send(sock: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
    """Raises OSError: the other side is gone, or too busy to be asked."""
    data = json.dumps(message, ensure_ascii=False).encode(errors="surrogatepass")
    if len(data) > MAX_PACKET:
        raise OSError("the message is too long")
    socket.send_fds(sock, [data], descriptors or [])


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """One message and its descriptors, which are the caller's to close; None when the other side is gone.

    Raises BlockingIOError when there is none on a non-blocking socket, ValueError for what is no message."""
    try:
        data, descriptors, flags, _ = socket.recv_fds(sock, MAX_PACKET, _MAX_DESCRIPTORS)
    except (ConnectionResetError, BrokenPipeError):
        return None
    try:
        if not data and not descriptors:
            return None
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            raise ValueError("a message that was cut off")
        message = json.loads(data.decode(errors="surrogatepass"))
        if not isinstance(message, dict):
            raise ValueError("a message that is no object")
    except ValueError:
        close_all(descriptors)
        raise
    return message, descriptors


def close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
