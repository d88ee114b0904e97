"""Runs of packets, and what lies between them, against the slow and obvious way."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.media.astray import MESSAGE_BYTES, Kind, judge
from proxyd.media.feed import Feed
from proxyd.media.limits import Limits
from proxyd.media.loop import READ_BYTES, Loop
from proxyd.media.outlet import TcpOutlet
from proxyd.media.walk import Run, alike, cut, framed_alike, pick
from proxyd.media.wire import Event, OpenFeed

from .rig import BOTH, SAME, framed, rtp

CHANNELS = {0, 1, 2, 3}
# Few sizes, so that runs are long.
packets = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 2]), st.sampled_from([0, 1, 100, 100, 100, 300]), st.booleans()), max_size=60
)


def frames(made: list[tuple[int, int, bool]]) -> list[bytes]:
    return [
        framed(channel, rtp(at, at, bytes(size), marker=size != 100 and marker))
        for at, (channel, size, marker) in enumerate(made)
    ]


def runs_of(whole: list[bytes]) -> list[Run]:
    """Without `alike`: one packet after another."""
    runs: list[Run] = []
    at = 0
    for frame in whole:
        stop = at + len(frame)
        track = frame[1] // 2
        if runs and runs[-1][0] == track and runs[-1][4] == len(frame):
            _, start, _, count, stride = runs[-1]
            runs[-1] = (track, start, stop, count + 1, stride)
        else:
            runs.append((track, at, stop, 1, len(frame)))
        at = stop
    return runs


@given(packets)
def test_packets_are_alike_as_long_as_their_heads_are(made: list[tuple[int, int, bool]]) -> None:
    whole = frames(made)
    data = b"".join(whole)
    # What lies behind the end is of an earlier read, and must not be looked at.
    buffer = bytearray(data + b"".join(whole[-1:]) * 3)
    at = 0
    for first, frame in enumerate(whole):
        count = 0
        while (
            first + count < len(whole)
            and whole[first + count][:4] + whole[first + count][5:6] == frame[:4] + frame[5:6]
        ):
            count += 1
        assert alike(buffer, at, len(frame), (len(data) - at) // len(frame)) == count
        at += len(frame)


@given(packets)
def test_packets_are_framed_alike_whatever_is_in_them(made: list[tuple[int, int, bool]]) -> None:
    whole = frames(made)
    data = b"".join(whole)
    buffer = bytearray(data + b"".join(whole[-1:]) * 3)
    at = 0
    for first, frame in enumerate(whole):
        rest = whole[first:]
        count = next((number for number, other in enumerate(rest) if other[:4] != frame[:4]), len(rest))
        assert framed_alike(buffer, at, len(frame), len(data)) == min(count, 64)
        at += len(frame)


def test_a_long_packet_is_no_run_of_what_it_is_made_of() -> None:
    """One byte of its length is that of the others', and it contains what looks like the last of them."""
    small = [framed(0, rtp(number, 9, bytes(62))) for number in range(20)]
    inner = b"".join(small[10:])[:512]
    large = framed(0, rtp(9, 9, bytes(62) + inner))
    assert large[3] == small[0][3] and len(large) == len(small[0]) + 512
    buffer = bytearray(b"".join(small[:9]) + large + bytes(100))
    assert framed_alike(buffer, 0, len(small[0]), len(buffer)) == 9


@given(packets, st.data())
def test_runs_are_cut_and_picked(made: list[tuple[int, int, bool]], data: st.DataObject) -> None:
    whole = frames(made)
    buffer = bytearray(b"".join(whole))
    first = data.draw(st.integers(0, len(whole)))
    rest = cut(runs_of(whole), sum(map(len, whole[:first])))
    channels = data.draw(st.sampled_from([[0, 2], [0, -1], [-1, 6], [4, 9]]))
    piece, count = pick(buffer, memoryview(buffer), rest, channels, [0, 2])
    wanted = [(channels[frame[1] // 2], frame) for frame in whole[first:] if channels[frame[1] // 2] >= 0]
    assert piece == b"".join(b"$" + bytes((channel,)) + frame[2:] for channel, frame in wanted)
    assert count == len(wanted)


class Sharing:
    """A feed and one outlet in this process, on real sockets."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.loop = Loop(0)
        self.feed = Feed(1, self.loop, Limits(), self.events.append)
        ours, self.nvr = socket.socketpair()
        theirs, self.recorder = socket.socketpair()
        self.feed.open(OpenFeed(1, BOTH, "camera"), [ours])
        self.outlet = TcpOutlet(2, self.feed, SAME, theirs, self.loop, Limits(), lambda number, why: None)
        self.feed.outlets.append(self.outlet)
        self.outlet.start(False)
        self.recorder.setblocking(False)

    def give(self, data: bytes) -> bytes:
        """What comes out at once."""
        self.nvr.sendall(data)
        self.feed._source._readable(0)  # type: ignore[union-attr]  # as epoll would
        with contextlib.suppress(BlockingIOError):
            return self.recorder.recv(1 << 20)
        return b""

    def close(self) -> None:
        self.feed.close()
        self.outlet.finish("")
        self.nvr.close()
        self.recorder.close()
        self.loop.close()


@given(made=packets, cuts=st.lists(st.integers(0, 20_000), max_size=20))
def test_packets_pass_however_they_are_cut(made: list[tuple[int, int, bool]], cuts: list[int]) -> None:
    whole = frames(made)
    sent = b"".join(whole)
    places = sorted({0, len(sent), *(place for place in cuts if place < len(sent))})
    with contextlib.closing(Sharing()) as one:
        got = b"".join(one.give(sent[first:last]) for first, last in itertools.pairwise(places))
        assert got == sent
        assert one.events == []
        stats = one.feed.look_after()
        # Numbers count up over both tracks here, so what one has is missing in the other.
        assert (stats.packets, stats.garbage, stats.bytes) == (len(made), 0, len(sent))
        assert stats.frames == sum(mark and size != 100 and channel == 0 for channel, size, mark in made)


# Packets of a picture, their size, how many are missing before it.
pictures = st.lists(
    st.tuples(st.integers(1, 80), st.sampled_from([100, 100, 300]), st.sampled_from([0, 0, 0, 1, 5])), max_size=4
)


@given(made=pictures, cuts=st.lists(st.integers(0, 60_000), max_size=4))
def test_packets_of_one_size_are_counted_as_one_by_one(made: list[tuple[int, int, int]], cuts: list[int]) -> None:
    whole: list[bytes] = []
    number = lost = 0
    for stamp, (count, size, missing) in enumerate(made):
        number += missing
        lost += missing if whole else 0
        numbers = range(number, number + count)
        number += count
        # What is in the packets looks as their length does.
        payload = b"\x5c\x00" + bytes((114,)) * size
        whole += [framed(0, rtp(at, stamp, payload, marker=at == number - 1)) for at in numbers]
    sent = b"".join(whole)
    places = sorted({0, len(sent), *(place for place in cuts if place < len(sent))})
    with contextlib.closing(Sharing()) as one:
        got = b"".join(one.give(sent[first:last]) for first, last in itertools.pairwise(places))
        assert got == sent
        stats = one.feed.look_after()
        assert (stats.packets, stats.frames, stats.lost) == (len(whole), len(made), lost)
        if whole:
            assert stats.highest[0] == (7, number - 1)


@given(data=st.binary(max_size=400), cut_at=st.integers(0, 400))
def test_any_bytes_give_whole_packets_or_nothing(data: bytes, cut_at: int) -> None:
    # Packets round them, so that there is something to find.
    around = framed(0, rtp(1, 1, b"abc"))
    with contextlib.closing(Sharing()) as one:
        got = b"".join(one.give(part) for part in (around, data[:cut_at], data[cut_at:], around) if part)
        at = 0
        while at < len(got):
            assert got[at] == 0x24 and got[at + 1] in CHANNELS
            at += 4 + int.from_bytes(got[at + 2 : at + 4], "big")
        assert at == len(got)
        assert got.startswith(around)


MESSAGES = [
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
    b"RTSP/1.0 200 OK\nCSeq: 1\nContent-length : 5\n\n$\0abc",
    b"GET_PARAMETER rtsp://h RTSP/1.0\r\nCSeq: 7\r\n\r\n",
]


@given(st.sampled_from(MESSAGES), st.binary(max_size=30))
def test_a_message_is_seen_as_soon_as_it_is_whole(message: bytes, behind: bytes) -> None:
    for size in range(1, len(message)):
        # Behind the end lies an older message.
        assert judge(bytearray(message[:size] + MESSAGES[0]), 0, size, CHANNELS) == (Kind.INCOMPLETE, size)
    buffer = bytearray(message + behind)
    assert judge(buffer, 0, len(buffer), CHANNELS) == (Kind.MESSAGE, len(message))


def test_a_message_that_is_too_long_is_none() -> None:
    endless = bytearray(b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * (MESSAGE_BYTES // 6))
    assert judge(endless, 0, len(endless), CHANNELS)[0] is Kind.GARBAGE
    large = bytearray(b"RTSP/1.0 200 OK\r\nContent-Length: 70000\r\n\r\n")
    assert judge(large, 0, len(large), CHANNELS)[0] is Kind.GARBAGE


@given(st.binary(min_size=1, max_size=300))
def test_something_becomes_of_any_bytes(data: bytes) -> None:
    buffer, at = bytearray(data), 0
    while at < len(data):
        kind, stop = judge(buffer, at, len(data), CHANNELS)
        assert at < stop <= len(data)
        if kind is Kind.INCOMPLETE:
            assert stop == len(data)
            break
        at = stop


@given(st.binary(min_size=1, max_size=300).filter(lambda data: b"$" not in data and b"R" not in data))
def test_behind_garbage_the_next_packet_is_found(garbage: bytes) -> None:
    packet = framed(0, rtp(1, 1, b"abc"))
    buffer = bytearray(b"\xff" + garbage + packet + packet)
    assert judge(buffer, 0, len(buffer), CHANNELS) == (Kind.GARBAGE, 1 + len(garbage))


@pytest.mark.parametrize(
    "unit",
    [
        b"RTSP/1.0 200 \n",
        b"RTSP/1.0 ",
        b"$",
        b"$\x00\x00\x0c\x80",
        b"RTSP/1.0 200 \n$\x00\x00\x0c\x80bcdefghijkl",
        b"RTSP/1.0 200 \nContent-Length:99999\r\n\r\n",
    ],
)
def test_garbage_of_any_kind_is_passed_at_once(unit: bytes) -> None:
    buffer, at = bytearray(unit * (READ_BYTES // len(unit))), 0
    began = time.process_time()
    kind = Kind.GARBAGE
    while at < len(buffer) and kind is not Kind.INCOMPLETE:
        kind, at = judge(buffer, at, len(buffer), CHANNELS)
    assert time.process_time() - began < 1


def test_a_packet_right_behind_a_stray_dollar_is_found() -> None:
    packet = framed(0, rtp(1, 1, b"abc"))
    for size in range(1, 6):
        buffer = bytearray(b"\xff" + b"$" * size + packet + packet)
        kind, at = judge(buffer, 0, len(buffer), CHANNELS)
        while at < 1 + size:
            kind, at = judge(buffer, at, len(buffer), CHANNELS)
        assert (kind, at) == (Kind.GARBAGE, 1 + size)
