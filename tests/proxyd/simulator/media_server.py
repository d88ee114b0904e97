"""A running RTSP simulator for tests, and the raw requests to speak to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from proxyd.simulator.faults import Faults
from proxyd.simulator.rtsp_server import RtspSimulator
from proxyd.simulator.streams import SimCodec, SimStream, SimStreamName, stream_for
from tests.player.client import RtspClient

USER, PASSWORD = "admin", "nvr-password"


def resolve(target: str) -> SimStream | None:
    """/<channel>/<main|sub>[/H265] with any query."""
    match = re.match(r"/(\d{1,2})/(main|sub)(/H265)?(?:\?|$)", target)
    if match is None or not 1 <= int(match.group(1)) <= 64:
        return None
    name: SimStreamName = "main" if match.group(2) == "main" else "sub"
    codec: SimCodec = "H265" if match.group(3) else "H264"
    return stream_for(int(match.group(1)), name, codec)


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[RtspSimulator]:
    server = RtspSimulator(
        "127.0.0.1",
        0,
        **{"resolve": resolve, "username": USER, "password": PASSWORD, "faults": Faults(), **options},
    )
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def url(server: RtspSimulator, path: str = "1/main") -> str:
    return f"rtsp://127.0.0.1:{server.port}/{path}"


class Talk:
    """A client that collects the interleaved packets it gets."""

    def __init__(self, password: str = PASSWORD, username: str = USER) -> None:
        self.packets: list[tuple[int, bytes]] = []
        self.client = RtspClient(username, password, lambda channel, packet: self.packets.append((channel, packet)))

    async def setup(self, url: str, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1") -> str:
        """DESCRIBE and SETUP of the first track; the session id."""
        await self.client.request("DESCRIBE", url)
        answer = await self.client.request("SETUP", f"{url}/trackID=0", Transport=transport)
        return (answer.headers.get("Session") or "").partition(";")[0]

    async def media(self, count: int) -> None:
        """Wait until `count` more packets came."""
        wanted = len(self.packets) + count
        async with asyncio.timeout(30):
            while len(self.packets) < wanted:
                await self.client.receive()


@asynccontextmanager
async def talking(server: RtspSimulator, password: str = PASSWORD, username: str = USER) -> AsyncIterator[Talk]:
    talk = Talk(password, username)
    await talk.client.connect("127.0.0.1", server.port)
    try:
        yield talk
    finally:
        await talk.client.close()
