"""Requests that are answered without aiohttp: which those are, that no answer tells it, and their limits."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxyd.camera.commands import Command
from proxyd.onvif import http_connections, http_quick
from proxyd.onvif.http import OnvifServer
from proxyd.onvif.quick_request import MAX_HEAD_BYTES, parse_quick_head
from proxyd.onvif.soap import MAX_REQUEST_BYTES
from proxyd.snapshot.picture import SnapshotPicture

from .builders import NOW, PATHS, camera_spec, soap, texts, username_token

_HEAD = b"POST /onvif/device_service HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n"
_DATE = re.compile(rb"\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT(?=\r\n)")


class Watched:
    """A camera's server; `release` lets commands of recorders be done."""

    def __init__(self) -> None:
        self.trace: list[dict[str, Any]] = []
        self.asked, self.release = asyncio.Event(), asyncio.Event()
        self.server = OnvifServer(
            camera_spec(), take_snapshot=self._take, record=self._note, perform=self._perform, now=lambda: NOW
        )

    async def _take(self) -> SnapshotPicture:
        return SnapshotPicture("image/jpeg", b"\xff\xd8")

    def _note(self, **entry: Any) -> None:
        self.trace.append(entry)

    async def _perform(self, command: Command, client: str) -> None:
        self.asked.set()
        await self.release.wait()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.server.port)

    @property
    def quick(self) -> int:
        """Connections that aiohttp does not have."""
        assert self.server._connections is not None
        return sum(isinstance(one, http_quick.QuickConnection) for one in self.server._connections.held)


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    watched = Watched()
    await watched.server.start()
    yield watched
    await watched.server.stop()


def _request(operation: str, content: str = "", *, query: str = "", more: str = "", header: str | None = None) -> bytes:
    body = soap(operation, content, header)
    head = f"POST {PATHS[operation.partition(':')[0]]}{query} HTTP/1.1\r\nHost: a\r\n{more}"
    return f"{head}Content-Type: application/soap+xml\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body."""
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        return head, await reader.readexactly(length)


async def _ask(stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> tuple[bytes, bytes]:
    stream[1].write(request)
    return await _answer(stream[0])


def test_a_simple_head_is_read() -> None:
    head = parse_quick_head(
        b"POST /onvif/events_service?sub=0a1b HTTP/1.1\r\nhost: 10.0.0.1:80\r\nUser-Agent: a (b; c) / 1\r\nAccept:\r\n"
        b"Connection: Close\r\ncontent-type:  text/xml \r\nAUTHORIZATION: Digest x\r\nContent-Length: 12\r\n\r\n"
    )
    assert head is not None
    assert (head.path, head.target) == ("/onvif/events_service", "/onvif/events_service?sub=0a1b")
    assert (head.subscription_id, head.media, head.length) == ("0a1b", "text/xml", 12)
    assert (head.keep, head.authorization) == (False, "Digest x")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"POST", b"GET"),
        (b"POST", b"post"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"device_service", b"moon_service"),
        (b"device_service", b"device_service?sub=1&sub=2"),
        (b"device_service", b"device%5Fservice"),
        (b"POST /", b"POST http://a/"),
        (b"Host: a\r\n", b""),
        (b"Host: a", b"Host: a\r\nHost: a"),
        (b"Host: a", b"Host : a"),
        (b"Host: a", b"Host: a\r\n b"),
        (b"Host: a", b"Host: a\nX: y"),
        (b"Host: a", b"Host: a\x00"),
        (b"Host: a", b"Host: \xc3\xa9"),
        (b"Host: a", b"Host: a" + b"\r\nX: y" * 40),
        (b"Host: a", b"Host: a\r\nX: " + b"y" * MAX_HEAD_BYTES),
        (b"Host: a", b"Host: a\r\nTransfer-Encoding: chunked"),
        (b"Host: a", b"Host: a\r\nExpect: 100-continue"),
        (b"Host: a", b"Host: a\r\nUpgrade: h2c"),
        (b"Host: a", b"Host: a\r\nContent-Encoding: gzip"),
        (b"Host: a", b"Host: a\r\nConnection: keep-alive, Upgrade"),
        (b"Content-Length: 7\r\n", b""),
        (b"Length: 7", b"Length: 7\r\nContent-Length: 7"),
        (b"Length: 7", b"Length: +7"),
        (b"Length: 7", b"Length: 7, 7"),
        (b"Length: 7", b"Length: %d" % (MAX_REQUEST_BYTES + 1)),
    ],
)
def test_whatever_is_odd_is_left_to_aiohttp(old: bytes, new: bytes) -> None:
    assert parse_quick_head(_HEAD) is not None
    assert old in _HEAD
    assert parse_quick_head(_HEAD.replace(old, new, 1)) is None


@pytest.mark.parametrize("header", [None, ""])
@pytest.mark.parametrize("operation", ["tds:GetServices", "trt:GetProfiles", "trt:GetMoonPhase"])
async def test_both_ways_answer_with_the_same_bytes(watched: Watched, operation: str, header: str | None) -> None:
    quick, other = await watched.connect(), await watched.connect()
    first = await _ask(quick, _request(operation, header=header))
    assert watched.quick == 2
    second = await _ask(other, _request(operation, header=header, more="TE: trailers\r\n"))
    assert watched.quick == 1
    heads = [re.sub(rb'nonce="[^"]*"', b"", _DATE.sub(b"", head)) for head, _ in (first, second)]
    assert [len(_DATE.findall(head)) for head, _ in (first, second)] == [1, 1]
    assert heads[0] == heads[1]
    assert first[1] == second[1]
    told, again = ({k: v for k, v in entry.items() if k not in ("client", "took_s", "raw")} for entry in watched.trace)
    assert told == again
    raw = watched.trace[0]["raw"]
    assert raw.request.startswith(b"POST /onvif/")
    assert raw.reply == b"".join(first)
    for _, writer in (quick, other):
        writer.close()


@pytest.mark.parametrize("piece", [1, 7, 90, 400])
async def test_it_does_not_matter_in_which_pieces_a_request_comes(watched: Watched, piece: int) -> None:
    request = _request("tds:GetServices", header="")
    whole, pieces = await watched.connect(), await watched.connect()
    expected = (await _ask(whole, request))[1]
    sock = pieces[1].get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for start in range(0, len(request), piece):
        pieces[1].write(request[start : start + piece])
        await asyncio.sleep(0)
    assert (await _answer(pieces[0]))[1] == expected
    for _, writer in (whole, pieces):
        writer.close()


async def test_a_body_that_comes_too_slowly_goes_to_aiohttp(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_quick, "PATIENCE_S", 0.01)
    request = _request("tds:GetServices", header="")
    reader, writer = await watched.connect()
    writer.write(request[:-20])
    async with asyncio.timeout(10):
        while not watched.server._connections or not watched.server._connections.held or watched.quick:
            await asyncio.sleep(0)
    assert b"200 OK" in (await _ask((reader, writer), request[-20:]))[0]
    writer.close()


async def test_a_connection_goes_on_with_aiohttp(watched: Watched) -> None:
    stream = await watched.connect()
    assert b"200 OK" in (await _ask(stream, _request("trt:GetProfiles")))[0]
    assert watched.quick == 1
    assert b"401 Unauthorized" in (await _ask(stream, b"GET /snapshot HTTP/1.1\r\nHost: a\r\n\r\n"))[0]
    assert watched.quick == 0
    assert b"200 OK" in (await _ask(stream, _request("trt:GetProfiles")))[0]
    assert len({entry["client"] for entry in watched.trace}) == 1
    stream[1].close()


async def test_a_client_that_wants_to_close_is_obeyed(watched: Watched) -> None:
    stream = await watched.connect()
    head, _ = await _ask(stream, _request("tds:GetServices", more="Connection: close\r\n"))
    assert b"\r\nConnection: close\r\n" in head
    assert await asyncio.wait_for(stream[0].read(), 5) == b""
    stream[1].close()


async def test_a_client_that_closes_its_half_gets_its_answer(watched: Watched) -> None:
    reader, writer = await watched.connect()
    writer.write(_request("tds:GetServices"))
    writer.write_eof()
    assert b"200 OK" in (await _answer(reader))[0]
    writer.close()


async def test_also_when_a_command_has_to_be_done_first(watched: Watched) -> None:
    reader, writer = await watched.connect()
    writer.write(_request("tds:SetDiscoveryMode", "<tds:DiscoveryMode>Discoverable</tds:DiscoveryMode>"))
    await asyncio.wait_for(watched.asked.wait(), 5)
    writer.write_eof()
    other = await watched.connect()
    await _ask(other, _request("tds:GetServices"))  # the end of the other one has been seen by now
    watched.release.set()
    assert b"200 OK" in (await _answer(reader))[0]
    assert await asyncio.wait_for(reader.read(), 5) == b""
    for one in (writer, other[1]):
        one.close()


async def test_what_comes_during_a_long_poll_is_answered_after_it(watched: Watched) -> None:
    stream = await watched.connect()
    _, made = await _ask(stream, _request("tev:CreatePullPointSubscription"))
    query = "?" + texts(made, "wsa:Address")[0].partition("?")[2]
    pull = "<tev:Timeout>PT{}S</tev:Timeout><tev:MessageLimit>9</tev:MessageLimit>"
    await _ask(stream, _request("tev:PullMessages", pull.format(9), query=query))
    stream[1].write(_request("tev:PullMessages", pull.format("0.05"), query=query))
    stream[1].write(_request("tds:GetHostname", header=username_token()))
    assert b"PullMessagesResponse" in (await _answer(stream[0]))[1]
    assert b"GetHostnameResponse" in (await _answer(stream[0]))[1]
    stream[1].close()


async def test_who_does_not_read_its_answers_is_cut_off(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "SEND_TIMEOUT_S", 0.05)
    request = _request("tds:GetServices", header="")
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", watched.server.port), timeout=5) as sock:
        sock.setblocking(False)
        assert watched.server._connections is not None
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(20):
                while not watched.server._connections.held:
                    await asyncio.sleep(0)
                while watched.server._connections.held:
                    seen = len(watched.trace)
                    await loop.sock_sendall(sock, request)
                    while len(watched.trace) == seen and watched.server._connections.held:
                        await asyncio.sleep(0)
    assert watched.server._connections.held == {}
