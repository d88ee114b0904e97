"""The Unix socket with real clients: what each kind of mistake gets, and that nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.api.dial import bound
from proxyd.api.models import Role, Status
from proxyd.errors import Conflict, DaemonUnreachable, InvalidInput, NotAllowed, NotFound, ProxyError
from proxyd.hub import BACKLOG, Hub, Subscriber
from proxyd.rpc import connection
from proxyd.rpc import server as rpc_server
from proxyd.rpc.access import Caller, caller
from proxyd.rpc.server import RpcServer

STATUS = m.Status(
    version="1", pid=1, started="", mode="loopback", data_dir="", nvrs=0, cameras=0, states={}, role=m.Role.ADMIN
)


def log_entry(n: int, text: str = "x") -> m.LogEntry:
    return m.LogEntry(id=n, at="", level="info", subject="daemon", message=text)


@asynccontextmanager
async def serving(
    tmp_path: Path, hub: Hub | None = None, roles: dict[str, m.Role] | None = None
) -> AsyncIterator[Path]:
    hub = hub or Hub()
    release = asyncio.Event()

    async def status(params: m.NoParams, who: Caller) -> m.Status:
        return STATUS

    async def get(params: m.ById, who: Caller) -> m.Nvr:
        if params.id == 9:
            raise RuntimeError("a bug with hunter2 inside")
        raise NotFound("There is no NVR 1.", "nvr list")

    async def slow(params: m.NoParams, who: Caller) -> list[m.Job]:
        await release.wait()
        return []

    async def snapshot(who: Caller) -> m.Snapshot:
        return m.Snapshot(seq=hub.seq, status=STATUS, nvrs=[], cameras=[], interfaces=[], jobs=[], log=[])

    path = tmp_path / "p.sock"
    handlers: dict[str, Any] = {"status": status, "nvr.get": get, "job.list": slow, "nvr.remove": get}
    server = RpcServer(path, handlers, snapshot, hub, {})
    await server.start()
    try:
        yield path
    finally:
        await server.stop()
    assert not path.exists()


@asynccontextmanager
async def raw_websocket(path: Path) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.ws_connect("http://x/rpc") as ws,
    ):
        yield ws


async def test_calls_answers_and_errors(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        async with RpcClient(path) as client:
            assert await client.call("status") == STATUS
            with pytest.raises(NotFound) as missing:
                await client.call("nvr.get", {"id": 1})
            assert missing.value.hint == "nvr list"
            with pytest.raises(InvalidInput) as wrong:
                await client.call("nvr.get", {"id": "one"})
            assert set(wrong.value.fields) == {"id"}
            with pytest.raises(ProxyError) as bug:
                await client.call("nvr.get", {"id": 9})
            assert "hunter2" not in str(bug.value)
            assert await client.call("status") == STATUS


async def test_post_for_scripts(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as path,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
    ):

        async def post(data: str) -> tuple[int, Any]:
            async with session.post("http://x/rpc", data=data) as response:
                return response.status, json.loads(await response.text() or "null")

        assert (await post('{"jsonrpc":"2.0","id":1,"method":"status"}'))[1]["result"]["version"] == "1"
        assert await post('{"jsonrpc":"2.0","method":"status"}') == (204, None)
        assert (await post("garbage"))[1]["error"]["code"] == -32700
        assert (await post('{"jsonrpc":"2.0","id":1,"method":"subscribe"}'))[1]["error"]["code"] == -32000
        assert (await post("x" * 300_000))[0] == 413


async def test_bad_clients_get_their_error_or_are_cut_off_and_others_never_notice(tmp_path: Path) -> None:
    async with serving(tmp_path) as path, RpcClient(path) as neighbour:
        async with raw_websocket(path) as ws:
            for text, code in (("{", -32700), ("[]", -32600), ('{"jsonrpc":"2.0","id":1,"method":"x"}', -32601)):
                await ws.send_str(text)
                assert (await ws.receive_json(timeout=5))["error"]["code"] == code
            await ws.send_bytes(b"\x00")
            assert (await ws.receive_json(timeout=5))["error"]["code"] == -32700
            await ws.send_str("x" * 300_000)
            assert (await ws.receive(timeout=5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            assert ws.close_code == 1009
        _, half = await asyncio.open_unix_connection(path)
        half.write(b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
        await half.drain()
        half.transport.abort()
        reader, garbage = await asyncio.open_unix_connection(path)
        garbage.write(os.urandom(4096) + b"\r\n\r\n")
        assert b"400" in await asyncio.wait_for(reader.readline(), 5)
        garbage.close()
        assert await neighbour.call("status") == STATUS


async def test_subscribers_see_every_event_once_and_in_order(tmp_path: Path) -> None:
    hub = Hub()
    async with serving(tmp_path, hub) as path, RpcClient(path) as client:
        hub.changed("log", log_entry(0))
        snapshot = await client.subscribe()
        assert snapshot.seq == 1
        for n in range(1, 51):
            hub.changed("log", log_entry(n))
        hub.removed("camera", 4)
        events = client.events()
        seen = [await asyncio.wait_for(anext(events), 5) for _ in range(51)]
        assert [event.seq for event in seen] == list(range(2, 53))
        assert (seen[-1].kind, seen[-1].action, seen[-1].data) == ("camera", "removed", {"id": 4})


async def test_a_client_that_never_reads_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SEND_TIMEOUT_S", 0.2)
    hub = Hub()
    async with serving(tmp_path, hub) as path, RpcClient(path) as neighbour:
        await neighbour.subscribe()
        async with raw_websocket(path) as ws:
            await ws.send_str('{"jsonrpc":"2.0","id":1,"method":"subscribe"}')
            await ws.receive_json(timeout=5)
            ws._response.connection.protocol.pause_reading()  # type: ignore[union-attr]  # an open connection has one
            big = "x" * 100_000
            events = neighbour.events()
            for n in range(200):
                hub.changed("log", log_entry(n, big))
                await asyncio.wait_for(anext(events), 5)
            while len(hub._subscribers) > 1:
                await asyncio.sleep(0.01)
        assert await neighbour.call("status") == STATUS


async def test_a_subscriber_that_lags_too_far_is_told_to_start_again() -> None:
    hub = Hub()
    subscriber = hub.subscribe()
    for n in range(BACKLOG + 1):
        hub.changed("log", log_entry(n))
    assert await subscriber.take() == []


async def test_the_daemon_going_away_ends_calls_and_events(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        client = RpcClient(path)
        await client.__aenter__()
        await client.subscribe()
        pending = asyncio.create_task(client.call("job.list"))
        await client.call("status")
    try:
        with pytest.raises(DaemonUnreachable):
            await pending
        with pytest.raises(DaemonUnreachable):
            await anext(client.events())
        with pytest.raises(DaemonUnreachable):
            await client.call("status")
    finally:
        await client.__aexit__(None, None, None)


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable):
        async with RpcClient(tmp_path / "none.sock"):
            pass


async def test_two_daemons_do_not_share_a_socket_but_a_stale_one_is_replaced(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        with pytest.raises(Conflict):
            await RpcServer(path, {}, None, Hub(), {}).start()  # type: ignore[arg-type]  # it is refused before it looks at them
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    async with serving(tmp_path) as path, RpcClient(path) as client:
        assert await client.call("status") == STATUS


def test_roles_come_from_the_peer_and_are_enforced() -> None:
    viewer = caller(65534, {"nobody": m.Role.VIEWER})
    assert viewer.role is m.Role.VIEWER
    viewer.require(m.Role.VIEWER, "status")
    with pytest.raises(NotAllowed):
        viewer.require(m.Role.OPERATOR, "camera.start")
    assert caller(os.getuid(), {}).role is m.Role.ADMIN
    assert caller(0, {"root": m.Role.VIEWER}).role is m.Role.ADMIN
    assert caller(3_999_999, {}).name == "uid 3999999"


async def test_connections_without_requests_are_bounded_and_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_server, "MAX_SOCKETS", 3)
    monkeypatch.setattr(rpc_server, "IDLE_TIMEOUT_S", 0.3)
    async with serving(tmp_path) as path, asyncio.timeout(10):
        silent = [await asyncio.open_unix_connection(path) for _ in range(3)]
        too_many = await asyncio.open_unix_connection(path)
        for reader, writer in [too_many, *silent]:
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
        async with RpcClient(path) as client:
            assert await client.call("status") == STATUS


async def test_half_a_request_is_refused_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc_server, "BODY_TIMEOUT_S", 0.2)
    async with serving(tmp_path) as path, asyncio.timeout(10):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"did not arrive within" in answer
        writer.close()


async def test_a_client_that_leaves_in_mid_request_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as path, asyncio.timeout(10):
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        async with RpcClient(path) as client:
            assert await client.call("status") == STATUS
        writer.transport.abort()
        async with RpcClient(path) as client:
            assert await client.call("status") == STATUS
    assert "Traceback" not in caplog.text
    assert not [entry for entry in caplog.records if entry.levelname == "ERROR"]


async def test_a_path_that_no_socket_can_have_is_refused_in_words(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    with pytest.raises(ProxyError, match="Cannot listen at") as caught:
        async with serving(folder):
            pass
    assert "--socket" in caught.value.hint


async def test_subscribers_that_leave_are_forgotten(tmp_path: Path) -> None:
    def alive() -> int:
        gc.collect()
        return sum(type(one) is Subscriber for one in gc.get_objects())

    hub, before = Hub(), alive()
    async with serving(tmp_path, hub) as path:
        for _ in range(10):
            async with contextlib.AsyncExitStack() as visits:
                for number in range(20):
                    client = await visits.enter_async_context(RpcClient(path))
                    await client.subscribe()
                    if number % 2:
                        hub.changed("log", log_entry(number))
                assert len(hub._subscribers) == 20
            async with asyncio.timeout(30):
                while hub._subscribers:
                    await asyncio.sleep(0)
    assert alive() == before


@asynccontextmanager
async def naming(tmp_path: Path) -> AsyncIterator[Path]:
    """A daemon that answers with the caller's role, and refuses by name."""

    async def status(params: Any, who: Caller) -> Status:
        return STATUS.model_copy(update={"role": who.role, "data_dir": who.name})

    async def never(*_: Any) -> Any:
        raise AssertionError("called by somebody who may not")

    server = RpcServer(tmp_path / "rpc.sock", {"status": status, "nvr.remove": never}, never, Hub(), {})
    await server.start()
    try:
        yield tmp_path / "rpc.sock"
    finally:
        await server.stop()


async def test_a_bound_connection_speaks_for_somebody_with_no_more_rights(tmp_path: Path) -> None:
    async with naming(tmp_path) as path:
        sock = await bound(path, "anna", Role.VIEWER)

        async def handed_over() -> socket.socket:
            return sock

        async with RpcClient(handed_over) as client:
            state = await client.call("status")
            assert (state.role, state.data_dir.split(" via ")[0]) == (Role.VIEWER, "anna")
            with pytest.raises(NotAllowed, match=r"anna via .* is viewer"):
                await client.call("nvr.remove", {"id": 1})


async def test_a_connection_is_bound_once_and_with_sense(tmp_path: Path) -> None:
    async with naming(tmp_path) as path:
        with pytest.raises(InvalidInput):
            await bound(path, "", Role.ADMIN)
        with pytest.raises(InvalidInput):
            await bound(path, "a\nb", Role.ADMIN)
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path), limit=1)) as session:
            for wanted, expected in (("viewer", 204), ("admin", 403), ("viewer", 403)):
                async with session.post("http://x/bind", json={"name": "bo", "role": wanted}) as answer:
                    assert answer.status == expected
            async with session.post("http://x/rpc", data='{"jsonrpc":"2.0","id":1,"method":"status"}') as answer:
                assert (await answer.json())["result"]["role"] == "viewer"
    with pytest.raises(DaemonUnreachable):
        await bound(path, "anna", Role.VIEWER)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 404 N\r\nContent-Length: 2\r\n\r\n{}", b"\r\n\r\n", b"no", b""])
async def test_what_is_no_daemon_is_said_to_be_none(tmp_path: Path, answer: bytes) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_unix_server(other, tmp_path / "rpc.sock"):
        with pytest.raises(DaemonUnreachable, match="does not answer"):
            await bound(tmp_path / "rpc.sock", "anna", Role.VIEWER)


def test_the_role_of_a_bound_connection_is_the_lesser_one() -> None:
    viewer, admin = Caller(1, "box", Role.VIEWER), Caller(0, "root", Role.ADMIN)
    assert viewer.acting_for("anna", Role.ADMIN) == Caller(1, "anna via box", Role.VIEWER, "anna")
    assert admin.acting_for("anna", Role.OPERATOR) == Caller(0, "anna via root", Role.OPERATOR, "anna")
