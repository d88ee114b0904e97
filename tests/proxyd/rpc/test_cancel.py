"""Who does not wait any more: what only looks is stopped, what changes something goes on to its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.api.codec import decode_cancel, encode_cancel
from proxyd.api.methods import METHODS, only_looks
from proxyd.errors import DaemonUnreachable
from proxyd.hub import Hub
from proxyd.rpc import server as rpc_server
from proxyd.rpc.access import Caller
from proxyd.rpc.connection import CALLS_AT_ONCE
from proxyd.rpc.server import RpcServer

DEADLINE_S = 20.0


@dataclass
class Work:
    """Methods that wait until they may go on, and tell how they ended."""

    socket: Path
    server: RpcServer
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    said: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def do(self, params: Any, who: Caller) -> Any:
        what = type(params).__name__
        self.said.put_nowait(f"{what} began")
        try:
            await self.may_go_on.wait()
        except asyncio.CancelledError:
            self.said.put_nowait(f"{what} was stopped")
            raise
        self.said.put_nowait(f"{what} is done")
        return [] if what == "NvrDiscover" else m.NvrTest(ok=True, message="") if what == "NvrTestParams" else []

    async def next(self) -> str:
        async with asyncio.timeout(DEADLINE_S):
            return await self.said.get()


@pytest.fixture
async def work(tmp_path: Path) -> AsyncIterator[Work]:
    async def snapshot(who: Caller) -> m.Snapshot:
        raise NotImplementedError

    handlers: dict[str, Any] = {}
    work = Work(tmp_path / "s", RpcServer(tmp_path / "s", handlers, snapshot, Hub(), {}))
    handlers.update(dict.fromkeys(("nvr.test", "nvr.discover", "camera.remove"), work.do))
    await work.server.start()
    yield work
    work.may_go_on.set()
    await work.server.stop()


def test_everything_that_changes_something_runs_to_its_end() -> None:
    assert not only_looks(METHODS["camera.update"])
    assert not only_looks(METHODS["nvr.scan"])
    assert only_looks(METHODS["camera.snapshot"])
    assert only_looks(METHODS["nvr.discover"])


@pytest.mark.parametrize(
    "text",
    ['"cancel"', '{"method":"cancel"}', '{"method":"cancel","params":{"id":true}}', '["cancel"]', '{"a":"cancel"'],
)
def test_what_is_no_cancel_is_another_message(text: str) -> None:
    assert decode_cancel(text) is None
    assert decode_cancel(encode_cancel(7)) == 7
    assert decode_cancel(encode_cancel("x")) == "x"


async def test_a_test_stops_when_its_caller_gives_up(work: Work) -> None:
    async with RpcClient(work.socket) as client:
        call = asyncio.create_task(client.call("nvr.test", {"host": "192.0.2.1", "username": "a"}))
        assert await work.next() == "NvrTestParams began"
        call.cancel()
        assert await work.next() == "NvrTestParams was stopped"
        work.may_go_on.set()
        assert await client.call("nvr.discover") == []  # the connection lives on


async def test_a_search_stops_at_its_callers_deadline(work: Work) -> None:
    async with RpcClient(work.socket) as client:
        with pytest.raises(DaemonUnreachable, match="did not answer"):
            await client.call("nvr.discover", timeout_s=0.05)
        assert await work.next() == "NvrDiscover began"
        assert await work.next() == "NvrDiscover was stopped"


async def test_a_search_stops_when_its_caller_is_gone(work: Work) -> None:
    async with RpcClient(work.socket) as client:
        call = asyncio.create_task(client.call("nvr.discover"))
        assert await work.next() == "NvrDiscover began"
    with pytest.raises(DaemonUnreachable):
        await call
    assert await work.next() == "NvrDiscover was stopped"


async def test_a_change_is_done_to_its_end_whether_its_caller_gives_up_or_goes(work: Work) -> None:
    async with RpcClient(work.socket) as client:
        call = asyncio.create_task(client.call("camera.remove", {"ids": [1]}))
        assert await work.next() == "ByIds began"
        call.cancel()
        other = asyncio.create_task(client.call("nvr.discover"))
        assert await work.next() == "NvrDiscover began"  # so the cancel was read before
        other.cancel()
        assert await work.next() == "NvrDiscover was stopped"
    work.may_go_on.set()
    assert await work.next() == "ByIds is done"


async def test_a_daemon_that_stops_lets_changes_end_but_not_for_ever(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_server, "FINISH_S", 0.05)
    async with RpcClient(work.socket) as client:
        call = asyncio.create_task(client.call("camera.remove", {"ids": [1]}))
        assert await work.next() == "ByIds began"
        async with asyncio.timeout(DEADLINE_S):
            await work.server.stop()
        assert await work.next() == "ByIds was stopped"
        with pytest.raises(DaemonUnreachable):
            await call


async def test_nobody_can_stop_the_call_of_another_connection(work: Work) -> None:
    async with RpcClient(work.socket) as client:
        call = asyncio.create_task(client.call("nvr.discover"))  # its id is 1
        assert await work.next() == "NvrDiscover began"
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(work.socket))) as session,
            session.ws_connect("http://x/rpc") as ws,
        ):
            await ws.send_str(encode_cancel(1))
            await ws.send_str(encode_cancel(99))
            await ws.send_str("{}")
            assert json.loads((await ws.receive()).data)["error"]["code"] == -32600  # all three were read
        work.may_go_on.set()
        assert await call == []


async def test_a_place_in_the_line_is_free_again_after_a_cancel(work: Work) -> None:
    async with RpcClient(work.socket) as client:
        calls = [asyncio.create_task(client.call("nvr.discover")) for _ in range(CALLS_AT_ONCE)]
        for _ in calls:
            assert await work.next() == "NvrDiscover began"
        for call in calls:
            call.cancel()
        for _ in calls:
            assert await work.next() == "NvrDiscover was stopped"
        work.may_go_on.set()
        assert await client.call("nvr.discover") == []
