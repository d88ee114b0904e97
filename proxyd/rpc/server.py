"""The Unix socket: WebSocket /rpc for programs that stay, POST /rpc for scripts, GET /metrics for Prometheus, and
POST /bind, once, before a connection is handed to somebody who may do less (`api/dial`).

What a client can do wrong, and what it gets:
garbage or half a message → JSON-RPC error -32700; not a request → -32600; unknown method → -32601; wrong types →
-32602 with one sentence per field; a message above 256 KiB → the connection is closed with code 1009 (POST: 413);
more than 32 calls at once → those wait; a call that only looks and whose caller went, or sent `cancel` with its id →
it is stopped, and nothing is answered; a client that does not read for 10 s, or lags 4096 events → cut off; a
connection without a request for 30 s → closed, a body that takes longer than 10 s → 408, a connection above 192 →
closed at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web
from pydantic import ValidationError

from proxyd.api.codec import (
    MAX_MESSAGE,
    Call,
    Request,
    WireError,
    WireErrorWithFields,
    decode_request,
    encode_error,
    encode_result,
    field_errors,
)
from proxyd.api.models import Role, Snapshot
from proxyd.api.params import Bind
from proxyd.errors import Conflict, NotAllowed, ProxyError
from proxyd.hub import Hub

from .access import Caller, caller, peer_uid
from .connection import Connection

log = logging.getLogger(__name__)

Handler = Callable[[Any, Caller], Awaitable[Any]]
CONNECTIONS = 64  # that stay
MAX_SOCKETS = 192  # with the scripts' and the silent ones: descriptors are shared with the cameras
FINISH_S = 5.0  # for changes that are under way when the daemon stops
IDLE_TIMEOUT_S = 30.0
BODY_TIMEOUT_S = 10.0
LINGER_S = 1.0  # how long the rest of a refused body is read and thrown away


class RpcServer:
    """`handlers` has one entry per method of the table except `subscribe`, which `snapshot` answers; `metrics` is the
    page of /metrics."""

    def __init__(
        self,
        path: Path,
        handlers: Mapping[str, Handler],
        snapshot: Callable[[Caller], Awaitable[Snapshot]],
        hub: Hub,
        roles: Mapping[str, Role],
        metrics: Callable[[], Awaitable[bytes]] | None = None,
    ) -> None:
        self._path = path
        self._handlers = handlers
        self._snapshot = snapshot
        self._hub = hub
        self._roles = roles
        self._metrics = metrics
        self._open: set[Connection] = set()
        self._finishing: set[asyncio.Task[None]] = set()
        self._bound: WeakKeyDictionary[asyncio.BaseTransport, Caller] = WeakKeyDictionary()
        app = web.Application(client_max_size=MAX_MESSAGE)
        app.router.add_get("/rpc", self._websocket)
        app.router.add_post("/rpc", self._post)
        app.router.add_post("/bind", self._bind)
        app.router.add_get("/metrics", self._get_metrics)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=2.0,
            keepalive_timeout=IDLE_TIMEOUT_S,
            lingering_time=LINGER_S,
        )
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Raises Conflict when another daemon answers on the socket, ProxyError when nobody can listen there; a stale
        socket file is replaced."""
        await _remove_stale(self._path)
        await self._runner.setup()
        old_umask = os.umask(0o117)  # the file must never exist with wider rights, not even for a moment
        try:
            self._listener = await asyncio.get_running_loop().create_unix_server(
                self._accept, str(self._path), backlog=CONNECTIONS
            )
        except OSError as error:
            hint = "Choose another path with --socket: a short one, in a folder that proxyd may write to."
            raise ProxyError(f"Cannot listen at {self._path}: {error.strerror or error}.", hint) from None
        finally:
            os.umask(old_umask)

    def _accept(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None
        return server() if len(server.connections) < MAX_SOCKETS else _Refused()

    async def stop(self) -> None:
        """Changes under way get FINISH_S to end; then the socket file is gone."""
        if self._listener is not None:
            self._listener.close()
        await asyncio.gather(*(connection.close(1001, "proxyd stops") for connection in list(self._open)))
        await self._runner.cleanup()
        if self._finishing:
            _, late = await asyncio.wait(self._finishing, timeout=FINISH_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    def finish(self, tasks: set[asyncio.Task[None]]) -> None:
        """Changes whose caller is gone: they run to their end all the same."""
        for task in tasks:
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)

    def _caller(self, request: web.Request) -> Caller:
        assert request.transport is not None
        if request.transport in self._bound:
            return self._bound[request.transport]
        return caller(peer_uid(request.transport.get_extra_info("socket")), self._roles)

    async def answer(
        self, text: str | bytes, who: Caller, began: Callable[[Request], None] = lambda request: None
    ) -> str | None:
        """The reply to one message; None when it was a notification. Never raises but CancelledError. `began` is told
        what is asked before it is done."""
        id_: int | str | None = None
        try:
            request = decode_request(text)
            id_ = request.id
            who.require(request.method.role, request.method.name)
            call = request.validated()
            began(request)
            result = await self._run(call, who)
            return None if id_ is None else encode_result(id_, call.method, result)
        except WireError as error:
            return encode_error(error.id, error)
        except ProxyError as error:
            return encode_error(id_, error)
        except Exception as error:
            log.exception("a bug in an RPC method")
            return encode_error(id_, error)

    async def _run(self, call: Call, who: Caller) -> Any:
        if call.method.name == "subscribe":
            raise ProxyError("subscribe needs a connection that stays.", "Use the WebSocket instead of POST.")
        return await self._handlers[call.method.name](call.params, who)

    async def snapshot_reply(self, call: Call, who: Caller) -> str:
        """The answer to `subscribe`. Events from before it may follow it once more: they are idempotent."""
        return encode_result(call.id, call.method, await self._snapshot(who))

    async def _post(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                text = await request.read()
        except TimeoutError:
            error = WireError(-32600, f"The request did not arrive within {BODY_TIMEOUT_S:g} s.")
            response = web.json_response(text=encode_error(None, error), status=408)
            response.force_close()
            return response
        except ConnectionError:
            return web.Response(status=400)  # half a message: nobody is left to read this
        except web.HTTPRequestEntityTooLarge:
            error = WireError(-32600, f"A request may have {MAX_MESSAGE // 1024} KiB at most.")
            return web.json_response(text=encode_error(None, error), status=413)
        reply = await self.answer(text, self._caller(request))
        return web.Response(status=204) if reply is None else web.json_response(text=reply)

    async def _bind(self, request: web.Request) -> web.Response:
        """204, or an error: a connection can be bound once, and never to more than its user may do."""
        assert request.transport is not None
        try:
            if request.transport in self._bound:
                raise NotAllowed("This connection already speaks for somebody.", "Open another one.")
            async with asyncio.timeout(BODY_TIMEOUT_S):
                wanted = Bind.model_validate_json(await request.read())
        except ValidationError as error:
            return web.json_response(
                text=encode_error(None, WireErrorWithFields(None, field_errors(error))), status=400
            )
        except TimeoutError:
            return web.Response(status=408)
        except NotAllowed as error:
            return web.json_response(text=encode_error(None, error), status=403)
        self._bound[request.transport] = self._caller(request).acting_for(wanted.name, wanted.role)
        return web.Response(status=204)

    async def _get_metrics(self, request: web.Request) -> web.Response:
        """For every role: nothing in it is secret."""
        if self._metrics is None:
            return web.Response(status=404)
        from .metrics import CONTENT_TYPE  # here: as in `Methods.metrics`

        try:
            return web.Response(body=await self._metrics(), headers={"Content-Type": CONTENT_TYPE})
        except ProxyError as error:
            return web.Response(status=503, text=f"{error}\n")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if len(self._open) >= CONNECTIONS:
            return web.Response(status=503, text="Too many connections to proxyd; close one.")
        ws = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, heartbeat=30, timeout=2.0, writer_limit=1 << 20)
        await ws.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        connection = Connection(ws, request.transport, self, self._caller(request), self._hub)
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
        return ws


class _Refused(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


async def _remove_stale(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Conflict(f"{path} exists and is not a socket.", "Choose another path with --socket.")
    except FileNotFoundError:
        return
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_unix_connection(path)
    except (OSError, TimeoutError):
        path.unlink(missing_ok=True)
        return
    writer.close()
    await writer.wait_closed()
    raise Conflict(f"Another proxyd already listens at {path}.", "Stop it first, or choose another --socket.")
