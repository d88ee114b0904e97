"""Frame marks, RTP payloads and their reading: every byte that is cut up comes together again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.simulator.frames import (
    MARK_UUID,
    MAX_PAYLOAD_BYTES,
    Codec,
    Depacketiser,
    FrameMark,
    escape,
    filler_payloads,
    is_parameter_set,
    is_slice,
    join_annexb,
    mark_nal,
    nal_type,
    packetise,
    read_sei,
    split_annexb,
    unescape,
)
from proxyd.simulator.rtp import RtpNumbering, parse_rtp
from proxyd.simulator.tone import TONE_PACKET, mu_law
from tests.player.marks import MarkCounter

CODECS: tuple[Codec, ...] = ("H264", "H265")
codecs = st.sampled_from(CODECS)
marks = st.builds(FrameMark, st.integers(1, 64), st.integers(0, 1), st.integers(0, 2**64 - 1))
bytes_with_zeros = st.lists(st.sampled_from([0, 0, 1, 2, 3, 4, 0x80, 0xFF]), max_size=80).map(bytes)


@given(codecs, marks)
def test_mark_is_read_back_from_a_nal_and_from_an_access_unit(codec: Codec, mark: FrameMark) -> None:
    nal = mark_nal(codec, mark)
    assert read_sei(nal) == mark
    slice_nal = b"\x65\x88" if codec == "H264" else b"\x26\x01\x88"
    assert read_sei(join_annexb([nal, slice_nal])) == mark
    assert not is_slice(codec, nal)
    assert nal_type(codec, nal) == (6 if codec == "H264" else 39)


@given(codecs, marks)
def test_mark_never_changes_its_size_and_needs_no_emulation_prevention(codec: Codec, mark: FrameMark) -> None:
    nal = mark_nal(codec, mark)
    assert len(nal) == len(mark_nal(codec, FrameMark(1, 0, 0)))
    assert escape(nal) == nal
    assert b"\0" not in nal


def test_mark_is_found_behind_another_sei_message_and_behind_emulation_prevention() -> None:
    mark = mark_nal("H264", FrameMark(7, 1, 99))
    other = bytes([1, 4]) + b"\x00\x00\x00\x01"  # pic_timing with a pattern that must be escaped
    nal = b"\x06" + escape(other + mark[1:])
    assert b"\x00\x00\x03" in nal
    assert read_sei(nal) == FrameMark(7, 1, 99)


@pytest.mark.parametrize(
    "nal",
    [
        b"",
        b"\x06",
        b"\x06\x05\xff\xff\xff" + MARK_UUID,
        b"\x06\x05\x23" + MARK_UUID,
        b"\x06\x05\x23" + MARK_UUID + b"not hex digits at a\x80",
        b"\x65" + MARK_UUID,
        b"\x00\x00\x01\x00\x00\x01" + MARK_UUID,
    ],
)
def test_broken_marks_are_no_marks(nal: bytes) -> None:
    assert read_sei(nal) is None


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_round_a_mark_are_survived(before: bytes, after: bytes) -> None:
    read_sei(before + MARK_UUID + after)
    read_sei(b"\x06\x05" + before + MARK_UUID + after)


@given(bytes_with_zeros)
def test_escaping_hides_start_codes_and_is_undone(rbsp: bytes) -> None:
    escaped = escape(rbsp)
    assert unescape(escaped) == rbsp
    assert not any(code in escaped for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))


@given(st.lists(st.binary(min_size=1, max_size=40).map(lambda b: escape(b) + b"\x80"), min_size=1, max_size=5))
def test_annexb_is_cut_where_it_was_joined(nals: list[bytes]) -> None:
    assert split_annexb(join_annexb(nals)) == nals


@given(codecs, st.integers(2, 9000), st.integers(16, 1400), st.data())
def test_packetised_nals_come_together_again(codec: Codec, size: int, limit: int, data: st.DataObject) -> None:
    kind = data.draw(st.integers(1, 23) if codec == "H264" else st.integers(0, 40))
    header = bytes([0x60 | kind]) if codec == "H264" else bytes([kind << 1, 1])
    nal = header + bytes(index * 7 & 0xFF for index in range(size))
    payloads = packetise(codec, nal, limit)
    assert all(len(payload) <= limit for payload in payloads)
    depacketiser = Depacketiser(codec)
    got = [unit for payload in payloads for unit in depacketiser.feed(payload)]
    assert got == [nal]
    assert depacketiser.damaged == 0


@given(codecs, st.lists(st.binary(max_size=50), max_size=8))
def test_any_payloads_are_survived(codec: Codec, payloads: list[bytes]) -> None:
    depacketiser = Depacketiser(codec)
    for payload in payloads:
        depacketiser.feed(payload)


def test_aggregates_are_taken_apart() -> None:
    one, two = b"\x67abc", b"\x68de"
    stap = b"\x78" + b"\x00\x04" + one + b"\x00\x03" + two
    assert Depacketiser("H264").feed(stap) == [one, two]
    vps, sps = b"\x40\x01ab", b"\x42\x01c"
    aggregate = b"\x60\x01" + b"\x00\x04" + vps + b"\x00\x03" + sps
    assert Depacketiser("H265").feed(aggregate) == [vps, sps]
    broken = Depacketiser("H264")
    assert broken.feed(stap[:-1]) == [one]
    assert broken.damaged == 1


def test_half_a_nal_is_dropped_and_counted() -> None:
    first, second, third = packetise("H264", b"\x65" + bytes(30), 16)
    depacketiser = Depacketiser("H264")
    assert depacketiser.feed(first) == []
    depacketiser.reset()  # a gap in the sequence numbers
    assert depacketiser.feed(second) == depacketiser.feed(third) == []
    assert depacketiser.damaged == 3


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("packets", [0, 1, 2, 21, 300])
def test_filler_is_whole_packets_of_one_unit_that_shares_its_bytes(codec: Codec, packets: int) -> None:
    payloads = filler_payloads(codec, packets)
    assert [len(payload) for payload in payloads] == [MAX_PAYLOAD_BYTES] * packets
    assert len({id(payload) for payload in payloads}) <= 3
    depacketiser = Depacketiser(codec)
    units = [unit for payload in payloads for unit in depacketiser.feed(payload)]
    assert [nal_type(codec, unit) for unit in units] == [12 if codec == "H264" else 38] * bool(packets)
    assert not any(is_slice(codec, unit) or is_parameter_set(codec, unit) for unit in units)


def numbering(sequence: int = 65535, timestamp: int = 2**32 - 1) -> RtpNumbering:
    return RtpNumbering(96, 90000, ssrc=0xDEADBEEF, sequence=sequence, timestamp_base=timestamp)


def test_rtp_numbers_wrap_and_the_last_packet_of_a_frame_is_marked() -> None:
    batch = numbering().batch((b"a", b"bc", b"d"), 1.0)
    packets = [parse_rtp(datagram) for datagram in batch.datagrams()]
    assert [packet.sequence for packet in packets] == [65535, 0, 1]
    assert [packet.marker for packet in packets] == [False, False, True]
    assert {packet.timestamp for packet in packets} == {89999}
    assert [packet.payload for packet in packets] == [b"a", b"bc", b"d"]
    framed = b"".join(b"$\x04" + len(d).to_bytes(2, "big") + d for d in batch.datagrams())
    assert batch.framed(4) == framed


@given(st.binary(max_size=40))
def test_any_bytes_are_rtp_or_refused(packet: bytes) -> None:
    try:
        parse_rtp(packet)
    except ValueError:
        return


def test_rtp_with_sources_extension_and_padding_is_read() -> None:
    header = bytes([0xB1, 0x80 | 96]) + bytes(10) + bytes(4) + b"\xbe\xde\x00\x01" + bytes(4)
    packet = parse_rtp(header + b"payload" + b"\x00\x00\x03")
    assert (packet.payload, packet.payload_type, packet.marker) == (b"payload", 96, True)


def test_sender_report_names_its_source_and_counts() -> None:
    sender = numbering(sequence=0, timestamp=0)
    sender.batch((b"abcd", b"ef"), 0)
    report = sender.sender_report(2.0, 1_700_000_000.5, "admin@192.0.2.7")
    assert len(report) % 4 == 0
    assert report[1] == 200
    assert int.from_bytes(report[8:12], "big") == 1_700_000_000 + 2208988800
    assert report[12] == 0x80  # half a second
    assert [int.from_bytes(report[at : at + 4], "big") for at in (16, 20, 24)] == [180000, 2, 6]
    sdes = report[28:]
    assert (sdes[0], sdes[1], 4 * (int.from_bytes(sdes[2:4], "big") + 1)) == (0x81, 202, len(sdes))
    assert sdes[8:].rstrip(b"\0") == bytes([1, 15]) + b"admin@192.0.2.7"


def feed_frames(counter: MarkCounter, numbers: list[int], codec: Codec = "H264") -> None:
    sender = numbering()
    for number in numbers:
        payloads = (mark_nal(codec, FrameMark(3, 0, number)), b"\x65\x88" if codec == "H264" else b"\x26\x01\x88")
        for datagram in sender.batch(payloads, number / 25).datagrams():
            counter.feed(datagram)


@pytest.mark.parametrize("codec", CODECS)
def test_counter_sees_lost_and_repeated_frames(codec: Codec) -> None:
    counter = MarkCounter(codec)
    feed_frames(counter, [5, 6, 9, 9, 10], codec)
    assert (counter.frames, counter.lost_frames, counter.reordered_frames) == (5, 2, 1)
    assert counter.sources == {(3, 0)}
    assert counter.began_with_key
    assert counter.lost_packets == counter.unmarked_frames == counter.damaged == 0


def test_counter_sees_a_second_source_and_a_lost_packet() -> None:
    counter = MarkCounter("H264")
    feed_frames(counter, [1])
    other = RtpNumbering(96, 90000, ssrc=1, sequence=5, timestamp_base=0)
    for datagram in other.batch((mark_nal("H264", FrameMark(4, 1, 2)), b"\x41\x88"), 0).datagrams():
        counter.feed(datagram)
    assert counter.sources == {(3, 0), (4, 1)}
    assert counter.lost_packets == 4
    assert counter.ssrcs == {0xDEADBEEF, 1}


@pytest.mark.parametrize(("sample", "byte"), [(0, 0xFF), (-1, 0x7F), (32767, 0x80), (-32768, 0x00)])
def test_mu_law_at_its_ends(sample: int, byte: int) -> None:
    assert mu_law(sample) == byte


def test_tone_is_forty_milliseconds() -> None:
    assert len(TONE_PACKET) == 320
    assert len(set(TONE_PACKET)) > 5
