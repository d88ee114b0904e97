"""A client that asks as fast as it is answered, over a fixed number of connections, and times every answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .measure import cpu_s, quantile

MakeRequest = Callable[[str], bytes]  # from a URL


@dataclass(frozen=True, slots=True)
class Load:
    """One burst of requests. `cpu_us` is the server's per request."""

    requests_per_s: float
    p99_ms: float
    cpu_us: float


class Connection:
    def __init__(self, url: str) -> None:
        self.url = url
        host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
        self._host, self._port = host, int(port or 80)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> bytes:
        """The body of the answer, which must be HTTP 200."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        if b"transfer-encoding: chunked" not in head:
            return await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def once(url: str, request: bytes) -> bytes:
    connection = Connection(url)
    try:
        return await connection.ask(request)
    finally:
        connection.close()


async def hammer(urls: Sequence[str], make: MakeRequest, pid: int, *, requests: int, at_once: int) -> Load:
    """`at_once` requests are under way; each worker goes round its share of the URLs on connections that it keeps."""
    at_once = min(at_once, requests)
    shares = [
        [Connection(url) for url in (urls[start::at_once] or [urls[start % len(urls)]])] for start in range(at_once)
    ]
    taken: list[float] = []
    for share in shares:  # connecting is not what is measured
        for connection in share:
            await connection.ask(make(connection.url))

    async def worker(share: list[Connection]) -> None:
        for number in range(requests // at_once):
            connection = share[number % len(share)]
            request = make(connection.url)
            began = time.perf_counter()
            await connection.ask(request)
            taken.append(time.perf_counter() - began)

    cpu_before, began = cpu_s(pid), time.perf_counter()
    await asyncio.gather(*(worker(share) for share in shares))
    elapsed_s, used_s = time.perf_counter() - began, cpu_s(pid) - cpu_before
    for share in shares:
        for connection in share:
            connection.close()
    return Load(len(taken) / elapsed_s, quantile(taken, 0.99) * 1000, used_s / len(taken) * 1e6)
