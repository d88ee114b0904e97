"""The body of a request in bounded space and time."""

from __future__ import annotations

import asyncio

from aiohttp import HttpVersion11, web

from .soap import MAX_REQUEST_BYTES

BODY_TIMEOUT_S = 10.0


class TooLarge(Exception):
    """The body is longer than allowed."""


async def read_body(request: web.BaseRequest) -> bytes:
    """The whole body in bounded space and time. Raises TooLarge, TimeoutError, ConnectionError."""
    expected = request.headers.get("Expect", "").lower() == "100-continue"
    # HTTP/1.0 knows no such answer (RFC 9110 section 15.2).
    if expected and request.version >= HttpVersion11 and request.transport is not None:
        # .NET clients (ONVIF Device Manager) wait for this before they send the body.
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while chunk := await request.content.readany():
                size += len(chunk)
                if size > MAX_REQUEST_BYTES:
                    raise TooLarge
                chunks.append(chunk)
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:  # the client is gone, too: no route to it any more, TLS broken off
        raise ConnectionResetError from error
    return b"".join(chunks)
