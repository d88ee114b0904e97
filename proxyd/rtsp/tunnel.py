"""RTSP inside two HTTP connections: answers and media come by a GET's, requests go by a POST's in base64.

Sans-IO. This is QuickTime's tunnel, which ONVIF asks for (Streaming, RTP/RTSP/HTTP/TCP). Both halves name the same
`x-sessioncookie`; a POST may be replaced by the next one, and its answer is never waited for.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from enum import Enum

_HEAD_BYTES = 4096
_GET, _POST = b"GET ", b"POST "  # GET_PARAMETER is RTSP's
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FIRST_LINE = re.compile(rb"(GET|POST) \S+ HTTP/1\.[01]")
_COOKIE_LINE = re.compile(rb"x-sessioncookie[ \t]*:[ \t]*([!-~]{1,64})[ \t]*", re.IGNORECASE)
# Clients encode each message by itself, so padding may come anywhere between groups of four.
_END = rb"[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}="
_GROUPS = re.compile(rb"(?:[A-Za-z0-9+/]{4})+(?:" + _END + rb")?|" + _END)
_SPACE = b" \t\r\n"

OPENED = (
    b"HTTP/1.0 200 OK\r\nServer: onviftui\r\nConnection: close\r\nCache-Control: no-store\r\nPragma: no-cache\r\n"
    b"Content-Type: application/x-rtsp-tunnelled\r\n\r\n"
)
REFUSED = b"HTTP/1.0 400 Bad Request\r\nServer: onviftui\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Kind(Enum):
    UNKNOWN = "unknown"
    RTSP = "rtsp"
    GET = "get"
    POST = "post"


class TunnelError(Exception):
    """No tunnel comes of this. The text says why; the connection is of no more use."""


class Entrance:
    """What a recorder's connection turns out to be. `cookie` is known with GET and POST."""

    def __init__(self) -> None:
        self.kind = Kind.UNKNOWN
        self.cookie = ""
        self._pending = b""  # the begin of a head, or of a group of four

    def look(self, data: bytes) -> bytes:
        """While `kind` is unknown: what is behind the head, which is everything when there is none. Raises
        TunnelError."""
        data = self._pending + data
        if not any(data.startswith(method) or method.startswith(data) for method in (_GET, _POST)):
            self.kind, self._pending = Kind.RTSP, b""
            return data
        end = _HEAD_END.search(data, 0, _HEAD_BYTES)
        if end is None:
            if len(data) >= _HEAD_BYTES:
                raise TunnelError("the head of an HTTP request is too long")
            self._pending = data
            return b""
        self._pending = b""
        first, *lines = (line.removesuffix(b"\r") for line in data[: end.start()].split(b"\n"))
        request = _FIRST_LINE.fullmatch(first)
        cookies = [found.group(1) for found in map(_COOKIE_LINE.fullmatch, lines) if found is not None]
        if request is None or len(cookies) != 1:
            raise TunnelError("an HTTP request that opens no RTSP tunnel")
        self.cookie = cookies[0].decode("ascii")
        self.kind = Kind.GET if request.group(1) == b"GET" else Kind.POST
        return data[end.end() :]

    def decode(self, data: bytes) -> bytes:
        """The RTSP in what a POST brings. Raises TunnelError."""
        data = self._pending + data.translate(None, _SPACE)
        whole = len(data) // 4 * 4
        self._pending = data[whole:]
        parts = _GROUPS.findall(data, 0, whole)
        if sum(map(len, parts)) != whole:
            raise TunnelError("something in an RTSP tunnel is not base64")
        return b"".join(map(a2b_base64, parts))
