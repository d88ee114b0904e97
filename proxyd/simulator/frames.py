"""NAL units of the simulated video: frame marks (SEI), filler, RTP payloads both ways. Pure.

Every access unit carries a frame mark, a user_data_unregistered SEI (H.264 and H.265 Annex D) with channel,
stream and a running number, so that a receiver can prove which stream it got and count what it lost.
The mark is written in hex digits: its size never changes and no emulation prevention byte is ever needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Codec = Literal["H264", "H265"]

MARK_UUID = bytes.fromhex("6f6e7669667475692d73696d2d6d6172")
MAX_PAYLOAD_BYTES = 1400  # fits an Ethernet frame with IP, UDP and RTP headers
MAX_NAL_BYTES = 4 << 20
_MARK_DIGITS = 2 + 1 + 16  # channel, stream, number
_SEI_USER_DATA = 5
_SEI_HEADER = {"H264": b"\x06", "H265": b"\x4e\x01"}  # nal_unit_type 6; PREFIX_SEI_NUT 39
_FILLER_HEADER = {"H264": b"\x0c", "H265": b"\x4c\x01"}  # nal_unit_type 12; FD_NUT 38
_STOP_BIT = b"\x80"  # rbsp_trailing_bits
_HEADER_BYTES = {"H264": 1, "H265": 2}
_PARAMETER_SETS = {"H264": (7, 8), "H265": (32, 33, 34)}


@dataclass(frozen=True, slots=True)
class FrameMark:
    """Whose frame an access unit is: `stream` is 0 for main and 1 for sub; `number` counts frames of that stream."""

    channel: int
    stream: int
    number: int


def mark_nal(codec: Codec, mark: FrameMark) -> bytes:
    """The SEI NAL unit of a frame mark, always of the same size."""
    body = MARK_UUID + b"%02x%01x%016x" % (mark.channel, mark.stream, mark.number & 0xFFFFFFFFFFFFFFFF)
    return b"%b%c%c%b%b" % (_SEI_HEADER[codec], _SEI_USER_DATA, len(body), body, _STOP_BIT)


def read_sei(data: bytes) -> FrameMark | None:
    """The frame mark in a NAL unit or an Annex B access unit of either codec; None when there is none."""
    if MARK_UUID not in data:
        return None
    for nal in split_annexb(data):
        header_bytes = 1 if nal[:1] == b"\x06" else 2 if nal[0] >> 1 == 39 else 0
        if header_bytes:
            for kind, body in _sei_messages(unescape(nal[header_bytes:])):
                if kind == _SEI_USER_DATA and body.startswith(MARK_UUID):
                    return _parse_mark(body[len(MARK_UUID) :])
    return None


def split_annexb(data: bytes) -> list[bytes]:
    """NAL units of a byte stream with start codes (H.264 Annex B); data without any is one NAL unit."""
    if not data.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")):
        return [data] if data else []
    # Zero bytes before a start code belong to it: no NAL unit ends with one (rbsp_trailing_bits).
    return [nal for part in data.split(b"\x00\x00\x01") if (nal := part.rstrip(b"\x00"))]


def join_annexb(nals: list[bytes]) -> bytes:
    """The byte stream that a decoder reads from a file."""
    return b"".join(b"\x00\x00\x00\x01" + nal for nal in nals)


def unescape(nal: bytes) -> bytes:
    """Without emulation prevention bytes (H.264 §7.4.1.1)."""
    if b"\x00\x00\x03" not in nal:
        return nal
    out = bytearray()
    zeros = 0
    for byte in nal:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        zeros = zeros + 1 if byte == 0 else 0
        out.append(byte)
    return bytes(out)


def escape(rbsp: bytes) -> bytes:
    """With emulation prevention bytes, so that no start code appears inside a NAL unit."""
    out = bytearray()
    zeros = 0
    for byte in rbsp:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        zeros = zeros + 1 if byte == 0 else 0
        out.append(byte)
    return bytes(out)


def nal_type(codec: Codec, nal: bytes) -> int:
    return nal[0] & 0x1F if codec == "H264" else (nal[0] >> 1) & 0x3F


def is_parameter_set(codec: Codec, nal: bytes) -> bool:
    return nal_type(codec, nal) in _PARAMETER_SETS[codec]


def is_slice(codec: Codec, nal: bytes) -> bool:
    return nal_type(codec, nal) in range(1, 6) if codec == "H264" else nal_type(codec, nal) < 32


def is_key(codec: Codec, nal: bytes) -> bool:
    """Whether decoding can start at this slice: IDR, for H.265 also CRA and BLA (IRAP)."""
    return nal_type(codec, nal) == 5 if codec == "H264" else nal_type(codec, nal) in range(16, 24)


@lru_cache(maxsize=1024)
def filler_payloads(codec: Codec, packets: int) -> tuple[bytes, ...]:
    """RTP payloads, all of full size, of one NAL unit that decoders throw away (H.264 §7.4.2.7, H.265 §7.4.2.4).

    Equal payloads are one object, so that padding 64 streams takes no memory."""
    if packets < 1:
        return ()
    header = _FILLER_HEADER[codec]
    fragment_bytes = MAX_PAYLOAD_BYTES - len(header) - 1
    size = MAX_PAYLOAD_BYTES if packets == 1 else len(header) + packets * fragment_bytes
    nal = header + b"\xff" * (size - len(header) - 1) + _STOP_BIT
    same: dict[bytes, bytes] = {}
    return tuple(same.setdefault(payload, payload) for payload in packetise(codec, nal))


def packetise(codec: Codec, nal: bytes, limit: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """RTP payloads of one NAL unit: itself, or FU-A (RFC 6184 §5.8), or FU (RFC 7798 §4.4.3)."""
    if len(nal) <= limit:
        return [nal]
    header_bytes = _HEADER_BYTES[codec]
    # The fragment's header keeps all bits of the NAL header but the type.
    prefix = bytes([nal[0] & 0xE0 | 28] if codec == "H264" else [nal[0] & 0x81 | 49 << 1, nal[1]])
    kind = nal_type(codec, nal)
    step = limit - header_bytes - 1
    starts = range(header_bytes, len(nal), step)
    return [
        prefix
        + bytes([kind | (0x80 if at == starts[0] else 0) | (0x40 if at == starts[-1] else 0)])
        + nal[at : at + step]
        for at in starts
    ]


class Depacketiser:
    """RTP payloads of one stream in order → whole NAL units. What cannot be put together is counted in `damaged`."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._fragments: list[bytes] = []
        self._size = 0
        self.damaged = 0

    def reset(self) -> None:
        """Forget a half NAL unit: packets were lost."""
        if self._fragments:
            self.damaged += 1
        self._fragments, self._size = [], 0

    def feed(self, payload: bytes) -> list[bytes]:
        """NAL units that this payload completes."""
        header_bytes = _HEADER_BYTES[self._codec]
        if len(payload) <= header_bytes:
            self.damaged += 1
            return []
        kind = nal_type(self._codec, payload)
        fragment, aggregate = (28, 24) if self._codec == "H264" else (49, 48)
        if kind == fragment:
            return self._fragment(payload, header_bytes)
        self.reset()
        if kind == aggregate:
            return self._aggregate(payload[header_bytes:])
        return [payload]

    def _fragment(self, payload: bytes, header_bytes: int) -> list[bytes]:
        flags = payload[header_bytes]
        if flags & 0x80:
            self.reset()
            if self._codec == "H264":
                header = bytes([payload[0] & 0xE0 | flags & 0x1F])
            else:
                header = bytes([payload[0] & 0x81 | (flags & 0x3F) << 1, payload[1]])
            self._fragments.append(header)
        elif not self._fragments or self._size > MAX_NAL_BYTES:
            self.reset()
            self.damaged += 1
            return []
        self._fragments.append(payload[header_bytes + 1 :])
        self._size += len(payload)
        if not flags & 0x40:
            return []
        nal = b"".join(self._fragments)
        self._fragments, self._size = [], 0
        return [nal]

    def _aggregate(self, body: bytes) -> list[bytes]:
        nals = []
        while body:
            end = 2 + int.from_bytes(body[:2], "big")
            if end <= 2 or end > len(body):
                self.damaged += 1
                break
            nals.append(body[2:end])
            body = body[end:]
        return nals


def _sei_messages(rbsp: bytes) -> Iterator[tuple[int, bytes]]:
    """(payloadType, payload) of each message; stops at anything that does not fit."""
    at = 0
    while at + 2 <= len(rbsp):
        numbers = []
        for _ in range(2):  # type, then size, each in steps of 255
            value = 0
            while at < len(rbsp) and rbsp[at] == 0xFF:
                value += 255
                at += 1
            if at >= len(rbsp):
                return
            numbers.append(value + rbsp[at])
            at += 1
        kind, size = numbers
        if at + size > len(rbsp):
            return
        yield kind, rbsp[at : at + size]
        at += size


def _parse_mark(digits: bytes) -> FrameMark | None:
    if len(digits) != _MARK_DIGITS:
        return None
    try:
        return FrameMark(int(digits[:2], 16), int(digits[2:3], 16), int(digits[3:], 16))
    except ValueError:
        return None
