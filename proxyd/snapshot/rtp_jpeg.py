"""JPEG files out of RTP packets (RFC 2435), whose headers say in a few bytes what the file's say in many. Pure."""

from __future__ import annotations

from struct import Struct

from proxyd.sources.in_band import rtp_payload

from .key_frame import MAX_BYTES, KeyFrame

_MAX_KEPT_TABLES = 16
_HEADER_BYTES = 8
_BLOCK = 64
_EXTENDED = (0xFFD8, 0xFFFF)  # ONVIF Streaming, "JPEG over RTP": more headers, for pictures beyond 2040 pixels
_END = b"\xff\xd9"
_head = Struct(">xBHI").unpack_from

# ITU-T T.81, tables K.1 and K.2 in zigzag order, and K.3 to K.6 as they stand in a file.
_LUMA = bytes.fromhex(
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933"
    "383740485c4e404457453738506d51575f626768673e4d71797064785c656763"
)
_CHROMA = bytes.fromhex(
    "1112121815182f1a1a2f63423842636363636363636363636363636363636363"
    "6363636363636363636363636363636363636363636363636363636363636363"
)
_HUFFMAN = tuple(
    bytes.fromhex(table)
    for table in (
        "0000010501010101010100000000000000000102030405060708090a0b",
        "100002010303020403050504040000017d0102030004110512213141061351610722711432"
        "8191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a"
        "434445464748494a535455565758595a636465666768696a737475767778797a8384858687"
        "88898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8"
        "c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa",
        "0100030101010101010101010000000000000102030405060708090a0b",
        "11000201020404030407050404000102770001020311040521310612415107617113223281"
        "08144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a3536373839"
        "3a434445464748494a535455565758595a636465666768696a737475767778797a82838485"
        "868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6"
        "c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa",
    )
)


class JpegReader:
    """`feed` each packet of the video track in turn."""

    def __init__(self) -> None:
        self._tables: dict[int, tuple[bytes, ...]] = {}  # by Q; some devices send them once in a while
        self._stamp = -1
        self._file_head = b""
        self._scan: bytearray | None = None  # None: this picture is not whole

    def feed(self, packet: bytes) -> KeyFrame | None:
        """The picture that this packet completes. Never raises."""
        payload = rtp_payload(packet)
        if len(payload) < _HEADER_BYTES:
            return None
        marked, _, stamp = _head(packet)
        offset = int.from_bytes(payload[1:4], "big")
        rest = payload[_HEADER_BYTES:]
        interval = b""
        if payload[4] & 0x40:  # types 64 to 127: a restart marker header
            interval, rest = rest[:2], rest[4:]
        if offset == 0:
            self._stamp, self._scan = stamp, None
            tables, rest = self._tables_of(payload[5], rest)
            size = (8 * payload[6], 8 * payload[7])
            if not all(size):
                size = _extended_size(packet) or (0, 0)
            if all(size) and tables and payload[4] & 0x3F < 2:
                self._file_head = _file_head(payload[4] & 0x3F, size, tables, interval)
                self._scan = bytearray()
        if self._scan is None or stamp != self._stamp or offset != len(self._scan):
            self._scan = None
            return None
        self._scan += rest
        if len(self._scan) > MAX_BYTES:
            self._scan = None
            return None
        if not marked & 0x80:
            return None
        scan, self._scan = bytes(self._scan), None
        return KeyFrame("JPEG", self._file_head + scan + (b"" if scan.endswith(_END) else _END))

    def _tables_of(self, q: int, rest: bytes) -> tuple[tuple[bytes, ...], bytes]:
        """Luma's and chroma's with their precision, and what stands behind them. No tables: they are not known."""
        if 1 <= q <= 99:
            return _computed(q), rest
        if q < 128 or len(rest) < 4:
            return (), b""
        precision, length = rest[1], int.from_bytes(rest[2:4], "big")
        data, rest = rest[4 : 4 + length], rest[4 + length :]
        if length == 0:
            return self._tables.get(q, ()), rest
        tables = _split_tables(precision, data)
        if tables and q < 255:
            self._tables[q] = tables
            if len(self._tables) > _MAX_KEPT_TABLES:
                del self._tables[next(iter(self._tables))]
        return tables, rest


def _split_tables(precision: int, data: bytes) -> tuple[bytes, ...]:
    """Two, each behind its precision as DQT has it; one serves for both."""
    tables: list[bytes] = []
    at = 0
    for number in range(2):
        wide = precision >> number & 1
        if at == len(data) and tables:
            break
        table = data[at : at + _BLOCK * (1 + wide)]
        if len(table) < _BLOCK * (1 + wide):
            return ()
        tables.append(bytes([wide << 4]) + table)
        at += len(table)
    return tables[0], tables[-1]


def _computed(q: int) -> tuple[bytes, ...]:
    """RFC 2435 §4.2 and appendix A."""
    factor = 5000 // q if q < 50 else 200 - 2 * q
    return tuple(
        b"\0" + bytes(min(max((value * factor + 50) // 100, 1), 255) for value in table) for table in (_LUMA, _CHROMA)
    )


def _extended_size(packet: bytes) -> tuple[int, int] | None:
    """In a header extension that holds a frame header (ITU-T T.81 §B.2.2)."""
    at = 12 + 4 * (packet[0] & 15)
    if not packet[0] & 16 or int.from_bytes(packet[at : at + 2], "big") not in _EXTENDED:
        return None
    end = min(len(packet), at + 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big"))
    at += 4
    while at + 9 <= end:
        if packet[at] != 0xFF or packet[at + 1] in (0xFF, 0xD8):
            at += 1 if packet[at + 1] != 0xD8 else 2
            continue
        if packet[at + 1] in (0xC0, 0xC1):
            return int.from_bytes(packet[at + 7 : at + 9], "big"), int.from_bytes(packet[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(packet[at + 2 : at + 4], "big")
    return None


def _file_head(kind: int, size: tuple[int, int], tables: tuple[bytes, ...], interval: bytes) -> bytes:
    """All that stands before the scan. `kind` 0: 4:2:2, 1: 4:2:0."""
    width, height = size
    parts = [b"\xff\xd8", _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")]
    for number, table in enumerate(tables):
        parts.append(_segment(0xDB, bytes([table[0] | number]) + table[1:]))
    if any(interval):
        parts.append(_segment(0xDD, interval))
    sampling = b"\x21" if kind == 0 else b"\x22"
    frame = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    parts.append(_segment(0xC0, frame + b"\3\1" + sampling + b"\0\2\x11\1\3\x11\1"))
    parts += [_segment(0xC4, table) for table in _HUFFMAN]
    parts.append(_segment(0xDA, b"\3\1\0\2\x11\3\x11\0\x3f\0"))
    return b"".join(parts)


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (2 + len(content)).to_bytes(2, "big") + content
