"""From the bytes of one read to runs of packets: `$` frames (RFC 2326 §10.12) walked once.

Pure. Cameras cut a picture into packets of one size, so a *run* is what follows each other on one channel with one
length; then one slice tells of a byte of all its packets, and the work is per run, not per packet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct

# Track, where its first `$` is, where it ends, packets, bytes from one `$` to the next.
Run = tuple[int, int, int, int, int]

DOLLAR = 0x24
HEAD_BYTES = 4
RTP_HEAD_BYTES = 12
_head = Struct(">BBH").unpack_from
# From how many packets on slices over all of them are cheaper than comparing one head after another.
_MANY = 8


def walk(buffer: bytearray, at: int, end: int, tracks: Mapping[int, int], runs: list[Run]) -> int:
    """Appends the runs of `buffer[at:end]` to `runs`; `tracks` is channel → track of RTP. Returns where it stopped: at
    `end`, or before the first that is not a whole RTP packet of these channels."""
    while end - at >= HEAD_BYTES:
        dollar, channel, length = _head(buffer, at)
        stride = length + HEAD_BYTES
        stop = at + stride
        if dollar != DOLLAR or stop > end or length < RTP_HEAD_BYTES:
            break
        track = tracks.get(channel)
        if track is None:
            break
        count = 1
        if stop + stride <= end:
            room = (end - at) // stride
            if room > _MANY:
                count = _equal_heads(buffer, at, stride, room)
                stop = at + count * stride
            else:
                head = buffer[at : at + HEAD_BYTES]
                while room > count and buffer[stop : stop + HEAD_BYTES] == head:
                    count += 1
                    stop += stride
        runs.append((track, at, stop, count, stride))
        at = stop
    return at


def _equal_heads(buffer: bytearray, at: int, stride: int, count: int) -> int:
    """How many of `count` heads, one each `stride` bytes, are as the first one. The byte that differs first most often
    (the low one of the length) is looked at first."""
    for offset in (3, 2, 1, 0):
        column = buffer[at + offset : at + count * stride : stride]
        count -= len(column.lstrip(column[:1]))
    return count


def cut(runs: Sequence[Run], at: int) -> list[Run]:
    """What of `runs` begins at `at` or behind it; `at` is where a packet begins."""
    rest: list[Run] = []
    for track, start, stop, count, stride in runs:
        if start >= at:
            rest.append((track, start, stop, count, stride))
        elif stop > at:
            rest.append((track, at, stop, count - (at - start) // stride, stride))
    return rest


def pick(
    buffer: bytearray, view: memoryview, runs: Sequence[Run], channels: Sequence[int], own: Sequence[int]
) -> tuple[bytes, int]:
    """The packets of `runs` for somebody who has track n on `channels[n]` (-1: not at all) where `buffer` has it on
    `own[n]`; and how many they are."""
    parts: list[memoryview | bytearray] = []
    packets = 0
    for track, start, stop, count, stride in runs:
        channel = channels[track]
        if channel < 0:
            continue
        packets += count
        if channel == own[track]:
            parts.append(view[start:stop])
        else:
            part = buffer[start:stop]
            part[1::stride] = bytes((channel,)) * count
            parts.append(part)
    return b"".join(parts), packets
