"""What a video stream says about its pictures, and the bits it says it in: pure.

Parameter sets come from the network: every read has an end, every number a limit, and all that is wrong is BadVideo.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_PARAMETER_SET_BYTES = 4096
MAX_SIDE = 16384  # pixels; the largest level of H.265 has fewer
_MAX_FPS = 240.0
_EXTENDED_ASPECT = 255


class BadVideo(ValueError):
    """Not a parameter set, or one that no camera makes."""


@dataclass(frozen=True, slots=True)
class VideoShape:
    """Size in pixels after cropping. `fps` is None when the stream does not tell; `profile` as ONVIF spells it."""

    width: int
    height: int
    fps: float | None
    profile: str


def checked_size(width: int, height: int) -> tuple[int, int]:
    """Raises BadVideo."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise BadVideo("a picture of impossible size")
    return width, height


def sane_fps(fps: float) -> float | None:
    """None for what cannot be a frame rate: devices write zeros and clock rates there."""
    return fps if 0 < fps <= _MAX_FPS else None


def payload_bits(nal: bytes, header_bytes: int) -> Bits:
    """The bits behind the header of a NAL unit, without emulation prevention (H.264 section 7.4.1). Raises BadVideo."""
    if not header_bytes < len(nal) <= MAX_PARAMETER_SET_BYTES:
        raise BadVideo("a parameter set of impossible length")
    out = bytearray()
    zeros = 0
    for byte in nal[header_bytes:]:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        zeros = zeros + 1 if byte == 0 else 0
        out.append(byte)
    return Bits(bytes(out))


class Bits:
    """Reads numbers from the front. Raises BadVideo at the end of the bytes."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """An unsigned number of `count` bits."""
        if count > self._left:
            raise BadVideo("a parameter set that ends too early")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.take(1) == 1

    def unsigned(self, most: int = 2**32 - 2) -> int:
        """ue(v), H.264 section 9.1. Raises BadVideo for more than `most`."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 31:
                raise BadVideo("a number without end")
        number = (1 << zeros) - 1 + self.take(zeros)
        if number > most:
            raise BadVideo("a number beyond its limit")
        return number

    def signed(self) -> int:
        """se(v), H.264 section 9.1.1."""
        number = self.unsigned()
        return (number + 1) // 2 if number % 2 else -(number // 2)


def skip_display(bits: Bits) -> None:
    """How pictures are to be shown, with which the VUI begins (annex E of both): aspect ratio, overscan, colours, place
    of the chroma samples."""
    if bits.flag() and bits.take(8) == _EXTENDED_ASPECT:
        bits.take(32)
    if bits.flag():
        bits.flag()
    if bits.flag():
        bits.take(4)
        if bits.flag():
            bits.take(24)
    if bits.flag():
        bits.unsigned(5)
        bits.unsigned(5)
