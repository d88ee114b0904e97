"""What NVRs do to their connections: end them, begin anew, send garbage."""

from __future__ import annotations

from struct import unpack_from

import pytest

from proxyd.media.wire import CloseFeed, FeedLost, FeedMessage, ParameterSet, Track

from .rig import BOTH, SPS, VIDEO, framed, media, picture, pictures, rtp
from .test_numbers import NAMED, SENDER_REPORT

ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n"


def stream(packets: list[bytes]) -> bytes:
    return b"".join(framed(0, packet) for packet in packets)


def numbers(frames: list[tuple[int, bytes]]) -> list[tuple[int, int, int]]:
    return [unpack_from(">HII", packet, 2) for _, packet in frames]


def test_a_stream_that_is_connected_again_goes_on() -> None:
    first = pictures(3, first=65_530, stamp=2**32 - 3600)
    second = pictures(2, first=100, stamp=5_000, ssrc=99)
    with media() as rig:
        feed, nvr = rig.feed(BOTH)
        _, recorder = rig.outlet(feed)
        nvr.sendall(stream(first))
        before = numbers([recorder.frame() for _ in first])
        nvr.close()
        assert rig.wait(FeedLost).why == "closed"
        _, nvr = rig.feed(BOTH, number=feed)
        middle, _ = picture(40, 1_000, ssrc=99)
        nvr.sendall(stream(middle) + framed(1, SENDER_REPORT) + stream(second))
        after = numbers([recorder.frame() for _ in second])
        last_sequence, last_stamp, ssrc = before[-1]
        assert [one[0] for one in after] == [(last_sequence + 1 + at) & 0xFFFF for at in range(len(second))]
        assert {one[2] for one in after} == {ssrc}
        shift = (after[0][1] - 5_000) % 2**32
        assert 0 < (after[0][1] - last_stamp) % 2**32 < 90_000 * 10
        assert after[-1][1] == (5_000 + 3_600 + shift) % 2**32
        nvr.sendall(framed(1, SENDER_REPORT + NAMED))
        channel, report = recorder.frame()
        assert channel == 1 and b"cam\0" not in report and b"camera" in report
        assert unpack_from(">I", report, 4) == (ssrc,)
        assert unpack_from(">I", report, 16) == ((1_000 + shift) % 2**32,)
        stats = rig.feed_stats(feed)
        assert (stats.lost, stats.frames, stats.key_frames, stats.garbage) == (0, 6, 2, 0)
        assert stats.packets == len(first) + len(middle) + len(second)


def test_other_tracks_than_before_begin_anew() -> None:
    other = (Track((0, 1), "h265", 90_000, True),)
    with media() as rig:
        feed, nvr = rig.feed((VIDEO,))
        _, recorder = rig.outlet(feed)
        nvr.sendall(stream(pictures(1)))
        for _ in pictures(1):
            recorder.frame()
        rig.order(CloseFeed(feed))
        _, nvr = rig.feed(other, number=feed)
        nvr.sendall(framed(0, rtp(900, 1, b"\x02\x01p", ssrc=5)))
        assert recorder.rtp() == (900, 1, 5)


def test_an_ssrc_that_changes_in_the_middle_of_a_read() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        _, recorder = rig.outlet(feed)
        packets = [rtp(at, 3600 * at, b"\x41same size", marker=True) for at in range(5)]
        packets += [rtp(at, 77, b"\x41same size", ssrc=55) for at in range(900, 920)]
        nvr.sendall(stream(packets))
        got = numbers([recorder.frame() for _ in packets])
        assert [one[0] for one in got] == list(range(25))
        assert {one[2] for one in got} == {7}
        assert rig.feed_stats(feed).highest[0] == (55, 919)


def test_garbage_between_packets_is_left_out() -> None:
    packets = [framed(0, rtp(at, at, b"\x41abc", marker=True)) for at in range(40)]
    garbage = [b"\0\1\2", b"$$$", b"HELLO\r\n", b"$\0\0\4\xff\xff\xff\xff", b"RTSP", b"$\x09\0\2ab", b"\xff" * 3000]
    with media() as rig:
        feed, nvr = rig.feed()
        _, recorder = rig.outlet(feed)
        for at, junk in enumerate(garbage):
            nvr.sendall(
                b"".join(packets[5 * at : 5 * at + 2]) + junk + b"".join(packets[5 * at + 2 : 5 * at + 5]) + ANSWER
            )
            assert rig.wait(FeedMessage).data == ANSWER
        count = 5 * len(garbage)
        assert recorder.read(sum(map(len, packets[:count]))) == b"".join(packets[:count])
        stats = rig.feed_stats(feed)
        assert stats.garbage == sum(map(len, garbage))
        assert (stats.lost, stats.frames) == (0, count)


def test_nothing_but_garbage_is_the_end_of_a_connection() -> None:
    with media("--garbage-kib", "64") as rig:
        feed, nvr = rig.feed()
        with pytest.raises(ConnectionError):
            while True:
                nvr.sendall(b"\xff" * 65_536)
        assert rig.wait(FeedLost) == FeedLost(feed, "garbage")


def test_padding_and_channels_that_nobody_asked_for() -> None:
    packet = framed(0, rtp(1, 1, b"\x41"))
    with media() as rig:
        feed, nvr = rig.feed((VIDEO,))
        rig.outlet(feed, ())
        _, whole = rig.outlet(feed)
        nvr.sendall(b"\r\n" + packet + framed(8, rtp(1, 1, b"other")) + packet + b"\r\n" + ANSWER)
        assert rig.wait(FeedMessage).data == ANSWER
        assert whole.read(2 * len(packet)) == 2 * packet
        assert rig.feed_stats(feed).garbage == 0


def test_what_is_told_of_a_stream() -> None:
    packets = pictures(21, key_each=5)
    del packets[29]
    with media() as rig:
        feed, nvr = rig.feed(BOTH)
        _, recorder = rig.outlet(feed)
        sent = stream(packets) + framed(2, rtp(50, 1, b"sound", ssrc=8))
        nvr.sendall(sent)
        recorder.read(len(sent))
        assert rig.wait(ParameterSet) == ParameterSet(feed, 0, SPS)
        stats = rig.feed_stats(feed)
        assert (stats.bytes, stats.packets) == (len(sent), len(packets) + 1)
        assert (stats.frames, stats.key_frames, stats.key_interval_ms, stats.lost) == (21, 5, 200, 1)
        assert stats.highest == ((7, len(packets)), (8, 50))
        assert stats.silent_ms < 10_000


def test_a_message_that_never_ends_is_garbage() -> None:
    packet = framed(0, rtp(1, 1, b"\x41"))
    with media() as rig:
        feed, nvr = rig.feed()
        _, recorder = rig.outlet(feed)
        endless = b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 12_000
        nvr.sendall(endless + packet)
        assert recorder.read(len(packet)) == packet
        assert rig.feed_stats(feed).garbage > 65_536
