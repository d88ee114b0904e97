"""JPEG files out of RTP packets."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.snapshot.key_frame import MAX_BYTES, KeyFrame
from proxyd.snapshot.rtp_jpeg import JpegReader

from .jpeg_packets import jpeg_file, jpeg_packets, pixels

FILE = jpeg_file(160, 120)
PACKETS = jpeg_packets(FILE)


def read(packets: list[bytes], reader: JpegReader | None = None) -> list[bytes]:
    reader = reader or JpegReader()
    found = [frame for packet in packets if (frame := reader.feed(packet))]
    assert all(frame.codec == "JPEG" for frame in found)
    return [frame.data for frame in found]


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2"])
@pytest.mark.parametrize("restart", [0, 3])
def test_the_file_shows_what_was_sent(subsampling: str, restart: int) -> None:
    sent = jpeg_file(160, 120, subsampling=subsampling, restart=restart)
    (got,) = read(jpeg_packets(sent))
    assert pixels(got) == pixels(sent)


@pytest.mark.parametrize("quality", [1, 30, 50, 77, 99])
def test_tables_are_computed_where_a_number_stands_for_them(quality: int) -> None:
    sent = jpeg_file(160, 120, quality=quality)
    (got,) = read(jpeg_packets(sent, q=quality))
    assert pixels(got) == pixels(sent)


def test_tables_that_are_sent_once_in_a_while_are_kept() -> None:
    reader = JpegReader()
    assert read(jpeg_packets(FILE, q=200, tables=False), reader) == []
    (first,) = read(jpeg_packets(FILE, q=200, stamp=1), reader)
    assert read(jpeg_packets(FILE, q=200, tables=False, stamp=2), reader) == [first]
    assert read(jpeg_packets(FILE, q=201, tables=False, stamp=3), reader) == []
    assert read(jpeg_packets(FILE, q=255, tables=False, stamp=4), reader) == []
    for q in range(128, 255):
        read(jpeg_packets(FILE, q=q, stamp=q), reader)
    assert len(reader._tables) <= 16


def test_a_picture_with_a_gap_is_left_out() -> None:
    for lost in range(len(PACKETS)):
        reader = JpegReader()
        assert read(PACKETS[:lost] + PACKETS[lost + 1 :], reader) == []
        assert len(read(jpeg_packets(FILE, stamp=1800), reader)) == 1


def test_large_pictures_say_their_size_in_an_extension() -> None:
    sent = jpeg_file(2560, 64)
    frame = b"\xff\xc0\0\x11\x08" + pack(">HH", 64, 2560) + b"\3\1\x22\0\2\x11\1\3\x11\1\xff"
    extension = pack(">HH", 0xFFD8, 5) + frame
    (got,) = read(jpeg_packets(sent, extension=extension))
    assert pixels(got) == pixels(sent)
    assert read(jpeg_packets(sent, extension=pack(">HH", 0xFFFF, 1) + bytes(4))) == []


def test_what_grows_for_ever_is_given_up() -> None:
    reader, block = JpegReader(), bytes(60_000)
    for at in range(0, 2 * MAX_BYTES, len(block)):
        head = pack(">II", at & 0xFFFFFF, 0)[:4] + bytes([1, 50, 20, 20])
        assert reader.feed(pack(">BBHII", 0x80, 26, at // len(block), 5, 1) + head + block) is None
    assert reader._scan is None


@given(st.lists(st.binary(max_size=60), max_size=20), st.integers(0, 255))
def test_any_bytes_give_a_file_or_nothing(payloads: list[bytes], kind: int) -> None:
    reader = JpegReader()
    for number, payload in enumerate(payloads):
        for head in (b"", bytes([0, 0, 0, 0, kind, kind, 10, 10])):
            marker = 0x80 if number % 3 == 2 else 0
            frame = reader.feed(pack(">BBHII", 0x80 | kind & 0x1F, marker, number, number // 3, 1) + head + payload)
            reader.feed(payload)
            assert frame is None or (isinstance(frame, KeyFrame) and frame.data.startswith(b"\xff\xd8"))
