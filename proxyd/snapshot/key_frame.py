"""One picture that needs no others, out of the RTP packets of a stream: H.264 (RFC 6184), H.265 (RFC 7798). Pure.

Only parameter sets and slices are kept: what else an encoder sends decodes to nothing. A picture with a gap is left
out, and the next one is waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Literal

from proxyd.camera.spec import Codec
from proxyd.sources.in_band import rtp_payload

MAX_BYTES = 8 * 1024 * 1024  # a key frame of 8K at the highest quality
_MAX_UNITS = 1024
_MAX_SETS = 16
_MAX_SET_BYTES = 4096
_START = b"\0\0\0\1"  # of a NAL unit in a byte stream (annex B of both)
_head = Struct(">xBHI").unpack_from


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """`data`: a byte stream with its parameter sets, or a JPEG file."""

    codec: Codec
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Kinds:
    """NAL unit types; `sets` are all that a decoder needs before the first picture."""

    header_bytes: int
    sets: tuple[int, ...]
    sps: int
    slices: range
    keys: range
    aggregate: int
    fragment: int


_KINDS = {
    "H264": _Kinds(1, (7, 8), 7, range(1, 6), range(5, 6), aggregate=24, fragment=28),
    "H265": _Kinds(2, (32, 33, 34), 33, range(32), range(16, 24), aggregate=48, fragment=49),
}


class UnitReader:
    """`feed` each packet of the video track in turn; `parameter_sets`: those of the SDP."""

    def __init__(self, codec: Literal["H264", "H265"], parameter_sets: Sequence[bytes] = ()) -> None:
        self._codec: Codec = codec
        self._kinds = _KINDS[codec]
        self._sets: dict[bytes, int] = {}  # → type; the newest last
        self._sequence = -1
        self._stamp = -1
        self._begin()
        for nal in parameter_sets:
            self._keep_set(nal)

    def _begin(self) -> None:
        self._units: list[bytes] = []
        self._fragment = bytearray()
        self._bytes = 0
        self._slices = 0
        self._new_sets = False  # a sequence parameter set: where no picture is called a key frame, one follows it
        self._key = False
        self._damaged = False

    def feed(self, packet: bytes) -> KeyFrame | None:
        """The key frame that this packet completes. Never raises."""
        payload = rtp_payload(packet)
        if len(packet) < 12 or packet[0] >> 6 != 2:
            return None
        marked, sequence, stamp = _head(packet)
        if sequence == self._sequence:
            return None  # twice
        if self._sequence >= 0 and sequence != (self._sequence + 1) & 0xFFFF:
            self._damage()  # of the picture before: that this one lost its beginning, its first slice tells
        self._sequence = sequence
        finished = None
        if stamp != self._stamp:  # some devices set no marker
            finished = self._finish()
            self._stamp = stamp
        for unit in self._units_of(payload):
            self._take(unit)
        if marked & 0x80 and self._slices:  # some mark parameter sets, too
            finished = finished or self._finish()
        return finished

    # Packets → units ----------------------------------------------------------------------------------------

    def _units_of(self, payload: bytes) -> Iterator[bytes]:
        kinds = self._kinds
        if len(payload) <= kinds.header_bytes:
            return
        kind = self._type(payload)
        if kind == kinds.fragment:
            if unit := self._fragment_of(payload):
                yield unit
            return
        if self._fragment:
            self._damage()
        if kind == kinds.aggregate:
            at = kinds.header_bytes
            while at + 2 < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                if at + 2 + size > len(payload):
                    self._damage()
                    return
                yield payload[at + 2 : at + 2 + size]
                at += 2 + size
        else:
            yield payload

    def _fragment_of(self, payload: bytes) -> bytes:
        """The unit that this fragment ends, else nothing."""
        header_bytes = self._kinds.header_bytes
        flags = payload[header_bytes]
        if flags & 0x80:
            if self._fragment:
                self._damage()
            self._fragment += self._header(payload, flags)
        elif not self._fragment:
            self._damage()
            return b""
        self._fragment += payload[header_bytes + 1 :]
        self._count(len(payload))
        if not flags & 0x40:
            return b""
        unit, self._fragment = bytes(self._fragment), bytearray()
        self._bytes -= len(unit)  # counted again as a unit
        return unit

    def _header(self, payload: bytes, flags: int) -> bytes:
        if self._codec == "H264":
            return bytes([payload[0] & 0xE0 | flags & 0x1F])
        return bytes([payload[0] & 0x81 | (flags & 0x3F) << 1, payload[1]])

    def _type(self, nal: bytes) -> int:
        return nal[0] & 0x1F if self._codec == "H264" else nal[0] >> 1 & 0x3F

    # Units → a picture --------------------------------------------------------------------------------------

    def _damage(self) -> None:
        self._damaged = True
        self._units, self._fragment = [], bytearray()

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAX_BYTES or len(self._units) >= _MAX_UNITS:
            self._damage()

    def _take(self, nal: bytes) -> None:
        if len(nal) <= self._kinds.header_bytes:
            return
        kind = self._type(nal)
        if kind in self._kinds.sets:
            self._keep_set(nal)
            self._new_sets |= kind == self._kinds.sps
        elif kind in self._kinds.slices:
            # first_mb_in_slice is 0, first_slice_segment_in_pic_flag is 1: both begin with a bit that is set.
            if not self._slices and not nal[self._kinds.header_bytes] & 0x80:
                self._damage()
            self._slices += 1
            self._key |= kind in self._kinds.keys or self._new_sets
            self._count(len(nal))
            if not self._damaged:
                self._units.append(nal)

    def _keep_set(self, nal: bytes) -> None:
        if not self._kinds.header_bytes < len(nal) <= _MAX_SET_BYTES:
            return
        kind = self._type(nal)
        if kind in self._kinds.sets:
            self._sets.pop(nal, None)
            self._sets[nal] = kind
            if len(self._sets) > _MAX_SETS:
                del self._sets[next(iter(self._sets))]

    def _finish(self) -> KeyFrame | None:
        """What has come of this picture, if it is one that stands alone."""
        units = self._units if self._key and not self._damaged and not self._fragment else []
        self._begin()
        if not units or set(self._sets.values()) != set(self._kinds.sets):
            return None
        sets = sorted(self._sets, key=self._sets.__getitem__)  # each kind refers to those before it
        return KeyFrame(self._codec, b"".join(_START + nal for nal in [*sets, *units]))
