"""Where pictures that need no others begin: H.264 (RFC 6184), H.265 (RFC 7798), JPEG (RFC 2435).

Pure. Only packets at the beginning of a picture are looked at: behind a marker bit, or, when `thorough`, wherever a new
time stamp begins. So the second slice of a key frame is no beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from struct import Struct

_stamp = Struct(">I").unpack_from
_MARK, _STAMP, _RTP = 5, 8, 4  # offsets behind `$`

# What a NAL unit says of the picture. SETS: parameter sets, which stand before a key frame.
_OTHER, _SETS, _KEY, _SLICE = range(4)
_FRAGMENT, _CLOSER = 4, 5  # of a first glance: the next byte tells; only all of it tells
_PLAIN_RTP, _PLAIN_BYTES, _PAYLOAD = 0x80, 20, 16  # a head without sources and extension, `$` included
# Kind, where the unit begins and ends if it is a whole sequence parameter set.
Unit = tuple[int, int, int]


class KeyFinder:
    """Of one video track. `codec` as in wire.Track; with "" nothing is a key frame and frames are only counted."""

    __slots__ = (
        "_frame", "_glance", "_key_stamp", "_parameter_set", "_sets_frame", "_stamp", "_units",
        "frames", "key_frames", "key_interval", "looking", "parameter_set",
    )  # fmt: skip

    def __init__(self, codec: str) -> None:
        self._units: Callable[[bytearray, int, int], Iterator[Unit]] | None = _CODECS.get(codec)
        self._glance = _GLANCES.get(codec)
        self.frames = 0
        self.key_frames = 0
        self.key_interval = 0  # ticks of the time stamp between the last two; 0: unknown
        self.parameter_set = b""  # a new one, until somebody takes it
        self._parameter_set = b""
        self.restart()

    @property
    def has_keys(self) -> bool:
        return self._units is not None

    def restart(self) -> None:
        """What comes next is another transmission."""
        self.looking = self._units is not None
        self._stamp = -1
        self._key_stamp = -1
        self._frame = 1
        self._sets_frame = -1

    def take_parameter_set(self) -> bytes:
        taken, self.parameter_set = self.parameter_set, b""
        return taken

    def forget_stamp(self) -> None:
        """Before thorough looks begin: the last time stamp is not known."""
        self._stamp = -1

    def look(self, buffer: bytearray, start: int, stop: int, stride: int, thorough: bool) -> int:
        """Counts the frames of a run; returns where the first packet of its first key frame is, or -1. Need not be
        called, if not thorough, while `looking` is False and the run has no marker bits."""
        if thorough:
            return self._thorough(buffer, start, stop, stride)
        found = -1
        for packet in range(start, stop, stride):
            if self.looking:
                # Nearly all pictures are no key frames, and their first packet says so at a glance.
                what = _CLOSER
                if self._glance is not None and stride > _PLAIN_BYTES and buffer[packet + _RTP] == _PLAIN_RTP:
                    first, offset, second = self._glance
                    what = first[buffer[packet + _PAYLOAD]]
                    if what == _FRAGMENT:
                        what = second[buffer[packet + offset]]
                if what == _SLICE:
                    self.looking = False
                elif what == _CLOSER and self._begins(buffer, packet, packet + stride) and found < 0:
                    found = packet
            if buffer[packet + _MARK] > 127:
                self.frames += 1
                self._next_frame()
            elif not self.looking:  # of the others only the last one may have a marker
                if buffer[stop - stride + _MARK] > 127:
                    self.frames += 1
                    self._next_frame()
                break
        return found

    def _thorough(self, buffer: bytearray, start: int, stop: int, stride: int) -> int:
        found = -1
        for packet in range(start, stop, stride):
            (stamp,) = _stamp(buffer, packet + _STAMP)
            if stamp != self._stamp:
                if self._stamp >= 0 and not self.looking:
                    self._next_frame()
                self._stamp = stamp
            if self.looking and self._begins(buffer, packet, packet + stride) and found < 0:
                found = packet
            if buffer[packet + _MARK] > 127:
                self.frames += 1
                self._next_frame()
        return found

    def _next_frame(self) -> None:
        self._frame += 1
        self.looking = self._units is not None

    def _begins(self, buffer: bytearray, at: int, end: int) -> bool:
        """Whether a key frame begins with this packet. Ends the looking once the picture is known."""
        first = buffer[at + _RTP]
        payload = at + 16 + (first & 15) * 4
        if first & 16:
            payload += 4 + 4 * int.from_bytes(buffer[payload + 2 : payload + 4], "big")
        begins = False
        assert self._units is not None
        for kind, start, stop in self._units(buffer, payload, end):
            if start:
                self._compare(bytes(buffer[start:stop]))
            if kind == _SLICE:
                self.looking = False
                break
            if kind == _KEY:
                self.looking = False
                begins |= self._note(buffer, at)
                break
            if kind == _SETS and self._sets_frame != self._frame:
                # Some encoders send them before every picture; then they do not tell a key frame.
                if self._sets_frame != self._frame - 1:
                    begins |= self._note(buffer, at)
                self._sets_frame = self._frame
        return begins

    def _note(self, buffer: bytearray, at: int) -> bool:
        (stamp,) = _stamp(buffer, at + _STAMP)
        if stamp == self._key_stamp:
            return False
        if self._key_stamp >= 0:
            self.key_interval = (stamp - self._key_stamp) & 0xFFFFFFFF
        self._key_stamp = stamp
        self.key_frames += 1
        return True

    def _compare(self, parameter_set: bytes) -> None:
        if parameter_set != self._parameter_set:
            self._parameter_set = self.parameter_set = parameter_set


_H264_KINDS = {1: _SLICE, 2: _SLICE, 3: _SLICE, 4: _SLICE, 5: _KEY, 6: _OTHER, 7: _SETS, 9: _OTHER}
_H264_STAP, _H264_FU, _H264_SPS = {24: 1, 25: 3}, {28, 29}, 7
_H265_KINDS = dict.fromkeys(range(16), _SLICE) | dict.fromkeys(range(16, 24), _KEY) | {32: _SETS, 33: _SETS}
_H265_KINDS |= {35: _OTHER, 39: _OTHER}
_H265_AP, _H265_FU, _H265_SPS = 48, 49, 33


def _h264(buffer: bytearray, at: int, end: int) -> Iterator[Unit]:
    if at >= end:
        return
    kind = buffer[at] & 31
    if kind in _H264_FU:
        if at + 1 < end:
            yield _fragment(buffer[at + 1], _H264_KINDS, 31)
    elif kind in _H264_STAP:
        at += _H264_STAP[kind]
        while at + 2 < end:
            size = int.from_bytes(buffer[at : at + 2], "big")
            kind = buffer[at + 2] & 31
            yield _unit(kind, _H264_KINDS, kind == _H264_SPS, at + 2, min(end, at + 2 + size))
            at += 2 + size
    else:
        yield _unit(kind, _H264_KINDS, kind == _H264_SPS, at, end)


def _h265(buffer: bytearray, at: int, end: int) -> Iterator[Unit]:
    if at + 2 >= end:
        return
    kind = buffer[at] >> 1 & 63
    if kind == _H265_FU:
        yield _fragment(buffer[at + 2], _H265_KINDS, 63)
    elif kind == _H265_AP:
        at += 2
        while at + 2 < end:
            size = int.from_bytes(buffer[at : at + 2], "big")
            kind = buffer[at + 2] >> 1 & 63
            yield _unit(kind, _H265_KINDS, kind == _H265_SPS, at + 2, min(end, at + 2 + size))
            at += 2 + size
    else:
        yield _unit(kind, _H265_KINDS, kind == _H265_SPS, at, end)


def _jpeg(buffer: bytearray, at: int, end: int) -> Iterator[Unit]:
    if at + 8 <= end:
        yield (_KEY if not any(buffer[at + 1 : at + 4]) else _SLICE), 0, 0


def _unit(kind: int, kinds: dict[int, int], whole_set: bool, at: int, end: int) -> Unit:
    return (_SETS, at, end) if whole_set else (kinds.get(kind, _OTHER), 0, 0)


def _fragment(head: int, kinds: dict[int, int], mask: int) -> Unit:
    """Of a picture whose first fragment was not seen nothing can be said: no key frame begins here."""
    return (kinds.get(head & mask, _OTHER) if head & 0x80 else _SLICE), 0, 0


def _at_a_glance(kind: int, kinds: dict[int, int], fragments: Container[int]) -> int:
    if kind in fragments:
        return _FRAGMENT
    what = kinds.get(kind)
    return what if what in (_SLICE, _OTHER) else _CLOSER


def _fragment_at_a_glance(head: int, kinds: dict[int, int], mask: int) -> int:
    return _SLICE if not head & 0x80 or kinds.get(head & mask) == _SLICE else _CLOSER


# What the first byte of the payload says; where the byte is that tells of a fragment; what that one says.
_GLANCES = {
    "h264": (
        bytes(_at_a_glance(byte & 31, _H264_KINDS, _H264_FU) for byte in range(256)),
        _PAYLOAD + 1,
        bytes(_fragment_at_a_glance(byte, _H264_KINDS, 31) for byte in range(256)),
    ),
    "h265": (
        bytes(_at_a_glance(byte >> 1 & 63, _H265_KINDS, {_H265_FU}) for byte in range(256)),
        _PAYLOAD + 2,
        bytes(_fragment_at_a_glance(byte, _H265_KINDS, 63) for byte in range(256)),
    ),
}
_CODECS = {"h264": _h264, "h265": _h265, "jpeg": _jpeg}
