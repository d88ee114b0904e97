"""ONVIF metadata over RTP (Streaming Specification section 5.1.2.1.1): documents to packets and back. Pure.

A document begins in a packet of its own and may need several; the marker bit is on its last one, and all of them have
the same time stamp.
"""

from __future__ import annotations

import struct

from proxyd.sources.in_band import rtp_payload

PAYLOAD_TYPE = 107
CLOCK_HZ = 90_000
ENCODING = "vnd.onvif.metadata"
MAX_PAYLOAD_BYTES = 1388  # with its header no more than 1400
MAX_DOCUMENT_BYTES = 64 * 1024  # of an NVR; the parser takes no more
_MARKER = 0x80
_HEAD = struct.Struct(">BBHII")
_head = _HEAD.unpack_from
_EPOCH_1900_S = 2_208_988_800  # until 1970


class MetadataRtp:
    """One recorder's RTP stream: its numbers, and what was sent so far. Begins at random numbers, which come in."""

    def __init__(self, *, ssrc: int, sequence: int, stamp: int) -> None:
        self.ssrc = ssrc
        self._sequence = sequence
        self._base = stamp
        self._packets = 0
        self._octets = 0

    def packets(self, document: bytes, at_s: float) -> list[bytes]:
        """Of one document; `at_s` is seconds since 1970."""
        stamp = self._stamp(at_s)
        pieces = [document[at : at + MAX_PAYLOAD_BYTES] for at in range(0, len(document), MAX_PAYLOAD_BYTES)]
        made = []
        for number, piece in enumerate(pieces, start=1):
            kind = PAYLOAD_TYPE | (_MARKER if number == len(pieces) else 0)
            made.append(_HEAD.pack(0x80, kind, self._sequence, stamp, self.ssrc) + piece)
            self._sequence = (self._sequence + 1) & 0xFFFF
        self._packets += len(pieces)
        self._octets += len(document)
        return made

    def report(self, at_s: float, cname: bytes) -> bytes:
        """Sender report and SDES (RFC 3550 section 6.4.1): what time a stamp means. `cname`: 1–255 bytes."""
        seconds = int(at_s)
        fraction = int((at_s - seconds) * (1 << 32)) & 0xFFFFFFFF
        counted = self._packets & 0xFFFFFFFF, self._octets & 0xFFFFFFFF
        ntp = (seconds + _EPOCH_1900_S) & 0xFFFFFFFF, fraction
        sender = struct.pack(">BBHIIIIII", 0x80, 200, 6, self.ssrc, *ntp, self._stamp(at_s), *counted)
        chunk = struct.pack(">IBB", self.ssrc, 1, len(cname)) + cname
        chunk += bytes(4 - len(chunk) % 4)  # at least one zero byte ends the items
        return sender + struct.pack(">BBH", 0x81, 202, len(chunk) // 4) + chunk

    def _stamp(self, at_s: float) -> int:
        return (self._base + int(at_s * CLOCK_HZ)) & 0xFFFFFFFF


class Reassembler:
    """Packets of an NVR to whole documents. One of which a packet is missing, or that is too long, is left out."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._stamp = -1
        self._next = -1  # sequence number
        self._broken = False  # the rest of this document is of no use

    def take(self, packet: bytes) -> bytes:
        """The document that this RTP packet completes, b"" when none. Never raises."""
        payload = rtp_payload(packet)
        if not payload:
            return b""
        _, mark, sequence, stamp, _ = _head(packet)
        if stamp != self._stamp:  # some devices forget the marker
            self._begin(stamp)
        elif sequence != self._next:
            self._broken = True
        self._next = (sequence + 1) & 0xFFFF
        self._size += len(payload)
        if self._size > MAX_DOCUMENT_BYTES:
            self._broken = True
        if self._broken:
            self._parts.clear()
        else:
            self._parts.append(payload)
        if not mark & _MARKER:
            return b""
        document = b"".join(self._parts)
        self._begin(stamp)
        return document

    def _begin(self, stamp: int) -> None:
        """The next packet is the first of a document."""
        self._parts.clear()
        self._size, self._broken = 0, False
        self._stamp = stamp
