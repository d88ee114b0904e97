"""A session's door to the daemon: it asks the front, which answers with a connection on which name and role are fixed.

One packet each way: {"n": 3}, answered with the same number and a descriptor or an error.
"""

from __future__ import annotations

import asyncio
import json
import socket

from proxyd.api.codec import decode_error
from proxyd.errors import DaemonUnreachable

from .wire import close_all, receive, send

ANSWER_S = 10.0


class Door:
    """A `Dial` (proxyd.api.dial) for use in one event loop after another."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.setblocking(False)
        self._number = 0
        self._asking: asyncio.Lock | None = None

    async def __call__(self) -> socket.socket:
        """A connection to the daemon. Raises OSError without a front, or the ProxyError that it answers with."""
        if self._asking is None:
            self._asking = asyncio.Lock()
        try:
            async with asyncio.timeout(ANSWER_S), self._asking:
                self._number += 1
                send(self._sock, {"n": self._number})
                return await self._answer(self._number)
        except TimeoutError:
            raise DaemonUnreachable("The SSH server gave no connection to proxyd.", "It may be busy.") from None

    async def _answer(self, number: int) -> socket.socket:
        while True:
            await _readable(self._sock)
            try:
                got = receive(self._sock)
            except BlockingIOError:
                continue
            if got is None:
                raise ConnectionResetError("the SSH server is gone")
            message, descriptors = got
            if message.get("n") != number:
                close_all(descriptors)  # the answer to somebody who did not wait for it
                continue
            if "error" in message:
                close_all(descriptors)
                raise decode_error(message["error"])
            if len(descriptors) != 1:
                close_all(descriptors)
                raise ConnectionResetError("the SSH server sent no connection")
            connection = socket.socket(fileno=descriptors[0])
            connection.setblocking(False)
            return connection


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    news = asyncio.Event()
    loop.add_reader(sock, news.set)
    try:
        await news.wait()
    finally:
        loop.remove_reader(sock)


def question(data: bytes) -> int:
    """The number in what a session asks. Raises ValueError."""
    message = json.loads(data)
    if not isinstance(message, dict) or not isinstance(message.get("n"), int):
        raise ValueError("no question")
    return int(message["n"])
