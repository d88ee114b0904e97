"""RTP and RTCP of the simulator (RFC 3550): numbering, headers, sender reports, and reading packets. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

NTP_EPOCH_OFFSET_S = 2208988800  # 1900 to 1970
_VERSION = 0x80
_MARKER = 0x80
_HEADER = struct.Struct(">BBHII")
_FRAMED = struct.Struct(">BBHBBHII")  # RFC 2326 §10.12: '$', channel, length, then the RTP header
_SENDER_REPORT = struct.Struct(">BBHIIIIII")


@dataclass(frozen=True, slots=True)
class RtpPacket:
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class RtpBatch:
    """The packets of one frame; written once per way of sending, whatever the number of clients."""

    def __init__(
        self,
        payload_type: int,
        ssrc: int,
        sequence: int,
        timestamp: int,
        payloads: Sequence[bytes],
        marker: bool = True,
    ) -> None:
        self.payloads = payloads
        self._marked = len(payloads) - 1 if marker else -1
        self.sequence = sequence
        self.timestamp = timestamp
        self._payload_type = payload_type
        self._ssrc = ssrc
        self._framed: dict[int, bytes] = {}
        self._datagrams: list[bytes] = []

    def framed(self, channel: int) -> bytes:
        """All packets as one piece for an interleaved connection."""
        data = self._framed.get(channel)
        if data is None:
            pack, kind, sequence = _FRAMED.pack, self._payload_type, self.sequence
            parts: list[bytes] = []
            for index, payload in enumerate(self.payloads):
                marked = kind | _MARKER if index == self._marked else kind
                number = (sequence + index) & 0xFFFF
                length = 12 + len(payload)
                parts.append(pack(0x24, channel, length, _VERSION, marked, number, self.timestamp, self._ssrc))
                parts.append(payload)
            data = self._framed[channel] = b"".join(parts)
        return data

    def datagrams(self) -> list[bytes]:
        """Each packet on its own, for UDP."""
        if not self._datagrams:
            for index, payload in enumerate(self.payloads):
                marked = self._payload_type | (_MARKER if index == self._marked else 0)
                number = (self.sequence + index) & 0xFFFF
                header = _HEADER.pack(_VERSION, marked, number, self.timestamp, self._ssrc)
                self._datagrams.append(header + payload)
        return self._datagrams


class RtpNumbering:
    """One RTP stream: its SSRC, running sequence number and what was sent so far."""

    def __init__(
        self, payload_type: int, clock_rate: int, ssrc: int, sequence: int, timestamp_base: int, marker: bool = True
    ) -> None:
        self.payload_type = payload_type
        self.clock_rate = clock_rate
        self.ssrc = ssrc
        self.sequence = sequence
        self._timestamp_base = timestamp_base
        # Of video and metadata the last packet of a frame; of sound none, there is no silence suppression.
        self._marker = marker
        self._packets = 0
        self._octets = 0

    def timestamp(self, media_time_s: float) -> int:
        return (self._timestamp_base + round(media_time_s * self.clock_rate)) & 0xFFFFFFFF

    def batch(self, payloads: Sequence[bytes], media_time_s: float) -> RtpBatch:
        batch = RtpBatch(
            self.payload_type, self.ssrc, self.sequence, self.timestamp(media_time_s), payloads, self._marker
        )
        self.sequence = (self.sequence + len(payloads)) & 0xFFFF
        self._packets += len(payloads)
        self._octets += sum(map(len, payloads))
        return batch

    def sender_report(self, media_time_s: float, wall_clock_s: float, cname: str) -> bytes:
        """A compound packet: sender report and SDES CNAME (RFC 3550 §6.4.1, §6.5)."""
        ntp = int((wall_clock_s + NTP_EPOCH_OFFSET_S) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
        report = _SENDER_REPORT.pack(
            _VERSION,
            200,
            6,
            self.ssrc,
            ntp >> 32,
            ntp & 0xFFFFFFFF,
            self.timestamp(media_time_s),
            self._packets & 0xFFFFFFFF,
            self._octets & 0xFFFFFFFF,
        )
        text = cname.encode()[:255]
        chunk = struct.pack(">IBB", self.ssrc, 1, len(text)) + text
        chunk += b"\x00" * (4 - len(chunk) % 4)  # at least one zero ends the list of items
        return report + struct.pack(">BBH", _VERSION | 1, 202, len(chunk) // 4) + chunk


def parse_rtp(packet: bytes) -> RtpPacket:
    """Raises ValueError for what is not an RTP packet."""
    if len(packet) < 12 or packet[0] >> 6 != 2:
        raise ValueError("not an RTP packet")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
    at = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    end = len(packet) - (packet[-1] if first & 0x20 else 0)
    if at > end:
        raise ValueError("RTP header is longer than the packet")
    return RtpPacket(second & 0x7F, bool(second & _MARKER), sequence, timestamp, ssrc, packet[at:end])
