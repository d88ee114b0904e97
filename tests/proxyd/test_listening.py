"""Whoever is cancelled while it begins to listen leaves no port taken."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from proxyd.listening import listen


def _listeners() -> set[str]:
    """Listening TCP sockets of this process."""
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = {f"socket:[{line.split()[9]}]" for line in table if line.split()[3] == "0A"}
    ours = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            ours.add(str(descriptor.readlink()))
    return listening & ours


async def test_whenever_it_is_cancelled() -> None:
    before, turns, done = _listeners(), 0, False
    while not done:
        starting = asyncio.create_task(listen(asyncio.Protocol, "127.0.0.1", 0, backlog=1), name="listen")
        for _ in range(turns):
            await asyncio.sleep(0)
        done = starting.done()
        if done:
            (await starting).close()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await asyncio.sleep(0)
        assert _listeners() == before, f"after {turns} turns of the loop"
        turns += 1
    assert turns > 2


async def test_it_listens_and_says_when_it_cannot() -> None:
    server = await listen(asyncio.Protocol, "127.0.0.1", 0, backlog=4)
    port = server.sockets[0].getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    with pytest.raises(OSError, match="address already in use"):
        await listen(asyncio.Protocol, "127.0.0.1", port, backlog=4)
    server.close()
    await server.wait_closed()
