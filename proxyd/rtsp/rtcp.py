"""RTCP compound packets (RFC 3550 §6) without what names their sender.

Pure. An NVR puts its address or host name into SDES, reasons into BYE and anything into APP: a recorder gets sender
and receiver reports, our own SDES and bare BYEs; everything else is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

_HEADER_BYTES = 4
_SENDER_REPORT, _RECEIVER_REPORT, _SDES, _BYE = 200, 201, 202, 203
_REPORT_BLOCK_BYTES = 24
_FIXED_BYTES = {_SENDER_REPORT: 28, _RECEIVER_REPORT: 8}
_CNAME = 1


def clean_rtcp(packet: bytes, cname: bytes) -> bytes:
    """The compound packet as it may pass, `cname` (1–255 bytes) in the place of every SDES item; b"" when nothing
    may. What follows a malformed part is dropped."""
    parts: list[bytes] = []
    at = 0
    while at + _HEADER_BYTES <= len(packet):
        first, kind = packet[at], packet[at + 1]
        length = (int.from_bytes(packet[at + 2 : at + 4], "big") + 1) * 4
        if first >> 6 != 2 or at + length > len(packet):
            break
        part = packet[at : at + length]
        at += length
        count = first & 0x1F
        if kind in _FIXED_BYTES:
            # Cut to the reports: profile extensions and padding behind them are nobody's business.
            needed = _FIXED_BYTES[kind] + count * _REPORT_BLOCK_BYTES
            if needed > length:
                break
            parts.append(_header(count, kind, needed) + part[_HEADER_BYTES:needed])
        elif kind == _SDES:
            sources = _sdes_sources(part, count)
            if sources:
                parts.append(_sdes(sources, cname))
        elif kind == _BYE:
            needed = _HEADER_BYTES + count * 4
            if needed > length:
                break
            parts.append(_header(count, kind, needed) + part[_HEADER_BYTES:needed])
    return b"".join(parts)


def receiver_report(ours: int, highest: Sequence[tuple[int, int]], cname: bytes) -> bytes:
    """RR and SDES (RFC 3550 §6.1) of receiver `ours` about sources (SSRC, extended highest sequence number), at most
    31. Some NVRs take nothing else for a sign of life. It says that nothing was lost: over TCP nothing is, and one that
    sends by UDP to others, too, must not lower its bit rate for us."""
    sources = list(highest)[:31]
    blocks = b"".join(
        ssrc.to_bytes(4, "big") + bytes(4) + (number & 0xFFFFFFFF).to_bytes(4, "big") + bytes(12)
        for ssrc, number in sources
    )
    own = ours.to_bytes(4, "big")
    report = _header(len(sources), _RECEIVER_REPORT, 8 + len(blocks)) + own + blocks
    return report + _sdes([own], cname)


def _header(count: int, kind: int, length: int) -> bytes:
    return bytes((0x80 | count, kind)) + (length // 4 - 1).to_bytes(2, "big")


def _sdes_sources(part: bytes, count: int) -> list[bytes]:
    """The SSRC of every chunk; the items are walked only to find the next chunk."""
    sources: list[bytes] = []
    at = _HEADER_BYTES
    while len(sources) < count and at + 4 <= len(part):
        sources.append(part[at : at + 4])
        at += 4
        while at < len(part) and part[at] != 0:
            at += 2 + (part[at + 1] if at + 1 < len(part) else 0)
        at = (at // 4 + 1) * 4  # one to four zero bytes up to the next word
    return sources


def _sdes(sources: list[bytes], cname: bytes) -> bytes:
    item = bytes((_CNAME, len(cname))) + cname
    item += b"\0" * (4 - len(item) % 4)
    body = b"".join(source + item for source in sources)
    return _header(len(sources), _SDES, _HEADER_BYTES + len(body)) + body
