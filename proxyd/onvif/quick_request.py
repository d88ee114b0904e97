"""The request that nearly every recorder sends, read without an HTTP library: one POST with a length. Pure.

Whatever is not exactly that (chunks, `Expect`, HTTP/1.0, GET, anything odd or doubled) is None here, and is left to the
HTTP library with the very bytes that came: this reader never guesses and never refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .services.registry import SERVICES
from .soap import MAX_REQUEST_BYTES

MAX_HEAD_BYTES = 4096
_MAX_FIELDS = 32
_START = re.compile(rb"POST ((/[a-z0-9_/]{1,64})(?:\?sub=([0-9A-Za-z]{0,64}))?) HTTP/1\.1")
_FIELD = re.compile(rb"([A-Za-z][A-Za-z0-9-]{0,63}):[ \t]*([!-~](?:[ -~]*[!-~])?)?[ \t]*")
_LENGTH = re.compile(rb"[0-9]{1,6}")
# These change how a message is read, or when its body comes.
_NOT_SIMPLE = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"content-encoding", b"te", b"trailer"})
_ONCE = frozenset({b"host", b"content-length", b"content-type", b"authorization", b"connection"})


@dataclass(frozen=True, slots=True)
class QuickHead:
    """What of the head matters. `keep`: the connection stays for the next request."""

    path: str
    target: str
    subscription_id: str
    media: str | None
    length: int
    keep: bool
    authorization: str | None = field(default=None, repr=False)


def parse_quick_head(head: bytes) -> QuickHead | None:
    """`head` with the empty line at its end."""
    if len(head) > MAX_HEAD_BYTES:
        return None
    start_line, *lines = head[:-4].split(b"\r\n")
    start = _START.fullmatch(start_line)
    if start is None or len(lines) > _MAX_FIELDS or (path := start[2].decode()) not in SERVICES:
        return None
    fields: dict[bytes, str] = {}
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            return None
        name = match[1].lower()
        if name in _NOT_SIMPLE or (name in _ONCE and name in fields):
            return None
        fields[name] = (match[2] or b"").decode()
    length, connection = fields.get(b"content-length", ""), fields.get(b"connection", "keep-alive").lower()
    if b"host" not in fields or not _LENGTH.fullmatch(length.encode()) or connection not in ("keep-alive", "close"):
        return None
    if int(length) > MAX_REQUEST_BYTES:
        return None
    return QuickHead(
        path,
        start[1].decode(),
        (start[3] or b"").decode(),
        fields.get(b"content-type"),
        int(length),
        connection == "keep-alive",
        fields.get(b"authorization"),
    )
