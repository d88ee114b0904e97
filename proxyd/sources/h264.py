"""The sequence parameter set of H.264 (section 7.3.2.1.1 and annex E): size, frame rate, profile. Pure."""

from __future__ import annotations

from .shape import BadVideo, Bits, VideoShape, checked_size, payload_bits, sane_fps, skip_display

SPS_TYPE = 7
_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_PROFILES = {66: "Baseline", 77: "Main", 88: "Extended"}


def parse_sps(nal: bytes) -> VideoShape:
    """`nal` with its header byte, without start code. Raises BadVideo."""
    if not nal or nal[0] & 0x1F != SPS_TYPE:
        raise BadVideo("not a sequence parameter set")
    bits = payload_bits(nal, 1)
    profile = bits.take(8)
    bits.take(16)  # constraints, level
    bits.unsigned(31)
    chroma, separate = 1, False
    if profile in _WITH_CHROMA:
        chroma = bits.unsigned(3)
        separate = chroma == 3 and bits.flag()
        bits.unsigned(6)
        bits.unsigned(6)
        bits.flag()
        if bits.flag():
            for index in range(12 if chroma == 3 else 8):
                if bits.flag():
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.unsigned(12)
    _skip_order_count(bits)
    bits.unsigned(16)  # reference frames
    bits.flag()
    width = 16 * (bits.unsigned(1024) + 1)
    map_units = bits.unsigned(1024) + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.flag()
    bits.flag()
    height = 16 * map_units * (1 if frames_only else 2)
    if bits.flag():
        # Table 6-1: how many luma samples one step of cropping is.
        wide, high = (1, 1) if chroma == 0 or separate else {1: (2, 2), 2: (2, 1), 3: (1, 1)}[chroma]
        if not frames_only:
            high *= 2
        left, right, top, bottom = (bits.unsigned(8192) for _ in range(4))
        width -= wide * (left + right)
        height -= high * (top + bottom)
    width, height = checked_size(width, height)
    return VideoShape(width, height, _fps(bits), _PROFILES.get(profile, "High"))


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following != 0:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_order_count(bits: Bits) -> None:
    kind = bits.unsigned(2)
    if kind == 0:
        bits.unsigned(12)
    elif kind == 1:
        bits.flag()
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned(255)):
            bits.signed()


def _fps(bits: Bits) -> float | None:
    """From the VUI, as far as it goes: some devices cut it short, and the size is known by now."""
    try:
        if not bits.flag():
            return None
        skip_display(bits)
        if not bits.flag():
            return None
        ticks, scale = bits.take(32), bits.take(32)
    except BadVideo:
        return None
    return sane_fps(scale / (2 * ticks)) if ticks else None  # two ticks per frame: they count fields
