"""The front's side of a session's door: opens connections to the daemon on which name and role are fixed."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable

from proxyd.api.codec import encode_error
from proxyd.errors import ProxyError

from .door import question
from .wire import send

_LONGEST_QUESTION = 256

Connect = Callable[[], Awaitable[socket.socket]]


class Doorkeeper:
    """Answers one question after another; while one is unanswered no other is read."""

    def __init__(self, sock: socket.socket, connect: Connect, name: str) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._connect = connect
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._serve(), name=f"door of {name}")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._sock.close()

    async def _serve(self) -> None:
        while True:
            data = await self._loop.sock_recv(self._sock, _LONGEST_QUESTION)
            if not data:
                return
            try:
                number = question(data)
            except ValueError:
                return  # not our program any more: it gets nothing
            try:
                self._answer(number, await self._connect())
            except ProxyError as error:
                self._refuse(number, error)

    def _answer(self, number: int, connection: socket.socket) -> None:
        with connection:
            send(self._sock, {"n": number}, [connection.fileno()])

    def _refuse(self, number: int, error: ProxyError) -> None:
        send(self._sock, {"n": number, "error": json.loads(encode_error(number, error))["error"]})
