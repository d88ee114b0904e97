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
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CONTENT_LENGTH = re.compile(
    rb"\n[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Ll][Ee][Nn][Gg][Tt][Hh][ \t]*:[ \t]*([0-9]{1,9})[ \t]*\r?\n"
)
_SOMETHING = re.compile(rb"\$|RTSP/[0-9]\.[0-9] ")


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
    return _message(buffer, at, end) or (Kind.GARBAGE, resync(buffer, at + 1, end, channels))


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


def _message(buffer: bytearray, at: int, end: int) -> tuple[Kind, int] | None:
    """None when it is none."""
    line_limit = min(end, at + _LINE_BYTES)
    if _FIRST_LINE.match(buffer, at, line_limit) is None:
        whole_line = buffer.find(b"\n", at, line_limit) >= 0 or end - at >= _LINE_BYTES
        return None if whole_line or _BEGINNING.fullmatch(buffer, at, end) is None else (Kind.INCOMPLETE, end)
    limit = min(end, at + MESSAGE_BYTES)
    head = _HEAD_END.search(buffer, at, limit)
    if head is None:
        return (Kind.INCOMPLETE, end) if limit == end and end - at < MESSAGE_BYTES else None
    length = _CONTENT_LENGTH.search(buffer, at, head.end())
    stop = head.end() + (int(length[1]) if length else 0)
    if stop - at > MESSAGE_BYTES:
        return None
    return (Kind.MESSAGE, stop) if stop <= end else (Kind.INCOMPLETE, end)


def resync(buffer: bytearray, at: int, end: int, channels: Container[int]) -> int:
    """Where the next packet or message seems to begin; `end` when nowhere."""
    for found in _SOMETHING.finditer(buffer, at, end):
        start = found.start()
        if buffer[start] != DOLLAR or plausible(buffer, start, end, channels):
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
