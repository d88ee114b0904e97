"""Asyncio client of proxyd's Unix socket: calls, and the event stream after `subscribe`.

One WebSocket; when it breaks every waiting call and the event stream end with DaemonUnreachable, and the client is
done: reconnecting is the caller's policy.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from pydantic import ValidationError

from proxyd.errors import DaemonUnreachable, NotAllowed

from .codec import MAX_REPLY, decode_error, decode_result, encode_call, encode_cancel
from .dial import Dial, as_dial, words
from .models import Event, Snapshot

_CONNECT_TIMEOUT_S = 5.0
_CANCEL_TIMEOUT_S = 1.0
IN_A_ROW = 50  # messages, 2 ms
_EVENT_BACKLOG = 10_000  # a reader that falls further behind is told to start again


class RpcClient:
    """`async with RpcClient(socket) as client: cameras = await client.call("camera.list")`. `where` is the daemon's
    socket, or how to get a connection to it."""

    def __init__(self, where: Path | Dial) -> None:
        self._where = where
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(_EVENT_BACKLOG)
        self._next_id = 0
        self._lost: DaemonUnreachable | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Raises DaemonUnreachable (nobody listens) or NotAllowed (the socket's permissions say no)."""
        self._session = aiohttp.ClientSession(connector=_Connector(as_dial(self._where)))
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                self._socket = await self._session.ws_connect(
                    "http://proxyd/rpc", max_msg_size=MAX_REPLY, heartbeat=20, autoclose=True
                )
        except BaseException as error:
            await self._session.close()
            if isinstance(error, OSError) and error.errno == errno.EACCES:
                raise NotAllowed(
                    f"You may not talk to proxyd{words(self._where)}.",
                    "Use sudo, or ask an administrator to add you to the group proxyd.",
                ) from None
            if isinstance(error, OSError | aiohttp.ClientError | TimeoutError):
                raise DaemonUnreachable(
                    f"proxyd does not answer{words(self._where)}.",
                    "Start it: systemctl start proxyd, or proxyd run. If its socket is elsewhere: --socket PATH",
                ) from None
            raise
        self._reader = asyncio.create_task(self._read(), name="rpc client reader")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._leaving:
            await asyncio.wait(self._leaving)
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket:
            await self._socket.close()
        if self._session:
            await self._session.close()

    async def call(self, method: str, params: dict[str, Any] | None = None, timeout_s: float = 60.0) -> Any:
        """The method's result as its model. Raises the ProxyError that the daemon raised."""
        if self._lost or self._socket is None:
            raise self._lost or DaemonUnreachable("Not connected to proxyd.")
        self._next_id += 1
        id_ = self._next_id
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = future
        try:
            async with asyncio.timeout(timeout_s):
                await self._socket.send_str(encode_call(id_, method, params or {}))
                return decode_result(method, await future)
        except asyncio.CancelledError:
            self._give_up(id_)
            raise
        except TimeoutError:
            self._give_up(id_)
            raise DaemonUnreachable(f"proxyd did not answer {method} within {timeout_s:.0f} s.") from None
        except (ConnectionError, aiohttp.ClientError):
            raise self._gone() from None
        finally:
            self._waiting.pop(id_, None)

    def _give_up(self, id_: int) -> None:
        """The daemon may stop that work. Said in a task of its own: the caller is leaving."""
        socket = self._socket
        if self._lost is not None or socket is None:
            return

        async def say() -> None:
            with contextlib.suppress(ConnectionError, aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(_CANCEL_TIMEOUT_S):
                    await socket.send_str(encode_cancel(id_))

        task = asyncio.create_task(say(), name=f"rpc cancel {id_}")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def subscribe(self) -> Snapshot:
        """Everything as it stands now; `events` then brings what changes. Raises as `call`."""
        snapshot: Snapshot = await self.call("subscribe")
        return snapshot

    async def events(self) -> AsyncIterator[Event]:
        """Notifications in order, for ever; ends by raising DaemonUnreachable."""
        in_a_row = 0
        while True:
            event = await self._events.get()
            if event is None:
                raise self._gone()
            yield event
            in_a_row += 1
            if in_a_row % IN_A_ROW == 0:  # as in `_read`
                await asyncio.sleep(0)

    def _gone(self) -> DaemonUnreachable:
        return self._lost or DaemonUnreachable("The connection to proxyd broke.", "It may be restarting.")

    async def _read(self) -> None:
        assert self._socket is not None
        try:
            in_a_row = 0
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._dispatch(json.loads(message.data))
                in_a_row += 1
                if in_a_row % IN_A_ROW == 0:  # what has come already is read without waiting: others have a turn
                    await asyncio.sleep(0)
        finally:
            self._lost = self._gone()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(self._lost)
            if self._events.full():
                self._events.get_nowait()
            self._events.put_nowait(None)

    def _dispatch(self, message: dict[str, Any]) -> None:
        if message.get("method") == "event":
            # A full queue means that the reader hangs: ending the stream makes it resync instead of missing events.
            with contextlib.suppress(ValidationError):  # of a kind that a newer daemon has
                self._events.put_nowait(Event.model_validate(message["params"]))
            return
        future = self._waiting.get(message.get("id", 0))
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(decode_error(message["error"]))
        else:
            future.set_result(message.get("result"))


class _Connector(aiohttp.BaseConnector):
    """Connections come ready-made, as aiohttp's own UnixConnector makes them of a path."""

    def __init__(self, dial: Dial) -> None:
        super().__init__()
        self._dial = dial

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        sock = await self._dial()
        try:
            _, protocol = await asyncio.get_running_loop().create_connection(self._factory, sock=sock)
        except BaseException:
            sock.close()
            raise
        return protocol
