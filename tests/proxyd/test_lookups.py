"""A dead name server holds up neither the daemon's end nor more than a few threads."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import pytest

from proxyd import lookups
from proxyd.lookups import Loop, look_up


def test_names_are_found_and_not_found_as_ever() -> None:
    async def ask() -> None:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
        assert ("127.0.0.1", 80) in [entry[4] for entry in found]
        with pytest.raises(UnicodeError):
            await loop.getaddrinfo("a..b", 80)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(ask())


def test_the_loop_ends_while_a_name_server_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MAX_AT_ONCE", 3)
    answers = threading.Event()
    asked: list[threading.Thread] = []

    def silent(*args: Any) -> list[Any]:
        asked.append(threading.current_thread())
        answers.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)

    async def connect() -> None:
        async with asyncio.timeout(0.1):
            await asyncio.gather(*(asyncio.open_connection("nvr.example", 80) for _ in range(9)))

    began = time.monotonic()
    with asyncio.Runner(loop_factory=Loop) as runner, pytest.raises(TimeoutError):
        runner.run(connect())
    assert time.monotonic() - began < 30
    assert [thread.daemon for thread in asked] == [True] * 3, "else the program's end waits for them"
    answers.set()
    for thread in asked:
        thread.join(60)


async def test_a_turn_lasts_as_long_as_its_thread() -> None:
    turns, answers = asyncio.Semaphore(1), threading.Event()
    first = asyncio.create_task(look_up(lambda: answers.wait(60), turns), name="first")
    while not turns.locked():
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second = asyncio.create_task(look_up(lambda: "found", turns), name="second")
    done, _ = await asyncio.wait({second}, timeout=0.05)
    assert not done
    answers.set()
    assert await asyncio.wait_for(second, 60) == "found"
    assert not turns.locked()


async def test_what_goes_wrong_is_raised() -> None:
    def fail() -> None:
        raise UnicodeError("no name")

    with pytest.raises(UnicodeError, match="no name"):
        await look_up(fail, asyncio.Semaphore(1))
