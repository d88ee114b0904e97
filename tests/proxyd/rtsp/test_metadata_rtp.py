"""Documents in RTP packets and out of them, whatever the network does between."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from proxyd.rtsp.metadata_rtp import MAX_DOCUMENT_BYTES, MAX_PAYLOAD_BYTES, MetadataRtp, Reassembler
from proxyd.rtsp.rtcp import clean_rtcp

_documents = st.lists(st.binary(min_size=1, max_size=4 * MAX_PAYLOAD_BYTES), max_size=8)
_numbers = st.integers(0, 0xFFFF)


def _sender(sequence: int = 0, stamp: int = 0) -> MetadataRtp:
    return MetadataRtp(ssrc=0xA1B2C3D4, sequence=sequence, stamp=stamp)


@given(_documents, _numbers, st.integers(0, 0xFFFFFFFF))
def test_what_goes_in_comes_out(documents: list[bytes], sequence: int, stamp: int) -> None:
    sender, reassembler = _sender(sequence, stamp), Reassembler()
    sent = [sender.packets(document, 1.7e9 + number) for number, document in enumerate(documents)]
    out = [reassembler.take(packet) for packets in sent for packet in packets]
    assert [document for document in out if document] == documents
    numbers = [struct.unpack_from(">H", packet, 2)[0] for packets in sent for packet in packets]
    assert numbers == [(sequence + number) & 0xFFFF for number in range(len(numbers))]
    for packets in sent:
        assert all(len(packet) <= 1400 for packet in packets)
        assert [packet[1] >> 7 for packet in packets] == [0] * (len(packets) - 1) + [1], "the marker ends a document"
        assert len({packet[4:12] for packet in packets}) == 1, "one stamp, one source"


@given(_documents, st.sets(st.integers(0, 40)))
def test_of_a_document_with_a_hole_nothing_comes_out(documents: list[bytes], lost: set[int]) -> None:
    """A lost first packet leaves what no reader of XML takes for a document; all others are noticed here."""
    sender, reassembler = _sender(), Reassembler()
    at, expected, out = 0, [], []
    for number, document in enumerate(documents):
        packets = sender.packets(document, 1.7e9 + number)
        missing = {n for n in range(len(packets)) if at + n in lost}
        at += len(packets)
        kept = [packet for n, packet in enumerate(packets) if n not in missing]
        if not missing:
            expected.append(document)
        elif missing == set(range(len(missing))) and kept:
            expected.append(b"".join(packet[12:] for packet in kept))
        out += [reassembler.take(packet) for packet in kept]
    assert [document for document in out if document] == expected


def test_a_document_that_is_too_long_is_left_out_and_the_next_is_not() -> None:
    sender, reassembler = _sender(), Reassembler()
    packets = sender.packets(b"x" * (MAX_DOCUMENT_BYTES + 1), 1.0) + sender.packets(b"next", 2.0)
    assert [out for packet in packets if (out := reassembler.take(packet))] == [b"next"]


def test_a_device_that_forgets_the_marker_still_begins_anew_with_another_stamp() -> None:
    sender, reassembler = _sender(), Reassembler()
    first, second = sender.packets(b"first", 1.0), sender.packets(b"second", 2.0)
    assert reassembler.take(first[0][:1] + b"\x6b" + first[0][2:]) == b""
    assert reassembler.take(second[0]) == b"second"


@given(st.binary(max_size=200))
def test_anything_is_taken(packet: bytes) -> None:
    assert len(Reassembler().take(packet)) <= len(packet)


def test_a_report_says_what_time_a_stamp_means() -> None:
    sender = _sender(stamp=1000)
    (packet,) = sender.packets(b"<a/>", 1_700_000_000.0)
    report = sender.report(1_700_000_000.5, b"192.0.2.50")
    _, kind, words, ssrc, seconds, fraction, stamp, packets, octets = struct.unpack_from(">BBHIIIIII", report)
    assert (kind, words, ssrc, packets, octets) == (200, 6, 0xA1B2C3D4, 1, 4)
    assert (seconds - 2_208_988_800, fraction) == (1_700_000_000, 1 << 31)
    assert (stamp - int.from_bytes(packet[4:8], "big")) & 0xFFFFFFFF == 45_000
    assert clean_rtcp(report, b"192.0.2.50") == report, "it is one that we would let pass"
