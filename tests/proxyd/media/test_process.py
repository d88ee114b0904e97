"""The media process as the daemon sees it: what goes in comes out, in order, and nothing else."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from proxyd.media.wire import (
    CloseFeed,
    EndOutlet,
    FeedLost,
    FeedMessage,
    OpenOutlet,
    OutletEnded,
    StartOutlet,
    Stats,
    StopOutlet,
    WriteOutlet,
)

from .rig import SAME, VIDEO, Recorder, framed, media, pictures, rtp, tcp_pair

ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nSession: 1\r\n\r\n"
WITH_BODY = b"RTSP/1.0 200 OK\r\nCSeq: 5\r\ncontent-length: 4\r\n\r\n$\x00\x00\x04"


def stream(count: int) -> bytes:
    return b"".join(framed(0, packet) for packet in pictures(count))


def test_packets_pass_as_they_are() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        outlet, recorder = rig.outlet(feed)
        sent = stream(30)
        nvr.sendall(sent)
        assert recorder.read(len(sent)) == sent
        stats = rig.fresh_stats(outlet)
        assert (stats.bytes, stats.backlog) == (len(sent), 0)


def test_what_the_daemon_has_read_comes_first() -> None:
    packets = [framed(0, packet) for packet in pictures(3)]
    sent = ANSWER + b"".join(packets)
    with media() as rig:
        for split in (5, len(ANSWER), len(ANSWER) + 1, len(ANSWER) + 700):
            feed, nvr = rig.feed(data=sent[:split])
            _, recorder = rig.outlet(feed)
            nvr.sendall(sent[split:])
            assert rig.wait(FeedMessage).data == ANSWER
            left = sent[len(ANSWER) :]
            for packet in packets:  # what was whole came before anybody wanted it
                if len(sent) - len(left) + len(packet) <= split:
                    left = left[len(packet) :]
            assert recorder.read(len(left)) == left


@pytest.mark.parametrize("message", [ANSWER, WITH_BODY, b"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"])
def test_messages_between_packets_wherever_they_are_cut(message: bytes) -> None:
    packet = framed(0, rtp(1, 1, b"\x41abc"))
    with media("--moderation-ms", "0") as rig:
        feed, nvr = rig.feed()
        _, recorder = rig.outlet(feed)
        for split in range(len(message) + 1):
            nvr.sendall(packet + message[:split])
            assert recorder.read(len(packet)) == packet
            nvr.sendall(message[split:] + packet)
            assert recorder.read(len(packet)) == packet
            assert rig.wait(FeedMessage).data == message


def test_answers_fall_between_packets() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        outlet, recorder = rig.outlet(feed)
        sent = stream(4)
        for at in range(0, len(sent), 97):
            nvr.sendall(sent[at : at + 97])
            rig.order(WriteOutlet(outlet, ANSWER))
        answers = 0
        left = sent
        while left or answers < len(range(0, len(sent), 97)):
            head = recorder.read(4)
            if head == b"RTSP":
                assert head + recorder.read(len(ANSWER) - 4) == ANSWER
                answers += 1
            else:
                whole = head + recorder.read(int.from_bytes(head[2:], "big"))
                assert left.startswith(whole)
                left = left[len(whole) :]


def test_what_comes_before_the_answer_waits_for_it() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        ours, theirs = tcp_pair()
        recorder = Recorder(rig.keep(theirs))
        outlet = rig.new_id()
        rig.order(OpenOutlet(outlet, feed, SAME, keep=True), ours)
        rig.fresh_stats(outlet)  # so that it is there
        sent = stream(10)
        nvr.sendall(sent + ANSWER)
        rig.wait(FeedMessage)  # all that came before it was looked at
        rig.order(WriteOutlet(outlet, ANSWER))
        rig.order(StartOutlet(outlet, False))
        assert recorder.read(len(ANSWER) + len(sent)) == ANSWER + sent
        nvr.sendall(sent)
        assert recorder.read(len(sent)) == sent
        rig.order(EndOutlet(outlet))
        assert rig.wait(Stats, lambda stats: any(one.bytes == 2 * len(sent) for one in stats.outlets))
        assert rig.wait(OutletEnded).why == ""


def test_a_stopped_outlet_gets_no_more() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        outlet, recorder = rig.outlet(feed)
        _, other = rig.outlet(feed)
        sent = stream(2)
        nvr.sendall(sent)
        assert recorder.read(len(sent)) == other.read(len(sent)) == sent
        rig.order(StopOutlet(outlet))
        rig.order(WriteOutlet(outlet, ANSWER))
        assert recorder.read(len(ANSWER)) == ANSWER
        nvr.sendall(sent)
        assert other.read(len(sent)) == sent
        rig.order(WriteOutlet(outlet, ANSWER))
        rig.order(EndOutlet(outlet))
        assert rig.wait(OutletEnded).why == ""
        assert recorder.rest() == ANSWER


def test_a_feed_that_ends_and_what_its_outlets_are_told() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        outlet, recorder = rig.outlet(feed)
        nvr.close()
        assert rig.wait(FeedLost) == FeedLost(feed, "closed")
        rig.order(CloseFeed(feed, end=True))
        assert rig.wait(OutletEnded) == OutletEnded(outlet, "feed")
        assert recorder.rest() == b""
        late, _ = rig.outlet(feed, start=False)
        assert rig.wait(OutletEnded) == OutletEnded(late, "feed")


def test_a_recorder_that_resets() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        outlet, recorder = rig.outlet(feed)
        nvr.sendall(stream(1))
        recorder.read(10)
        recorder.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        recorder.socket.close()
        assert rig.wait(OutletEnded) == OutletEnded(outlet, "reset")
        _, next_one = rig.outlet(feed)
        nvr.sendall(stream(1))
        assert next_one.read(len(stream(1))) == stream(1)


def test_the_process_has_a_name_and_ignores_the_keyboard() -> None:
    with media() as rig:
        assert Path(f"/proc/{rig.process.pid}/comm").read_text() == "proxyd-media\n"
        os.kill(rig.process.pid, signal.SIGINT)
        feed, nvr = rig.feed((VIDEO,))
        nvr.close()
        assert rig.wait(FeedLost).feed == feed
        assert rig.rss_kib() < 16 * 1024


def test_answers_wait_for_no_window() -> None:
    with media("--moderation-ms", "200") as rig:
        feed, nvr = rig.feed()
        outlet, recorder = rig.outlet(feed)
        packet = framed(0, rtp(1, 1, b"\x41abc"))
        for _ in range(30):  # load, and so windows
            nvr.sendall(packet)
            recorder.read(len(packet))
        nvr.sendall(packet)
        recorder.read(len(packet))  # the next window has just begun
        began = time.monotonic()
        for _ in range(10):
            rig.order(WriteOutlet(outlet, ANSWER))
            assert recorder.read(len(ANSWER)) == ANSWER
        assert time.monotonic() - began < 1  # one window each would be twice that
