"""One WebSocket of the daemon's clients: reads calls, runs a bounded number at once, pumps events after `subscribe`.

What becomes of a client that does not read or lags is in `server`'s table; what is asked, the server answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, Protocol

from aiohttp import WSMsgType, web

from proxyd.api.codec import Call, Request, WireError, decode_call, decode_cancel, encode_error
from proxyd.errors import ProxyError
from proxyd.hub import Hub, Subscriber

from .access import Caller
from .running_calls import RunningCalls

log = logging.getLogger(__name__)

CALLS_AT_ONCE = 32  # per connection
SEND_TIMEOUT_S = 10.0


class Answering(Protocol):
    """What a connection needs of the server."""

    async def answer(self, text: str, who: Caller, began: Callable[[Request], None]) -> str | None:
        """The reply to one message; None when nothing is to be answered."""

    async def snapshot_reply(self, call: Call, who: Caller) -> str:
        """The reply to `subscribe`. Raises ProxyError."""

    def finish(self, tasks: set[asyncio.Task[None]]) -> None:
        """Takes over changes whose caller is gone."""


class Connection:
    """One WebSocket: reads calls, runs a bounded number at once, pumps events after `subscribe`."""

    def __init__(
        self, ws: web.WebSocketResponse, transport: asyncio.Transport, server: Answering, who: Caller, hub: Hub
    ) -> None:
        self._ws = ws
        self._transport = transport
        self._server = server
        self._who = who
        self._hub = hub
        self._subscriber: Subscriber | None = None
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls = RunningCalls()

    async def run(self) -> None:
        """Until the client goes or is cut off; what changes something runs on with the server."""
        try:
            async for message in self._ws:
                if message.type is not WSMsgType.TEXT:
                    await self._send(encode_error(None, WireError(-32700, "Send text frames.")))
                    continue
                if (given_up := decode_cancel(message.data)) is not None:
                    self._calls.stop(given_up)
                    continue
                await self._slots.acquire()
                self._spawn(self._serve(message.data), "rpc call")
        except _CutOff:
            pass
        finally:
            changing = self._calls.changing()
            self._server.finish(changing)
            for task in self._tasks - changing:
                task.cancel()
            await asyncio.gather(*(self._tasks - changing), return_exceptions=True)
            if self._subscriber:
                self._hub.unsubscribe(self._subscriber)

    async def close(self, code: int, why: str) -> None:
        """With this WebSocket close code and reason, bounded in time."""
        await self._ws.close(code=code, message=why.encode())

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, text: str) -> None:
        try:
            reply = await (self._subscribe(text) if '"subscribe"' in text else self._answer(text))
            if reply is not None:
                await self._send(reply)
        except _CutOff:
            pass
        except asyncio.CancelledError:
            if not self._calls.was_stopped(asyncio.current_task()):
                raise
        finally:
            self._slots.release()

    async def _answer(self, text: str) -> str | None:
        return await self._server.answer(text, self._who, self._calls.began)

    async def _subscribe(self, text: str) -> str | None:
        try:
            call = decode_call(text)
        except WireError:
            return await self._answer(text)
        if call.method.name != "subscribe" or self._subscriber is not None:
            return await self._answer(text)
        # First the queue, then the snapshot: whatever happens in between is repeated, never missed.
        self._subscriber = self._hub.subscribe()
        try:
            await self._send(await self._server.snapshot_reply(call, self._who))
        except ProxyError as error:
            return encode_error(call.id, error)
        self._spawn(self._pump(self._subscriber), "rpc events")
        return None

    async def _pump(self, subscriber: Subscriber) -> None:
        with contextlib.suppress(_CutOff):
            while True:
                texts = await subscriber.take()
                if not texts:
                    log.warning("a client of %s lags by too many events and is cut off", self._who.name)
                    await self._cut_off()
                for text in texts:
                    await self._send(text)

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._ws.send_str(text)
        except TimeoutError:
            log.warning("a client of %s does not read and is cut off", self._who.name)
            await self._cut_off()
        except (ConnectionError, RuntimeError):  # RuntimeError: aiohttp's word for a connection that closes
            raise _CutOff from None

    async def _cut_off(self) -> NoReturn:
        """Without a goodbye: the client does not read."""
        self._transport.abort()
        raise _CutOff


class _CutOff(Exception):
    """This connection is over."""
