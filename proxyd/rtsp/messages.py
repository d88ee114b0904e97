"""RTSP messages as values, and their bytes (RFC 2326 §4–§7, §10.12).

Pure. What is read is in parser.py. Text is UTF-8; other bytes survive as surrogates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from proxyd.rtsp.headers import Headers

VERSION = "RTSP/1.0"

REASONS = {
    100: "Continue",
    200: "OK",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    415: "Unsupported Media Type",
    451: "Parameter Not Understood",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    457: "Invalid Range",
    459: "Aggregate operation not allowed",
    460: "Only aggregate operation allowed",
    461: "Unsupported transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Time-out",
    505: "RTSP Version not supported",
    551: "Option not supported",
}


@dataclass(slots=True)
class Request:
    method: str
    uri: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = field(default=b"", repr=False)
    version: str = VERSION


@dataclass(slots=True)
class Response:
    """`reason` "" is written as the standard words."""

    status: int
    reason: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = field(default=b"", repr=False)
    version: str = VERSION


class Interleaved(NamedTuple):
    """One RTP or RTCP packet inside the RTSP connection. A tuple: there are thousands of them per second."""

    channel: int
    payload: bytes


def format_request(request: Request) -> bytes:
    """Raises ValueError when a part would break out of its line."""
    first = f"{request.method} {request.uri} {request.version}"
    if len(first.split()) != 3:
        raise ValueError("white space in the method or URI of a request")
    return _format(first, request.headers, request.body)


def format_response(response: Response) -> bytes:
    """Raises ValueError when a part would break out of its line."""
    reason = response.reason or REASONS.get(response.status, "Unknown")
    return _format(f"{response.version} {response.status} {reason}", response.headers, response.body)


def format_interleaved(channel: int, payload: bytes) -> bytes:
    """Raises OverflowError for a channel above 255 or a payload above 65535 bytes."""
    return b"$" + channel.to_bytes(1, "big") + len(payload).to_bytes(2, "big") + payload


def _format(first: str, headers: Headers, body: bytes) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    if body and "Content-Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    _refuse_line_breaks(lines)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape") + body


def _refuse_line_breaks(lines: Iterable[str]) -> None:
    for line in lines:
        if "\r" in line or "\n" in line or "\0" in line:
            raise ValueError("line break inside a header")
