"""The arm's socket against clients of every kind: foreign users, garbage, crowds, people who do not read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from netsetup.endpoint import MOST_CLIENTS, Endpoint
from netsetup.errors import BadRequest, NetsetupError
from netsetup.protocol import MOST_REQUEST_BYTES, Add, Request, Status, format_answer

ME = pwd.getpwuid(os.getuid()).pw_name


class Answers:
    """`watch` goes on until the peer goes; `ended` says that it did."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.line = format_answer({"big": "x" * 100_000})

    async def __call__(self, request: Request) -> AsyncIterator[bytes]:
        match request:
            case Status(watch=True):
                try:
                    while True:
                        yield self.line
                        await asyncio.sleep(0)
                finally:
                    self.ended.set()
            case Status():
                yield format_answer({"here": True})
            case Add():
                raise BadRequest("No.", "Do not.")
            case _:
                raise RuntimeError("secret of the arm")


@contextlib.asynccontextmanager
async def serving(path: Path, answers: Answers, user: str = ME, idle_s: float = 60.0) -> AsyncIterator[Path]:
    endpoint = Endpoint(path, user, answers, idle_s=idle_s)
    await endpoint.start()
    try:
        yield path
    finally:
        await endpoint.stop()


@pytest.fixture
async def answers(tmp_path: Path) -> AsyncIterator[Answers]:
    made = Answers()
    async with serving(tmp_path / "arm", made):
        yield made


@contextlib.asynccontextmanager
async def talking(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(15):
        reader, writer = await asyncio.open_unix_connection(str(path), limit=1_000_000)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def ask(path: Path, line: bytes) -> Any:
    async with talking(path) as (reader, writer):
        writer.write(line)
        return json.loads(await reader.readline())


async def test_one_connection_many_requests(answers: Answers, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "arm").stat().st_mode) == 0o660
    async with talking(tmp_path / "arm") as (reader, writer):
        writer.write(b'{"do":"status"}\ngarbage\n{"do":"add","count":1}\n{"do":"doctor"}\n{"do":"status"}\n')
        replies = [json.loads(await reader.readline()) for _ in range(5)]
    assert [reply["ok"] for reply in replies] == [True, False, False, False, True]
    assert replies[2] == {"ok": False, "kind": "BadRequest", "error": "No.", "hint": "Do not."}
    assert "secret" not in json.dumps(replies[3])


async def test_a_line_without_end_is_refused_and_cut_off(answers: Answers, tmp_path: Path) -> None:
    async with talking(tmp_path / "arm") as (reader, writer):
        writer.write(b"x" * (MOST_REQUEST_BYTES * 2))
        with contextlib.suppress(ConnectionError):
            assert b"bytes" in await reader.readline()
            assert await reader.read() == b""
    assert (await ask(tmp_path / "arm", b'{"do":"status"}\n'))["ok"]


async def test_watchers_that_leave_or_do_not_read_are_forgotten(
    answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netsetup.endpoint.SEND_S", 0.2)
    async with talking(tmp_path / "arm") as (reader, writer):
        writer.write(b'{"do":"watch"}\n')
        await reader.readline()
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # only in the type of the base class
        await answers.ended.wait()
    answers.ended.clear()
    async with talking(tmp_path / "arm") as (reader, writer):
        writer.write(b'{"do":"watch"}\n')
        await reader.readline()
    async with asyncio.timeout(10):
        await answers.ended.wait()


async def test_an_end_with_watchers_leaves_nothing_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(tmp_path / "arm", Answers()) as path, talking(path) as (reader, writer):
        writer.write(b'{"do":"watch"}\n')
        await reader.readline()
    async with asyncio.timeout(10):
        while await reader.read(1_000_000):
            pass
    assert caplog.text == ""


async def test_a_crowd_is_turned_away_and_silence_ends(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        path = await stack.enter_async_context(serving(tmp_path / "arm", Answers(), idle_s=0.5))
        silent = [await stack.enter_async_context(talking(path)) for _ in range(MOST_CLIENTS)]
        refused = json.loads(await (await stack.enter_async_context(talking(path)))[0].readline())
        assert "Too many" in refused["error"]
        for reader, _ in silent:
            assert await reader.read() == b""
        assert (await ask(path, b'{"do":"status"}\n'))["ok"]


async def test_other_users_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsetup.endpoint.peer_uid", lambda sock: 54321)
    async with serving(tmp_path / "arm", Answers(), user="nobody") as path:
        answer = await ask(path, b'{"do":"status"}\n')
    assert not answer["ok"] and "may not talk" in answer["error"]


async def test_a_socket_left_by_a_killed_arm_is_replaced_but_no_file(tmp_path: Path) -> None:
    path = tmp_path / "arm"
    left = await asyncio.start_unix_server(lambda reader, writer: None, path=str(path))
    left.close()
    async with serving(path, Answers()):
        assert (await ask(path, b'{"do":"status"}\n'))["ok"]
    path.write_text("precious")
    with pytest.raises(NetsetupError, match="no socket"):
        await Endpoint(path, ME, Answers()).start()
    assert path.read_text() == "precious"
    with pytest.raises(NetsetupError, match="Cannot make the socket"):
        await Endpoint(tmp_path / ("x" * 120), ME, Answers()).start()
