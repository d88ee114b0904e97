"""A daemon of another version: said in words, and never a reason to end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from onviftui.store import Link
from proxyd import __version__
from proxyd.api.models import API_VERSION, Role, Snapshot, Status

from .fake_daemon import FakeDaemon
from .ui_driver import running_ui


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


@asynccontextmanager
async def foreign_daemon(socket: Path, answers: dict[str, Any]) -> AsyncIterator[list[web.WebSocketResponse]]:
    """Answers what it is given, whatever that means. Yields its connections."""
    open_: list[web.WebSocketResponse] = []

    async def rpc(request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        open_.append(ws)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                call = json.loads(message.data)
                await ws.send_json({"jsonrpc": "2.0", "id": call.get("id"), "result": answers.get(call["method"])})
        return ws

    app = web.Application()
    app.router.add_get("/rpc", rpc)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    try:
        yield open_
    finally:
        for ws in open_:
            await ws.close()
        await runner.cleanup()


def status(version: str, api_version: int) -> dict[str, Any]:
    known = Status(
        version=version,
        api_version=api_version,
        pid=1,
        started="2026-11-22T09:00:00Z",
        mode="loopback",
        data_dir="/nowhere",
        nvrs=0,
        cameras=0,
        states={},
        role=Role.ADMIN,
    )
    return known.model_dump(mode="json") | {"of_tomorrow": [1, 2]}


@pytest.mark.parametrize(
    ("version", "api_version", "words"),
    [("9.1.0", API_VERSION + 1, "is newer (9.1.0)"), ("0.0.1", API_VERSION - 1, "is older (0.0.1)")],
)
async def test_a_daemon_that_cannot_be_understood_is_named(
    socket: Path, version: str, api_version: int, words: str
) -> None:
    answers = {"subscribe": {"seq": "?"}, "status": status(version, api_version)}
    async with foreign_daemon(socket, answers), running_ui(socket, connected=False) as ui:
        await ui.sees(f"proxyd {words} than onviftui ({__version__}); update both")
        await ui.press("2", "3", "a", "escape")  # usable all the same: nothing ends
        assert not ui.app.crashes


async def test_one_that_answers_nonsense_throughout_is_told_of_too(socket: Path) -> None:
    answers = {"subscribe": [], "status": "fine"}
    async with foreign_daemon(socket, answers), running_ui(socket, connected=False) as ui:
        await ui.sees("proxyd is of another version than onviftui; update both")
        assert not ui.app.crashes


async def test_after_an_update_of_the_daemon_it_goes_on(socket: Path) -> None:
    async with running_ui(socket, connected=False) as ui:
        async with foreign_daemon(socket, {"subscribe": {}, "status": status("9.1.0", API_VERSION + 1)}):
            await ui.sees("is newer (9.1.0)")
        socket.unlink(missing_ok=True)
        async with FakeDaemon(socket, 3):
            await ui.sees("3 cameras")
            assert "version" not in ui.text.splitlines()[0]


async def test_a_newer_daemon_that_is_understood_works_and_is_told_of(socket: Path) -> None:
    newer = status("9.1.0", API_VERSION + 1)
    snapshot = Snapshot(
        seq=1, status=Status.model_validate(newer), nvrs=[], cameras=[], interfaces=[], jobs=[], log=[]
    ).model_dump(mode="json")
    answers = {"subscribe": snapshot | {"drones": []}, "job.cancel": {"odd": 1}}
    async with foreign_daemon(socket, answers) as open_, running_ui(socket) as ui:
        assert "other version" in ui.text.splitlines()[0]
        drone = {"seq": 2, "kind": "drone", "action": "landed", "data": {}}
        entry = {"id": 7, "at": "2026-11-22T09:00:00Z", "level": "info", "subject": "daemon", "message": "after it"}
        known = {"seq": 3, "kind": "log", "action": "changed", "data": entry}
        for event in (drone, known):
            await open_[0].send_json({"jsonrpc": "2.0", "method": "event", "params": event})
        await ui.press("7")
        await ui.sees("after it")
        assert ui.app.store.link is Link.LIVE
        ui.app.ask("job.cancel", {"id": 1}, doing="Cancelling…")
        await ui.hears("It is of another version than onviftui: update both.")
        assert not ui.app.crash_log.exists()
