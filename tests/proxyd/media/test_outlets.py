"""Recorders that are slow, late, choosy, or gone."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Iterator

from proxyd.media.wire import CloseFeed, EndOutlet, FeedLost, Leg, OpenFeed, OpenOutlet, OutletEnded, WriteOutlet

from .rig import AUDIO, BOTH, SAME, STARTED, VIDEO, framed, media, picture, pictures, rtp

LIMIT_BYTES = 512 * 1024


def endless(key_each: int = 10) -> Iterator[list[bytes]]:
    """RTP packets of one picture after another, 20 KB each."""
    sequence = 0
    for at in itertools.count():
        made, sequence = picture(sequence, at * 3600, key=at % key_each == 0, packets=20, size=1000)
        yield made


def test_one_that_is_stuck_costs_the_others_nothing() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        recorders = [rig.outlet(feed)[1] for _ in range(3)]
        stuck, _ = rig.outlet(feed, buffer=4096)
        before = rig.rss_kib()
        source = endless()
        sent = b""
        for _ in range(400):
            chunk = b"".join(framed(0, packet) for packet in next(source))
            sent += chunk
            nvr.sendall(chunk)
            for recorder in recorders:
                assert recorder.read(len(chunk)) == chunk
        stats = rig.fresh_stats(stuck)
        assert stats.skips == 1
        assert LIMIT_BYTES // 2 < stats.backlog <= LIMIT_BYTES
        assert 0 < stats.dropped < 400 * 24
        assert rig.rss_kib() - before <= 1024


def test_behind_a_gap_comes_a_key_frame() -> None:
    with media("--backlog-kib", "64") as rig:
        feed, nvr = rig.feed()
        _, quick = rig.outlet(feed)
        slow, slow_recorder = rig.outlet(feed, buffer=4096)
        source = endless()

        def send() -> None:
            chunk = b"".join(framed(0, packet) for packet in next(source))
            nvr.sendall(chunk)
            quick.read(len(chunk))

        while not rig.fresh_stats(slow).skips:
            for _ in range(10):
                send()
        packets = [slow_recorder.frame()[1]]
        gap = 0
        while not gap:
            send()
            rig.order(WriteOutlet(slow, STARTED))
            while (head := slow_recorder.read(4))[0] == 0x24:
                packets.append(slow_recorder.read(int.from_bytes(head[2:], "big")))
                last, this = (int.from_bytes(packet[2:4], "big") for packet in packets[-2:])
                if this != last + 1:
                    gap = this - last
                    assert packets[-1][12] & 31 == 7
            slow_recorder.read(len(STARTED) - 4)
        assert rig.fresh_stats(slow).dropped == gap - 1


def test_one_alone_slows_the_nvr_down_and_misses_nothing() -> None:
    with media("--pause-ms", "60000") as rig:
        feed, nvr = rig.feed()
        outlet, recorder = rig.outlet(feed, buffer=4096)
        chunk = framed(0, rtp(1, 1, bytes(1400)))
        nvr.setblocking(False)
        sent, before = 0, -1
        while before != sent:  # nothing more fits in
            before = sent
            with contextlib.suppress(BlockingIOError):
                while True:
                    sent += nvr.send((chunk * 200)[sent % len(chunk) :])
            assert rig.fresh_stats(outlet).backlog >= 0
        assert rig.fresh_stats(outlet).skips == 0
        whole = sent // len(chunk)
        assert recorder.read(whole * len(chunk)) == chunk * whole


def test_a_recorder_that_takes_nothing_is_ended() -> None:
    with media("--blocked-ms", "100", "--pause-ms", "0", "--backlog-kib", "64") as rig:
        feed, nvr = rig.feed()
        outlet, recorder = rig.outlet(feed, buffer=4096)
        chunk = framed(0, rtp(1, 1, bytes(1400))) * 100
        for _ in range(20):
            nvr.sendall(chunk)
        assert rig.wait(OutletEnded) == OutletEnded(outlet, "blocked")
        assert chunk.startswith(recorder.rest()[: len(chunk)])


def test_answers_that_are_never_read_have_a_limit() -> None:
    with media() as rig:
        feed, _ = rig.feed()
        outlet, _ = rig.outlet(feed, buffer=4096)
        answer = bytes(100_000)
        for _ in range(100):
            rig.order(WriteOutlet(outlet, answer))
        assert rig.wait(OutletEnded) == OutletEnded(outlet, "blocked")


def test_what_waits_goes_out_before_the_end() -> None:
    with media() as rig:
        feed, _ = rig.feed()
        outlet, recorder = rig.outlet(feed, buffer=4096)
        for _ in range(4):
            rig.order(WriteOutlet(outlet, bytes(100_000)))
        rig.order(EndOutlet(outlet))
        assert recorder.rest() == bytes(400_000)
        assert rig.wait(OutletEnded) == OutletEnded(outlet, "")


def test_what_is_not_taken_does_not_keep_an_outlet_from_ending() -> None:
    with media("--end-ms", "50") as rig:
        feed, _ = rig.feed()
        outlet, _ = rig.outlet(feed, buffer=4096)
        for _ in range(5):
            rig.order(WriteOutlet(outlet, bytes(100_000)))
        rig.order(EndOutlet(outlet))
        assert rig.wait(OutletEnded) == OutletEnded(outlet, "")


def test_a_late_one_begins_with_a_key_frame_on_all_tracks() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        _, early = rig.outlet(feed)
        source = endless(key_each=4)
        sound = framed(2, rtp(1, 1, b"sound", ssrc=8, kind=8))

        def send() -> bytes:
            chunk = sound + b"".join(framed(0, packet) for packet in next(source)) + sound
            nvr.sendall(chunk)
            assert early.read(len(chunk)) == chunk
            return chunk

        send()
        _, late = rig.outlet(feed, at_key=True)
        chunks = [send() for _ in range(7)]
        wanted = b"".join(chunks[3:])[len(sound) :]  # what is before the key frame in its own read is no part of it
        assert late.read(len(wanted)) == wanted


def test_where_no_key_frame_comes_it_begins_anywhere() -> None:
    with media("--key-wait-ms", "1500") as rig:
        feed, nvr = rig.feed()
        outlet, recorder = rig.outlet(feed, at_key=True)
        sent, stats = 0, rig.fresh_stats(outlet)
        while not stats.packets:
            sent += 1
            nvr.sendall(framed(0, rtp(sent, sent, b"\x41p", marker=True)))
            stats = rig.fresh_stats(outlet)
        assert recorder.rtp()[0] == sent - stats.packets + 1 == stats.dropped + 1


def test_a_feed_without_key_frames_begins_anywhere() -> None:
    with media() as rig:
        feed, nvr = rig.feed((AUDIO,))
        _, recorder = rig.outlet(feed, (Leg(0, (2, 3)),), at_key=True)
        nvr.sendall(framed(2, rtp(1, 1, b"sound")))
        assert recorder.rtp()[0] == 1


def test_other_channels_and_fewer_tracks() -> None:
    video, sound = framed(0, rtp(1, 1, b"\x41p")), framed(2, rtp(5, 5, b"sound"))
    with media() as rig:
        feed, nvr = rig.feed(BOTH)
        outlet, mixed = rig.outlet(feed, (Leg(0, (6, 7)), Leg(1, (0, 1))))
        _, only_sound = rig.outlet(feed, (Leg(1, (2, 3)),))
        _, same = rig.outlet(feed)
        sent = video + video + sound + video
        nvr.sendall(sent)
        assert same.read(len(sent)) == sent
        assert only_sound.read(len(sound)) == sound
        expected = b"".join(
            b"$" + bytes((channel,)) + part[2:] for channel, part in ((6, video), (6, video), (0, sound), (6, video))
        )
        assert mixed.read(len(sent)) == expected
        rig.order(OpenOutlet(outlet, feed, SAME))
        rig.order(WriteOutlet(outlet, STARTED))
        assert mixed.read(len(STARTED)) == STARTED
        nvr.sendall(sent)
        assert mixed.read(len(sent)) == sent
        assert only_sound.read(len(sound)) == sound


def test_thousands_of_feeds_leave_nothing_behind() -> None:
    with media("--moderation-ms", "0") as rig:

        def open_and_close(count: int) -> None:
            """Half of them are closed by the other end, the others by order."""
            opened = []
            for _ in range(count):
                (nvr, ours), (recorder, theirs) = socket.socketpair(), socket.socketpair()
                feed, outlet = rig.new_id(), rig.new_id()
                rig.order(OpenFeed(feed, (VIDEO,), "camera"), ours)
                rig.order(OpenOutlet(outlet, feed, SAME[:1]), theirs)
                opened.append((feed, outlet, nvr, recorder))
            for feed, outlet, nvr, recorder in opened[::2]:
                nvr.close()
                recorder.close()
                assert rig.wait(FeedLost) == FeedLost(feed, "closed")
                assert rig.wait(OutletEnded) == OutletEnded(outlet, "closed")
                rig.order(CloseFeed(feed, end=True))
            for feed, outlet, nvr, recorder in opened[1::2]:
                rig.order(CloseFeed(feed, end=True))
                assert rig.wait(OutletEnded) == OutletEnded(outlet, "feed")
                nvr.close()
                recorder.close()
            rig.events.clear()

        open_and_close(100)
        descriptors, memory = rig.descriptors(), rig.rss_kib()
        for _ in range(100):
            open_and_close(100)
        assert rig.descriptors() == descriptors
        assert rig.rss_kib() - memory < 1024


def test_the_end_of_the_daemon_is_the_end() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        _, recorder = rig.outlet(feed)
        nvr.sendall(b"".join(framed(0, packet) for packet in pictures(1)))
        recorder.frame()
        rig.peer.close()
        assert rig.process.wait(10) == 0
        recorder.rest()
        assert nvr.recv(1) == b""
