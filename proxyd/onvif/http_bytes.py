"""One HTTP exchange as bytes, for the camera's trace, and a reply as aiohttp sends it or as bytes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus

from aiohttp import web

from proxyd.camera.raw_exchange import RawExchange

from .exchange import Reply

_UNREADABLE = "UNKNOWN"  # aiohttp's method of such a request


class Asked:
    """One request from its arrival on; `body` is set when it has been read."""

    def __init__(self, request: web.BaseRequest) -> None:
        self.request = request
        self._since = time.monotonic()
        self.body = b""

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def took_s(self) -> float:
        return time.monotonic() - self._since

    @property
    def tls(self) -> bool:
        transport = self.request.transport
        return transport is not None and transport.get_extra_info("sslcontext") is not None

    def raw(self, response: web.Response) -> RawExchange | None:
        """What went over the wire, as far as it is worth keeping; None when aiohttp could not read the request."""
        request, version = self.request, self.request.version
        if request.method == _UNREADABLE:
            return None
        start = f"{request.method} {request.raw_path} HTTP/{version.major}.{version.minor}\r\n".encode(errors="replace")
        heads = (name + b": " + value + b"\r\n" for name, value in request.raw_headers)
        answer = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
        status = f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}\r\n"
        body = response.body if isinstance(response.body, bytes) else b""
        return RawExchange.of(
            b"".join((start, *heads, b"\r\n", self.body)), f"{status}{answer}\r\n".encode(errors="replace") + body
        )


def response_of(reply: Reply) -> web.Response:
    response = web.Response(status=reply.status, body=reply.body)
    response.headers["Content-Type"] = reply.content_type
    response.headers["Server"] = "onviftui"
    for name, value in reply.headers:
        response.headers.add(name, value)
    if reply.status in (408, 413):
        response.force_close()
    return response


def bytes_of(reply: Reply, *, keep: bool) -> bytes:
    """The whole answer as it goes over the wire."""
    begin = _begin(reply.status, reply.content_type)
    more = "".join(f"{name}: {value}\r\n" for name, value in reply.headers) if reply.headers else ""
    if not keep:
        more += "Connection: close\r\n"
    date = _date(int(time.time()))
    return f"{begin}{more}Content-Length: {len(reply.body)}\r\nDate: {date}\r\n\r\n".encode() + reply.body


@lru_cache(maxsize=32)
def _begin(status: int, content_type: str) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {content_type}\r\nServer: onviftui\r\n"


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """RFC 9110 section 5.6.7."""
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)
