"""One HTTP exchange as bytes, for the camera's trace, and a reply as aiohttp sends it."""

from __future__ import annotations

import time
from http import HTTPStatus

from aiohttp import web

from proxyd.camera.raw_exchange import RawExchange

from .exchange import Reply

_UNREADABLE = "UNKNOWN"  # aiohttp's method of such a request


class Asked:
    """One request from its arrival on; `body` is set when it has been read."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._since = time.monotonic()
        self.body = b""

    @property
    def path(self) -> str:
        return self._request.path

    @property
    def took_s(self) -> float:
        return time.monotonic() - self._since

    @property
    def tls(self) -> bool:
        transport = self._request.transport
        return transport is not None and transport.get_extra_info("sslcontext") is not None

    def raw(self, response: web.Response) -> RawExchange | None:
        """What went over the wire, as far as it is worth keeping; None when aiohttp could not read the request."""
        request, version = self._request, self._request.version
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
