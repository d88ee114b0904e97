"""Runs of packets in `$` frames (RFC 2326 §10.12): found, cut, and made what somebody else wants.

Pure. Cameras cut a picture into packets of one size, so a *run* is what follows each other alike: same channel, same
length, same payload type; and the marker bit on none, on all, or on the last one. The work is per run, not per packet.
"""

from __future__ import annotations

from collections.abc import Sequence

# Track, where its first `$` is, where it ends, packets, bytes from one `$` to the next.
Run = tuple[int, int, int, int, int]

DOLLAR = 0x24
HEAD_BYTES = 4
RTP_HEAD_BYTES = 12
LENGTH = 3  # offset of its low byte behind `$`
_ALIKE_BYTES = HEAD_BYTES + 2
# From how many packets on a slice over all of them is cheaper than one after another; how many at most.
_MANY = 8
_MOST = 64


def framed_alike(buffer: bytearray, at: int, stride: int, end: int) -> int:
    """How many packets from `at` on, one each `stride` bytes and the last one whole before `end`, have the channel and
    the length of the first one; at most 64."""
    most = (end - at) // stride
    if most > _MANY:
        most = min(most, _MOST)
        for offset in (LENGTH, 2, 1, 0):  # the low byte of the length differs first most often
            column = buffer[at + offset : at + most * stride : stride]
            most -= len(column.lstrip(column[:1]))
        return most
    return alike(buffer, at, stride, most, HEAD_BYTES)


def alike(buffer: bytearray, at: int, stride: int, most: int, size: int = _ALIKE_BYTES) -> int:
    """How many packets from `at` on, one each `stride` bytes and `most` at most, have the first `size` bytes of the
    first one: channel and length, marker and payload type."""
    head = buffer[at : at + size]
    count = 1
    at += stride
    while count < most and buffer[at : at + size] == head:
        count += 1
        at += stride
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
