"""UDP on both sides."""

from __future__ import annotations

import socket
from struct import unpack_from

from proxyd.media.wire import CloseFeed, EndOutlet, Leg, OpenOutlet, OutletEnded

from .rig import AUDIO, VIDEO, framed, media, pictures, rtp, udp_pair
from .test_numbers import SENDER_REPORT


def payloads(count: int) -> list[bytes]:
    return [rtp(at, at * 3600, b"\x41" + bytes([at & 255]), marker=True) for at in range(count)]


def test_packets_that_come_by_udp_go_out_by_tcp() -> None:
    with media() as rig:
        feed, (packets, reports, sound, _) = rig.udp_feed((VIDEO, AUDIO))
        _, recorder = rig.outlet(feed)
        for packet in payloads(50):
            packets.send(packet)
            assert recorder.read(len(packet) + 4) == framed(0, packet)
        sound.send(packet)
        assert recorder.read(len(packet) + 4) == framed(2, packet)
        reports.send(SENDER_REPORT)
        channel, report = recorder.frame()
        assert channel == 1 and report[4:8] == b"\0\0\0\7"
        stats = rig.feed_stats(feed)
        assert (stats.packets, stats.frames, stats.lost, stats.late) == (51, 50, 0, 0)


def test_more_reports_than_are_taken_at_once_all_pass() -> None:
    with media() as rig:
        feed, (packets, reports) = rig.udp_feed()
        _, recorder = rig.outlet(feed)
        packets.send(payloads(1)[0])
        recorder.frame()
        for _ in range(300):
            reports.send(SENDER_REPORT)
        assert {recorder.frame()[0] for _ in range(300)} == {1}


def test_order_is_restored_and_the_lost_are_given_up() -> None:
    made = payloads(12)
    with media("--reorder-ms", "30") as rig:
        feed, (packets, _) = rig.udp_feed()
        _, recorder = rig.outlet(feed)
        for at in (0, 1, 3, 4, 2, 5, 5, 6, 8, 9):  # 5 comes twice, 7 never in time
            packets.send(made[at])
        wanted = [framed(0, made[at]) for at in (0, 1, 2, 3, 4, 5, 6, 8, 9)]
        assert recorder.read(sum(map(len, wanted))) == b"".join(wanted)
        for at in (7, 10):
            packets.send(made[at])
        assert recorder.read(len(made[10]) + 4) == framed(0, made[10])
        stats = rig.feed_stats(feed)
        assert (stats.late, stats.lost, stats.packets) == (2, 1, 10)


def test_only_one_sender_is_heard() -> None:
    with media() as rig:
        feed, (packets, _) = rig.udp_feed(tied=False)
        _, recorder = rig.outlet(feed)
        first, second, third = payloads(3)
        packets.send(first)
        assert recorder.read(len(first) + 4) == framed(0, first)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(rtp(1, 1, b"stranger"), packets.getpeername())
        packets.send(b"short")
        packets.send(second)
        assert recorder.read(len(second) + 4) == framed(0, second)
        packets.send(third)
        assert recorder.read(len(third) + 4) == framed(0, third)


def test_packets_go_out_by_udp() -> None:
    made = pictures(4)
    with media() as rig:
        feed, nvr = rig.feed()
        outlet, (packets, reports) = rig.udp_outlet(feed)
        nvr.sendall(b"".join(framed(0, packet) for packet in made) + framed(1, SENDER_REPORT))
        assert [packets.recv(65_536) for _ in made] == made
        assert unpack_from(">I", reports.recv(65_536), 4) == (7,)
        for _ in range(3):
            reports.send(b"receiver report")
        stats = rig.fresh_stats(outlet)
        while stats.heard < 3:
            stats = rig.fresh_stats(outlet)
        assert (stats.packets, stats.dropped, stats.bytes) == (len(made), 0, sum(map(len, made)))
        rig.order(EndOutlet(outlet))
        assert rig.wait(OutletEnded, lambda event: event.outlet == outlet).why == ""


def test_a_closed_port_of_a_recorder_is_only_loss() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        outlet, (packets, _) = rig.udp_outlet(feed)
        packets.close()
        _, witness = rig.outlet(feed)
        for packet in payloads(20):
            nvr.sendall(framed(0, packet))
            assert witness.read(len(packet) + 4) == framed(0, packet)
        stats = rig.fresh_stats(outlet)
        assert stats.packets + stats.dropped == 20


def test_a_large_burst_and_both_ways() -> None:
    with media() as rig:
        feed, (packets, _) = rig.udp_feed()
        outlet, (out, _) = rig.udp_outlet(feed)
        out.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        made = [rtp(at, at, bytes(30_000)) for at in range(20)]
        for packet in made:
            packets.send(packet)
        assert [out.recv(65_536) for _ in made] == made
        descriptors = rig.descriptors()
        rig.order(CloseFeed(feed, end=True))
        assert rig.wait(OutletEnded, lambda event: event.outlet == outlet).why == "feed"
        assert rig.descriptors() == descriptors - 4


def test_tracks_that_a_recorder_has_not_set_up() -> None:
    with media() as rig:
        feed, nvr = rig.feed()
        outlet, (sound, _) = rig.udp_outlet(feed, (Leg(1),))
        nvr.sendall(framed(0, rtp(1, 1, b"\x41")) + framed(2, rtp(1, 1, b"sound")))
        assert sound.recv(100).endswith(b"sound")
        pairs = [udp_pair(True) for _ in range(4)]
        recorders = [rig.keep(recorder) for _, recorder in pairs]
        rig.order(OpenOutlet(outlet, feed, (Leg(0), Leg(1)), udp=True), *(ours for ours, _ in pairs))
        rig.fresh_stats(outlet)
        nvr.sendall(framed(0, rtp(2, 2, b"\x41")))
        assert recorders[0].recv(100).endswith(b"\x41")
