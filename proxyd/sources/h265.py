"""The parameter sets of H.265 (sections 7.3.2.1 to 7.3.3, 7.3.7 and annex E): size, frame rate, profile. Pure."""

from __future__ import annotations

from .shape import BadVideo, Bits, VideoShape, checked_size, payload_bits, sane_fps, skip_display

VPS_TYPE = 32
SPS_TYPE = 33
_PROFILES = {1: "Main", 2: "Main10"}
_MAX_REFERENCES = 16


def nal_type(nal: bytes) -> int:
    return nal[0] >> 1 & 0x3F if nal else -1


def parse_sps(nal: bytes) -> VideoShape:
    """`nal` with its two header bytes, without start code. Raises BadVideo."""
    if nal_type(nal) != SPS_TYPE:
        raise BadVideo("not a sequence parameter set")
    bits = payload_bits(nal, 2)
    bits.take(4)
    more_layers = _layers(bits)
    bits.flag()
    profile = _profile(bits, more_layers)
    bits.unsigned(15)
    chroma = bits.unsigned(3)
    separate = chroma == 3 and bits.flag()
    width, height = bits.unsigned(65535), bits.unsigned(65535)
    if bits.flag():
        # Table 6-1: how many luma samples one step of the conformance window is.
        wide, high = (1, 1) if separate else {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}[chroma]
        left, right, top, bottom = (bits.unsigned(16384) for _ in range(4))
        width -= wide * (left + right)
        height -= high * (top + bottom)
    width, height = checked_size(width, height)
    try:
        fps = _fps(bits, more_layers)
    except BadVideo:
        fps = None  # cut short, or with an extension in between; the size is known
    return VideoShape(width, height, fps, _PROFILES.get(profile, "Main"))


def parse_vps_fps(nal: bytes) -> float | None:
    """Where many cameras state the frame rate. Raises BadVideo."""
    if nal_type(nal) != VPS_TYPE:
        raise BadVideo("not a video parameter set")
    bits = payload_bits(nal, 2)
    bits.take(12)
    more_layers = _layers(bits)
    bits.take(17)
    _profile(bits, more_layers)
    _skip_ordering(bits, more_layers)
    highest_layer = bits.take(6)
    for _ in range(bits.unsigned(1023)):
        bits.take(highest_layer + 1)
    return _timing(bits) if bits.flag() else None


def _layers(bits: Bits) -> int:
    more = bits.take(3)
    if more > 6:
        raise BadVideo("too many layers")
    return more


def _profile(bits: Bits, more_layers: int) -> int:
    """profile_tier_level(1, …): general_profile_idc."""
    bits.take(3)
    profile = bits.take(5)
    bits.take(32 + 48 + 8)
    present = [(bits.flag(), bits.flag()) for _ in range(more_layers)]
    if more_layers:
        bits.take(2 * (8 - more_layers))
    for has_profile, has_level in present:
        bits.take((88 if has_profile else 0) + (8 if has_level else 0))
    return profile


def _skip_ordering(bits: Bits, more_layers: int) -> None:
    for _ in range(more_layers + 1 if bits.flag() else 1):
        bits.unsigned()
        bits.unsigned()
        bits.unsigned()


def _fps(bits: Bits, more_layers: int) -> float | None:
    """What stands between the size and the timing in the VUI of an SPS."""
    bits.unsigned(8)
    bits.unsigned(8)
    count_bits = bits.unsigned(12) + 4
    _skip_ordering(bits, more_layers)
    for _ in range(6):
        bits.unsigned(32)
    if bits.flag() and bits.flag():
        _skip_scaling_lists(bits)
    bits.take(2)
    if bits.flag():
        bits.take(8)
        bits.unsigned(32)
        bits.unsigned(32)
        bits.flag()
    _skip_reference_sets(bits)
    if bits.flag():
        for _ in range(bits.unsigned(32)):
            bits.take(count_bits + 1)
    bits.take(2)
    return _vui(bits) if bits.flag() else None


def _vui(bits: Bits) -> float | None:
    skip_display(bits)
    bits.take(3)
    if bits.flag():
        for _ in range(4):
            bits.unsigned(16384)
    return _timing(bits) if bits.flag() else None


def _timing(bits: Bits) -> float | None:
    ticks, scale = bits.take(32), bits.take(32)
    return sane_fps(scale / ticks) if ticks else None


def _skip_scaling_lists(bits: Bits) -> None:
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():
                bits.unsigned(6)
                continue
            if size > 1:
                bits.signed()
            for _ in range(min(64, 1 << (4 + (size << 1)))):
                bits.signed()


def _skip_reference_sets(bits: Bits) -> None:
    """st_ref_pic_set (7.3.7): how long each is depends on how many pictures the one before names (7-61, 7-62)."""
    pictures = 0
    for index in range(bits.unsigned(64)):
        if index and bits.flag():
            bits.flag()
            bits.unsigned(32767)
            kept = 0
            for _ in range(pictures + 1):
                kept += bits.flag() or bits.flag()
            pictures = kept
        else:
            negative, positive = bits.unsigned(_MAX_REFERENCES), bits.unsigned(_MAX_REFERENCES)
            pictures = negative + positive
            for _ in range(pictures):
                bits.unsigned(32767)
                bits.flag()
        if pictures > 2 * _MAX_REFERENCES:
            raise BadVideo("too many reference pictures")
