"""Runs of packets, and what lies between them, against the slow and obvious way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxyd.media.astray import MESSAGE_BYTES, Kind, judge
from proxyd.media.walk import Run, cut, pick, walk

from .rig import framed, rtp

TRACKS = {0: 0, 2: 1}
CHANNELS = {0, 1, 2, 3}
# Few sizes, so that runs are long; channel 5 is nobody's.
frames = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 0, 2, 5, 1]), st.sampled_from([0, 1, 100, 100, 100, 300])), max_size=60
)


def slow_walk(data: bytes) -> list[tuple[int, int, int]]:
    """Track, begin and end of each leading RTP packet."""
    found, at = [], 0
    while at + 4 <= len(data) and data[at] == 0x24 and data[at + 1] in TRACKS:
        stop = at + 4 + int.from_bytes(data[at + 2 : at + 4], "big")
        if stop > len(data) or stop - at < 16:
            break
        found.append((TRACKS[data[at + 1]], at, stop))
        at = stop
    return found


def single(runs: list[Run]) -> list[tuple[int, int, int]]:
    return [(track, at, at + stride) for track, start, stop, _, stride in runs for at in range(start, stop, stride)]


def walked(data: bytes) -> tuple[int, list[Run]]:
    runs: list[Run] = []
    # What lies behind the end is of an earlier read, and must not be looked at.
    stop = walk(bytearray(data + framed(0, bytes(40)) * 3), 0, len(data), TRACKS, runs)
    assert all(stop - start == count * stride for _, start, stop, count, stride in runs)
    return stop, runs


@given(frames, st.integers(0, 60))
def test_runs_are_the_packets_one_after_another(made: list[tuple[int, int]], missing: int) -> None:
    data = b"".join(framed(channel, rtp(at, at, bytes(size))) for at, (channel, size) in enumerate(made))
    data = data[: max(0, len(data) - missing)]
    stop, runs = walked(data)
    expected = slow_walk(data)
    assert single(runs) == expected
    assert stop == (expected[-1][2] if expected else 0)


@given(st.binary(max_size=400))
def test_any_bytes_are_walked(data: bytes) -> None:
    assert single(walked(data)[1]) == slow_walk(data)


@given(frames, st.data())
def test_runs_are_cut_and_picked(made: list[tuple[int, int]], data: st.DataObject) -> None:
    packets = [
        (0 if channel == 0 else 1, framed(channel, rtp(at, at, bytes(size))))
        for at, (channel, size) in enumerate((channel, size) for channel, size in made if channel in TRACKS)
    ]
    buffer = bytearray(b"".join(packet for _, packet in packets))
    runs: list[Run] = []
    walk(buffer, 0, len(buffer), TRACKS, runs)
    first = data.draw(st.integers(0, len(packets)))
    rest = cut(runs, sum(len(packet) for _, packet in packets[:first]))
    channels = data.draw(st.sampled_from([[0, 2], [0, -1], [-1, 6], [4, 9]]))
    piece, count = pick(buffer, memoryview(buffer), rest, channels, [0, 2])
    wanted = [(channels[track], packet) for track, packet in packets[first:] if channels[track] >= 0]
    assert piece == b"".join(b"$" + bytes((channel,)) + packet[2:] for channel, packet in wanted)
    assert count == len(wanted)


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
