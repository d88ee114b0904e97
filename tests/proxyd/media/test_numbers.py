"""Numbers of RTP: loss, order, continuation, reports."""

from __future__ import annotations

import random
from struct import pack, unpack_from

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.media.figures import TrackFigures, same_source
from proxyd.media.reorder import Reorder
from proxyd.media.reports import outgoing_report

from .rig import framed, rtp


def noted(sequences: list[int]) -> TrackFigures:
    figures = TrackFigures(0, 90_000, None)
    figures.begin(sequences[0] & 0xFFFF, 0, 7, 0.0)
    for at, sequence in enumerate(sequences):
        figures.jump(1, sequence & 0xFFFF)
        figures.time(at * 3600, at * 0.04)
    return figures


@given(st.integers(0, 65535), st.sets(st.integers(1, 498), max_size=50))
def test_what_is_missing_is_lost(first: int, missing: set[int]) -> None:
    figures = noted([first + at for at in range(500) if at not in missing])
    assert figures.lost == len(missing)
    assert figures.highest == (7, first + 499)
    assert figures.jitter_ms == 0


def test_a_great_step_is_a_new_beginning() -> None:
    figures = noted([*range(10), 30_000, 30_001, 30_003])
    assert (figures.lost, figures.highest) == (1, (7, 30_003))


def test_one_that_comes_late_or_twice_is_no_loss() -> None:
    figures = noted([1, 2, 4, 3, 4, 5])
    assert (figures.lost, figures.highest) == (1, (7, 5))


def test_jitter_grows_with_what_comes_early_or_late() -> None:
    figures = TrackFigures(0, 90_000, None)
    figures.begin(1, 0, 7, 0.0)
    figures.time(3_600, 0.056)  # 16 ms late
    assert figures.jitter_ms == 1


def test_what_begins_anew_goes_on() -> None:
    figures = TrackFigures(0, 90_000, None)
    figures.begin(65_530, 4_294_967_000, 7, 10.0)
    figures.jump(10, 3)
    assert not figures.shifted
    figures.restart()
    figures.begin(500, 1_000, 9, 12.0)
    packets = b"".join(framed(0, rtp(500 + at, 1_000, b"x", ssrc=9)) for at in range(3))
    buffer = bytearray(packets)
    stride = len(packets) // 3
    figures.shift(buffer, 0, len(buffer), stride)
    numbers = [unpack_from(">HII", buffer, at + 6) for at in range(0, len(buffer), stride)]
    assert numbers == [(4 + at, (4_294_967_000 + 180_000) % 2**32, 7) for at in range(3)]
    assert figures.highest == (9, 499)
    figures.jump(3, 502)
    assert (figures.lost, figures.highest) == (0, (9, 502))


def test_a_run_ends_where_the_source_changes() -> None:
    buffer = bytearray(b"".join(framed(0, rtp(at, 0, b"", ssrc=ssrc)) for at, ssrc in enumerate((1, 1, 2))))
    assert same_source(buffer, 0, len(buffer), 16) == 2
    assert same_source(buffer, 32, len(buffer), 16) == 1


@given(st.integers(0, 65535), st.integers(0, 2**32), st.integers(1, 20))
def test_packets_that_overtake_each_other_are_put_in_order(first: int, seed: int, reach: int) -> None:
    pick = random.Random(seed)
    order = sorted(range(300), key=lambda at: at + (pick.uniform(0, reach) if at else -1))
    reorder, came = Reorder(), []
    for at in order:
        sequence = (first + at) & 0xFFFF
        came += [bytes([at & 255])] if reorder.in_turn(sequence) else reorder.push(sequence, bytes([at & 255]))
        if pick.random() < 0.1:  # twice
            assert not reorder.in_turn(sequence)
            assert reorder.push(sequence, b"twice") == []
    assert came == [bytes([at & 255]) for at in range(300)]
    assert not reorder.holding


@given(st.lists(st.integers(0, 65535), max_size=300))
def test_any_numbers_come_out_at_most_once_and_soon(sequences: list[int]) -> None:
    reorder, came = Reorder(), 0
    for sequence in sequences:
        came += 1 if reorder.in_turn(sequence) else len(reorder.push(sequence, b""))
        assert came + reorder.late <= len(sequences)
    came += len(reorder.give_up())
    assert came + reorder.late == len(sequences) and not reorder.holding


def test_a_lost_packet_is_not_waited_for_for_ever() -> None:
    reorder = Reorder()
    assert reorder.push(10, b"10") == [b"10"]
    held = [reorder.push(sequence, b"%d" % sequence) for sequence in range(12, 77)]
    assert held[:-1] == [[]] * 64
    assert held[-1] == [b"%d" % sequence for sequence in range(12, 77)]
    assert reorder.push(11, b"11") == [] and reorder.late == 1


SENDER_REPORT = pack(">BBHIQIII", 0x80, 200, 6, 99, 2**40, 1_000, 5, 6)
NAMED = pack(">BBHIBB", 0x81, 202, 3, 99, 1, 3) + b"cam\0\0\0"
BYE = pack(">BBHI", 0x81, 203, 1, 99)


def test_a_report_goes_with_the_packets_beside_it() -> None:
    report = outgoing_report(SENDER_REPORT + NAMED + BYE, b"ours", 7, 2**32 - 400)
    assert report[:28] == pack(">BBHIQIII", 0x80, 200, 6, 7, 2**40, 600, 5, 6)
    assert report[28:32] == pack(">BBH", 0x81, 202, 3)
    assert report[32:42] == pack(">I", 7) + b"\1\4ours" and b"cam" not in report
    assert len(report) == 28 + 16
    assert outgoing_report(BYE, b"ours", 7, 0) == b""


@pytest.mark.parametrize("ssrc", [-1, 99])
def test_a_report_of_an_unchanged_stream_keeps_its_numbers(ssrc: int) -> None:
    assert outgoing_report(SENDER_REPORT, b"ours", ssrc, 0) == SENDER_REPORT


@given(st.binary(max_size=200))
def test_any_report_is_dealt_with(packet: bytes) -> None:
    assert len(outgoing_report(packet, b"ours", 7, 1)) % 4 == 0
