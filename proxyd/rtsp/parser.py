"""Bytes of an RTSP connection to messages and interleaved packets, in either direction (RFC 2326 §4, §10.12).

Sans-IO. Any chunking of the same bytes gives the same events and the same error at the same place: the parser goes
line by line and never looks at more than it needs. Every part has a limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Interleaved, Request, Response

Event = Request | Response | Interleaved

_DOLLAR = 0x24
_REQUEST_LINE = re.compile(r"([A-Za-z][A-Za-z_-]{0,31})[ \t]+(\S+)[ \t]+(RTSP/[0-9]{1,2}\.[0-9]{1,2})[ \t]*")
_STATUS_LINE = re.compile(r"(RTSP/[0-9]{1,2}\.[0-9]{1,2})[ \t]+([0-9]{3})(?:[ \t]+(.*))?")
_HEADER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:(.*)")


@dataclass(frozen=True, slots=True)
class Limits:
    head_bytes: int = 16 * 1024
    header_count: int = 64
    line_bytes: int = 4096  # with its line break
    body_bytes: int = 128 * 1024
    interleaved_bytes: int = 65535


class RtspSyntaxError(Exception):
    """The peer does not speak RTSP, or goes beyond a limit. `status` and `reason` are the answer it deserves;
    `events` are those before the fault in the same feed. The connection is of no more use."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.events: list[Event] = []


class RtspParser:
    """Feed it what arrives. Raises RtspSyntaxError, and the same again on every later feed."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._pending = bytearray()
        self._need = 0  # nothing can happen before so many bytes are pending
        self._error: RtspSyntaxError | None = None
        self._head: Request | Response | None = None
        self._head_bytes = 0
        self._body_bytes: int | None = None  # set while a body is awaited

    @property
    def in_message(self) -> bool:
        """Whether a message or packet has begun and is not complete."""
        return bool(self._pending) or self._head is not None

    def rest(self) -> bytes | None:
        """What came behind the last whole message or packet, which is forgotten here: somebody else goes on reading.
        None, and nothing changes, inside of a message that has begun."""
        if self._head is not None:
            return None
        rest = bytes(self._pending)
        self._pending.clear()
        return rest

    def feed(self, data: bytes | bytearray | memoryview) -> list[Event]:
        if self._error is not None:
            self._error.events = []
            raise self._error
        if self._pending:
            if len(self._pending) + len(data) < self._need:
                self._pending += data
                return []
            data = b"".join((self._pending, data))
            self._pending.clear()
        elif not isinstance(data, bytes):
            data = bytes(data)
        events: list[Event] = []
        try:
            done = self._parse(data, events)
        except RtspSyntaxError as error:
            error.events = events
            self._error = error
            raise
        if done < len(data):
            self._pending += data[done:]
        return events

    def _parse(self, data: bytes, events: list[Event]) -> int:
        """Takes what is complete; returns where the incomplete rest begins and leaves its least size in `_need`."""
        at, end = 0, len(data)
        while at < end:
            if self._body_bytes is not None:
                if end - at < self._body_bytes:
                    self._need = self._body_bytes
                    return at
                assert self._head is not None
                self._head.body = data[at : at + self._body_bytes]
                at += self._body_bytes
                self._finish(events)
                continue
            if self._head is None:
                first = data[at]
                if first == _DOLLAR:
                    at, complete = self._frames(data, at, end, events)
                    if not complete:
                        return at
                    continue
                if first in (0x0D, 0x0A):  # clients pad, some devices end bodies with an uncounted line break
                    at += 1
                    continue
            line_end = data.find(b"\n", at, at + self._limits.line_bytes)
            if line_end < 0:
                if end - at >= self._limits.line_bytes:
                    raise self._too_large("a line is too long")
                self._need = end - at + 1
                return at
            self._line(data[at : line_end + 1], events)
            at = line_end + 1
        return at

    def _frames(self, data: bytes, at: int, end: int, events: list[Event]) -> tuple[int, bool]:
        """Walks over `$` frames that follow each other: where nearly all the work is."""
        append, highest = events.append, self._limits.interleaved_bytes
        while at < end and data[at] == _DOLLAR:
            body = at + 4
            if body > end:
                self._need = 4
                return at, False
            length = data[at + 2] << 8 | data[at + 3]
            if length > highest:
                raise RtspSyntaxError(400, "an interleaved packet is too long")
            if body + length > end:
                self._need = 4 + length
                return at, False
            append(Interleaved(data[at + 1], data[body : body + length]))
            at = body + length
        return at, True

    def _line(self, raw: bytes, events: list[Event]) -> None:
        self._head_bytes += len(raw)
        if self._head_bytes > self._limits.head_bytes:
            raise self._too_large("the head is too long")
        line = raw[:-1].removesuffix(b"\r").decode("utf-8", "surrogateescape")
        if "\0" in line or "\r" in line:
            raise RtspSyntaxError(400, "control characters in the head")
        if self._head is None:
            self._head = _parse_first_line(line)
        elif line:
            self._header(self._head, line)
        else:
            self._body_bytes = self._content_length(self._head.headers)
            if not self._body_bytes:
                self._finish(events)

    def _header(self, head: Request | Response, line: str) -> None:
        if line[0] in " \t":  # folded: belongs to the header before
            items = list(head.headers)
            if items:
                name, value = items[-1]
                head.headers = Headers([*items[:-1], (name, value + " " + line.strip(" \t"))])
            return
        match = _HEADER.fullmatch(line)
        if match is None:
            if isinstance(head, Response):
                return  # some devices put stray lines into their answers
            raise RtspSyntaxError(400, "a header line is malformed")
        if len(head.headers) >= self._limits.header_count:
            raise RtspSyntaxError(400, "too many headers")
        head.headers.add(match.group(1), match.group(2).strip(" \t"))

    def _content_length(self, headers: Headers) -> int:
        values = {value for value in headers.get_all("Content-Length") if value}
        if not values:
            return 0
        raw = values.pop()
        if values or not re.fullmatch(r"[0-9]{1,9}", raw):
            raise RtspSyntaxError(400, "Content-Length is malformed")
        if int(raw) > self._limits.body_bytes:
            raise RtspSyntaxError(413, "the body is too long")
        return int(raw)

    def _finish(self, events: list[Event]) -> None:
        assert self._head is not None
        events.append(self._head)
        self._head, self._head_bytes, self._body_bytes = None, 0, None

    def _too_large(self, reason: str) -> RtspSyntaxError:
        return RtspSyntaxError(414 if self._head is None else 400, reason)


def _parse_first_line(line: str) -> Request | Response:
    if match := _REQUEST_LINE.fullmatch(line):
        return Request(match.group(1), match.group(2), version=match.group(3))
    if match := _STATUS_LINE.fullmatch(line):
        return Response(int(match.group(2)), (match.group(3) or "").strip(" \t"), version=match.group(1))
    raise RtspSyntaxError(400, "this is not RTSP")
