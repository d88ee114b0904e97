"""What lies between RTP packets on an NVR's connection: reports, messages, padding, garbage.

Pure. Told apart by the first bytes; what is garbage ends where something begins that looks like a packet or a message.
"""

from __future__ import annotations

import re
from collections.abc import Container
from enum import Enum

from .walk import DOLLAR, HEAD_BYTES, RTP_HEAD_BYTES

MESSAGE_BYTES = 64 * 1024
_LINE_BYTES = 2048
_RTCP_BYTES = 4
_FIRST_LINE = re.compile(rb"(?:RTSP/[0-9.]+ [0-9]{3}|[A-Z][A-Z_]{2,31} +\S+ +RTSP/[0-9.]+)[^\r\n]*\r?\n")
_BEGINNING = re.compile(rb"[A-Z][A-Z_]{0,31}(?:[ /][\x20-\x7e]*)?\r?")
# Lines without what only packets have, and the empty one.
_HEAD = re.compile(rb"(?:[^\0-\x08\n]*+\n(?!\r?\n))*+[^\0-\x08\n]*+(\n\r?\n)?")
_CONTENT_LENGTH = re.compile(
    rb"\n[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Ll][Ee][Nn][Gg][Tt][Hh][ \t]*:[ \t]*([0-9]{1,9})[ \t]*\r?\n"
)
# As much of it as is there: a look at each `$` by itself takes long when there are many.
_SOMETHING = re.compile(rb"\$(?=[\s\S]{3}[\x80-\xbf]|[\s\S]{0,3}\Z)|RTSP/[0-9]\.[0-9] (?=[0-9]{3}|[0-9]{0,2}\Z)")


class Kind(Enum):
    INCOMPLETE = "incomplete"  # nothing can be said before more has come
    MESSAGE = "message"  # a whole RTSP message
    FRAME = "frame"  # a whole `$` frame
    PADDING = "padding"
    GARBAGE = "garbage"


def judge(buffer: bytearray, at: int, end: int, channels: Container[int]) -> tuple[Kind, int]:
    """What begins at `at` (< `end`), and where it ends (`end` when incomplete). `channels` are those in use."""
    first = buffer[at]
    if first == DOLLAR:
        return _frame(buffer, at, end, channels)
    if first in b"\r\n":  # some devices end bodies with a line break that they do not count
        return Kind.PADDING, at + 1
    kind, stop = _message(buffer, at, end)
    return kind, resync(buffer, at + 1, end, channels, stop) if kind is Kind.GARBAGE else stop


def _frame(buffer: bytearray, at: int, end: int, channels: Container[int]) -> tuple[Kind, int]:
    if end - at < HEAD_BYTES:
        return Kind.INCOMPLETE, end
    stop = at + HEAD_BYTES + int.from_bytes(buffer[at + 2 : at + 4], "big")
    if not plausible(buffer, at, end, channels) and not _foreign(buffer, at, end):
        return Kind.GARBAGE, resync(buffer, at + 1, end, channels)
    return (Kind.FRAME, stop) if stop <= end else (Kind.INCOMPLETE, end)


def _foreign(buffer: bytearray, at: int, end: int) -> bool:
    """Whether it may be a packet of a channel that nobody asked for."""
    return at + HEAD_BYTES < end and buffer[at + HEAD_BYTES] >> 6 == 2 and buffer[at + 1] < 64


def _message(buffer: bytearray, at: int, end: int) -> tuple[Kind, int]:
    """Of garbage: up to where no other message can be whole, either."""
    line_limit = min(end, at + _LINE_BYTES)
    if _FIRST_LINE.match(buffer, at, line_limit) is None:
        whole_line = buffer.find(b"\n", at, line_limit) >= 0 or end - at >= _LINE_BYTES
        begun = not whole_line and _BEGINNING.fullmatch(buffer, at, end) is not None
        return (Kind.INCOMPLETE, end) if begun else (Kind.GARBAGE, at + 1)
    limit = min(end, at + MESSAGE_BYTES)
    head = _HEAD.match(buffer, at, limit)
    assert head is not None  # the pattern matches nothing, too
    if head[1] is None:
        incomplete = head.end() == end and end - at < MESSAGE_BYTES
        return (Kind.INCOMPLETE, end) if incomplete else (Kind.GARBAGE, head.end())
    length = _CONTENT_LENGTH.search(buffer, at, head.end())
    stop = head.end() + (int(length[1]) if length else 0)
    if stop - at > MESSAGE_BYTES:
        return Kind.GARBAGE, at + 1
    return (Kind.MESSAGE, stop) if stop <= end else (Kind.INCOMPLETE, end)


def resync(buffer: bytearray, at: int, end: int, channels: Container[int], messages_from: int = 0) -> int:
    """Where the next packet, or from `messages_from` on the next message, seems to begin; `end` when nowhere."""
    for found in _SOMETHING.finditer(buffer, at, end):
        start = found.start()
        if plausible(buffer, start, end, channels) if buffer[start] == DOLLAR else start >= messages_from:
            return start
    return end


def plausible(buffer: bytearray, at: int, end: int, channels: Container[int]) -> bool:
    """Whether the `$` at `at` may begin a packet, as far as what is there tells."""
    there = end - at
    if there < HEAD_BYTES:
        return there < 2 or buffer[at + 1] in channels
    length = int.from_bytes(buffer[at + 2 : at + 4], "big")
    least = RTP_HEAD_BYTES if buffer[at + 1] % 2 == 0 else _RTCP_BYTES
    if buffer[at + 1] not in channels or length < least or (there > HEAD_BYTES and buffer[at + 4] >> 6 != 2):
        return False
    behind = at + HEAD_BYTES + length
    return behind >= end or buffer[behind] in b"$\r\nRABCDEFGHIJKLMNOPQSTUVWXYZ"
