"""A JPEG file as RTP packets (RFC 2435), as a camera would send it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from struct import pack

from PIL import Image


def jpeg_file(width: int, height: int, *, quality: int = 60, subsampling: str = "4:2:0", restart: int = 0) -> bytes:
    """With the usual Huffman tables, as RFC 2435 wants them."""
    image = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * turns) for turns in range(3)])
    out = io.BytesIO()
    options = {"restart_marker_blocks": restart} if restart else {}
    image.resize((width, height)).save(out, "JPEG", quality=quality, subsampling=subsampling, **options)
    return out.getvalue()


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).tobytes()


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, content); the last one is the scan with all that follows."""
    at = 2
    while True:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            yield marker, data[at + 2 + size :]
            return
        yield marker, data[at + 4 : at + 2 + size]
        at += 2 + size


def jpeg_packets(
    data: bytes, *, q: int = 255, tables: bool = True, sequence: int = 7, stamp: int = 900, limit: int = 500,
    extension: bytes = b"",
) -> list[bytes]:  # fmt: skip
    """`q` below 100: tables are not sent; `tables` False: neither for others. `extension` is put into the first
    packet."""
    parts = dict(segments(data))
    frame, scan = parts[0xC0], parts[0xDA].removesuffix(b"\xff\xd9")
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    restart = parts.get(0xDD, b"")
    kind = (1 if frame[7] == 0x22 else 0) | (0x40 if restart else 0)
    sent = b"".join(content[1:] for marker, content in segments(data) if marker == 0xDB) if tables else b""
    sizes = (0, 0) if extension else (width // 8, height // 8)
    packets = []
    for at in range(0, len(scan), limit):
        head = pack(">II", at, 0)[:4] + bytes([kind, q, *sizes])
        if restart:
            head += restart + b"\xff\xff"
        if q > 127 and at == 0:
            head += pack(">BBH", 0, 0, len(sent)) + sent
        marker = 0x80 if at + limit >= len(scan) else 0
        first = 0x90 if extension and at == 0 else 0x80
        rtp = pack(">BBHII", first, 26 | marker, (sequence + at // limit) & 0xFFFF, stamp, 1)
        packets.append(rtp + (extension if at == 0 else b"") + head + scan[at : at + limit])
    return packets
