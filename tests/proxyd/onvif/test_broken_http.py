"""What is no HTTP at all: a fault, and a line in the trace that says what came; and the bytes kept of what is."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxyd.camera.raw_exchange import MAX_SIDE_BYTES, RawExchange
from proxyd.onvif.http import OnvifServer
from proxyd.snapshot.picture import SnapshotPicture

from .builders import NOW, PATHS, camera_spec, fault_of, soap


class Seen:
    def __init__(self) -> None:
        self.trace: list[dict[str, Any]] = []
        self.server = OnvifServer(camera_spec(), take_snapshot=self.take, record=self.record, now=lambda: NOW)

    async def take(self) -> SnapshotPicture:
        return SnapshotPicture("image/jpeg", b"\xff\xd8")

    def record(self, **entry: Any) -> None:
        self.trace.append(entry)

    async def send(self, request: bytes) -> bytes:
        """All that the camera says until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(request)
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@pytest.fixture
async def seen() -> AsyncIterator[Seen]:
    seen = Seen()
    await seen.server.start()
    yield seen
    await seen.server.stop()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02 hello\r\n\r\n",
        b"POST /onvif/device_service HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\x01\r\n\r\n",
        b"POST /onvif/device_service HTTP/1.1\r\nbad header line\r\n\r\n",
        b"POST /onvif/device_service HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    ],
)
async def test_broken_http_gets_a_fault_and_a_line_in_the_trace(seen: Seen, request_bytes: bytes) -> None:
    head, _, body = (await seen.send(request_bytes)).partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] == b"400"
    assert b"application/soap+xml" in head
    assert fault_of(body)[0] == "env:Sender"
    (entry,) = seen.trace
    assert (entry["operation"], entry["ok"]) == ("broken HTTP", False)
    assert entry["reason"].startswith("no HTTP that can be understood: ")
    assert "c2VjcmV0" not in str(entry)
    assert entry["raw"] is None
    assert entry["client"].startswith("127.0.0.1:")


async def test_a_client_that_speaks_tls_to_the_http_port_is_named(seen: Seen) -> None:
    context = ssl.create_default_context()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", seen.server.port, ssl=context, server_hostname="camera")
    (entry,) = seen.trace
    assert (entry["operation"], entry["reason"]) == ("broken HTTP", "speaks HTTPS where the camera speaks HTTP")


async def test_the_bytes_of_both_sides_are_kept(seen: Seen) -> None:
    body = soap("tds:GetDeviceInformation")
    head = f"POST {PATHS['tds']} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = await seen.send(head.encode() + body)
    (entry,) = seen.trace
    raw = entry["raw"]
    assert isinstance(raw, RawExchange)
    assert raw.request.startswith(f"POST {PATHS['tds']} HTTP/1.1\r\n".encode())
    assert raw.request.endswith(body)
    assert raw.reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert raw.reply.partition(b"\r\n\r\n")[2] == answer.partition(b"\r\n\r\n")[2]
    assert entry["took_s"] >= 0


async def test_a_long_request_is_cut_for_the_trace(seen: Seen) -> None:
    body = b"<a>" + b" " * (2 * MAX_SIDE_BYTES)
    head = f"POST {PATHS['tds']} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    await seen.send(head.encode() + body)
    (entry,) = seen.trace
    assert len(entry["raw"].request) == MAX_SIDE_BYTES


@pytest.mark.parametrize(
    "rest",
    [
        b"Authorization : Basic SECRET\r\n\r\n",
        b"Authorization: Basic SECRET" + b"A" * 9000 + b"\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n<Password>SECRET</Password>",
        b"Transfer-Encoding: chunked\r\n\r\nSECRET\r\n",
    ],
)
async def test_what_the_parser_quotes_is_in_no_log(seen: Seen, caplog: pytest.LogCaptureFixture, rest: bytes) -> None:
    caplog.set_level(logging.DEBUG)
    await seen.send(b"POST /onvif/device_service HTTP/1.1\r\nHost: a\r\n" + rest)
    assert "Error handling request from 127.0.0.1" in caplog.text
    assert "SECRET" not in caplog.text


async def test_nobody_of_http_1_0_is_told_to_continue(seen: Seen) -> None:
    body = soap("tds:GetSystemDateAndTime")
    head = f"POST {PATHS['tds']} HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    assert (await seen.send(head.encode() + body)).split(b" ", 2)[1] == b"200"
