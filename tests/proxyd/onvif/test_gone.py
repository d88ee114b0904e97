"""Which lost connections mean that a client is gone: those that it was to keep and did not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxyd.onvif import http_connections
from proxyd.onvif.http import OnvifServer
from proxyd.snapshot.picture import SnapshotPicture

from .builders import camera_spec, soap

_BODY = soap("tds:GetSystemDateAndTime", header="")


class Watched:
    """A camera's server, and who has gone from it."""

    def __init__(self) -> None:
        self.gone: list[str] = []
        self.changed = asyncio.Event()
        self.server = OnvifServer(camera_spec(), take_snapshot=self._take, record=lambda **_: None, gone=self._note)

    async def _take(self) -> SnapshotPicture:
        raise NotImplementedError

    def _note(self, client: str) -> None:
        self.gone.append(client)
        self.changed.set()

    async def exchange(self, connection: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
        """One request, and as whom it was made; the connection stays open on our side."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        head = f"POST /onvif/device_service HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n"
        writer.write(
            f"{head}Content-Type: application/soap+xml\r\nContent-Length: {len(_BODY)}\r\n\r\n".encode() + _BODY
        )
        async with asyncio.timeout(30):
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            if connection == "close":
                assert await reader.read() == b""
        host, port = writer.get_extra_info("sockname")[:2]
        return reader, writer, f"{host}:{port}"


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    watched = Watched()
    await watched.server.start()
    yield watched
    await watched.server.stop()


async def test_a_client_that_closes_a_kept_connection_is_gone(watched: Watched) -> None:
    _, writer, client = await watched.exchange("keep-alive")
    assert watched.gone == []
    writer.close()
    async with asyncio.timeout(30):
        await watched.changed.wait()
    assert watched.gone == [client]


async def test_a_client_that_never_keeps_connections_is_not_gone(watched: Watched) -> None:
    """It moves a camera with one connection and stops it with the next."""
    _, first, _ = await watched.exchange("close")
    first.close()
    _, kept, client = await watched.exchange("keep-alive")
    kept.close()
    async with asyncio.timeout(30):
        await watched.changed.wait()
    assert watched.gone == [client], "nothing was said of the first, though its connection ended earlier"


async def test_a_connection_that_we_close_for_idleness_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "IDLE_TIMEOUT_S", 0.5)
    watched = Watched()
    await watched.server.start()
    reader, idle, _ = await watched.exchange("keep-alive")
    async with asyncio.timeout(30):
        assert await reader.read() == b"", "the server closes it"
    idle.close()
    _, kept, client = await watched.exchange("keep-alive")
    kept.close()
    async with asyncio.timeout(30):
        await watched.changed.wait()
    await watched.server.stop()
    assert watched.gone == [client]
