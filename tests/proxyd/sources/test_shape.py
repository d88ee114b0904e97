"""Parameter sets: of the stored loops, made bit by bit, and any bytes at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.simulator.frames import escape
from proxyd.simulator.loops import load_loop
from proxyd.simulator.streams import SimCodec, SimStreamName, stream_for
from proxyd.sources import h264, h265
from proxyd.sources.in_band import rtp_payload, shape_in_packet
from proxyd.sources.shape import MAX_PARAMETER_SET_BYTES, BadVideo, VideoShape, payload_bits

RTP = bytes.fromhex("80600001000000010000beef")


class Writer:
    """The other way round: what Bits reads."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, value: int, count: int) -> Writer:
        self.text += f"{value:0{count}b}" if count else ""
        return self

    def unsigned(self, *values: int) -> Writer:
        for value in values:
            digits = f"{value + 1:b}"
            self.text += "0" * (len(digits) - 1) + digits
        return self

    def signed(self, *values: int) -> Writer:
        return self.unsigned(*(2 * v - 1 if v > 0 else -2 * v for v in values))

    def nal(self, header: bytes) -> bytes:
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        return header + escape(int(text, 2).to_bytes(len(text) // 8, "big"))


def h264_sps(
    *,
    profile: int = 77,
    units: tuple[int, int] = (120, 68),
    crop: tuple[int, int, int, int] | None = (0, 0, 0, 4),
    frames_only: bool = True,
    order_count: int = 0,
    chroma: int = 1,
    timing: tuple[int, int] | None = (1, 50),
    lists: bool = False,
) -> bytes:
    w = Writer().put(profile, 8).put(0, 8).put(40, 8).unsigned(0)
    if profile >= 100:
        w.unsigned(chroma)
        if chroma == 3:
            w.put(0, 1)
        w.unsigned(0, 0).put(0, 1).put(lists, 1)
        if lists:
            for index in range(12 if chroma == 3 else 8):
                w.put(1, 1)
                if index % 2:
                    w.signed(-8)  # the rest of the list repeats
                else:
                    w.signed(*([1] * (16 if index < 6 else 64)))
    w.unsigned(4).unsigned(order_count)
    if order_count == 0:
        w.unsigned(4)
    elif order_count == 1:
        w.put(0, 1).signed(-2, 3).unsigned(2).signed(1, -1)
    w.unsigned(2).put(0, 1).unsigned(units[0] - 1, units[1] - 1).put(frames_only, 1)
    if not frames_only:
        w.put(0, 1)
    w.put(1, 1).put(crop is not None, 1)
    if crop:
        w.unsigned(*crop)
    w.put(timing is not None, 1)
    if timing:
        w.put(1, 1).put(255, 8).put(1, 16).put(1, 16)  # aspect ratio in full
        w.put(1, 1).put(0, 1)
        w.put(1, 1).put(5, 3).put(0, 1).put(1, 1).put(0x010101, 24)
        w.put(1, 1).unsigned(0, 0)
        w.put(1, 1).put(timing[0], 32).put(timing[1], 32).put(1, 1)
    return w.nal(b"\x67")


def h265_layers(w: Writer, more: int) -> Writer:
    """profile_tier_level of profile Main10 with `more` sub-layers that tell profile and level."""
    w.put(0, 3).put(2, 5).put(0, 32).put(0, 48).put(120, 8)
    w.put((1 << 2 * more) - 1, 2 * more)
    if more:
        w.put(0, 2 * (8 - more))
    return w.put(0, 96 * more)


def h265_sps(more: int = 0, timing: tuple[int, int] = (1001, 30000)) -> bytes:
    w = Writer().put(0, 4).put(more, 3).put(1, 1)
    h265_layers(w, more).unsigned(0, 1, 2560, 1440)
    w.put(1, 1).unsigned(0, 0, 0, 0)
    w.unsigned(0, 0, 4).put(0, 1).unsigned(4, 2, 0).unsigned(0, 3, 0, 3, 0, 0)
    w.put(1, 1).put(1, 1)  # scaling lists, all kinds
    for size in range(4):
        for index in range(2 if size == 3 else 6):
            w.put(index % 2, 1)
            if index % 2:
                if size > 1:
                    w.signed(3)
                w.signed(*([0] * min(64, 1 << (4 + 2 * size))))
            else:
                w.unsigned(0)
    w.put(3, 2).put(1, 1).put(0x77, 8).unsigned(0, 2).put(0, 1)
    w.unsigned(3)  # reference sets: one told in full, two by the one before
    w.unsigned(2, 1).unsigned(0).put(1, 1).unsigned(1).put(1, 1).unsigned(0).put(1, 1)
    w.put(1, 1).put(0, 1).unsigned(0).put(0b1, 1).put(0b01, 2).put(0b00, 2).put(0b1, 1)
    w.put(1, 1).put(1, 1).unsigned(1).put(0b1, 1).put(0b1, 1).put(0b00, 2).put(0b1, 1)
    w.put(1, 1).unsigned(1).put(5, 9)  # a long-term one: 8 bits of order count and a flag
    w.put(3, 2).put(1, 1)
    w.put(1, 1).put(1, 8).put(0, 1).put(0, 1).put(0, 1).put(0, 3).put(0, 1)
    w.put(1, 1).put(timing[0], 32).put(timing[1], 32)
    return w.nal(b"\x42\x01")


@pytest.mark.parametrize("name", ["main", "sub"])
@pytest.mark.parametrize("codec", ["H264", "H265"])
def test_real_encoders_are_understood(codec: SimCodec, name: SimStreamName) -> None:
    stream = stream_for(3, name, codec)
    sets = load_loop(stream).parameter_sets
    shape = h264.parse_sps(sets[0]) if codec == "H264" else h265.parse_sps(sets[1])
    assert (shape.width, shape.height) == (stream.width, stream.height)
    assert shape.fps == stream.fps


@pytest.mark.parametrize(
    ("sps", "shape"),
    [
        (h264_sps(), VideoShape(1920, 1080, 25.0, "Main")),
        (h264_sps(profile=66, crop=None, timing=None), VideoShape(1920, 1088, None, "Baseline")),
        (h264_sps(profile=100, lists=True, timing=(1001, 60000)), VideoShape(1920, 1080, 60000 / 2002, "High")),
        (h264_sps(profile=244, chroma=3, lists=True, crop=(0, 0, 0, 8)), VideoShape(1920, 1080, 25.0, "High")),
        (h264_sps(profile=100, chroma=0, crop=(0, 0, 0, 8)), VideoShape(1920, 1080, 25.0, "High")),
        (h264_sps(units=(45, 18), frames_only=False, crop=None), VideoShape(720, 576, 25.0, "Main")),
        (h264_sps(order_count=1, timing=(0, 50)), VideoShape(1920, 1080, None, "Main")),
        (h264_sps(order_count=2, timing=(1, 90000)), VideoShape(1920, 1080, None, "Main")),
    ],
)
def test_every_form_of_an_h264_set_is_read(sps: bytes, shape: VideoShape) -> None:
    assert h264.parse_sps(sps) == shape


@pytest.mark.parametrize("more", [0, 2])
def test_every_part_of_an_h265_set_is_passed_over_rightly(more: int) -> None:
    assert h265.parse_sps(h265_sps(more)) == VideoShape(2560, 1440, 30000 / 1001, "Main10")


def test_the_frame_rate_in_a_video_parameter_set() -> None:
    w = Writer().put(0, 4).put(3, 2).put(0, 6).put(1, 3).put(1, 1).put(0xFFFF, 16)
    h265_layers(w, 1).put(1, 1).unsigned(4, 2, 0, 4, 2, 0).put(0, 6).unsigned(1).put(1, 1)
    nal = w.put(1, 1).put(1, 32).put(15, 32).nal(b"\x40\x01")
    assert h265.parse_vps_fps(nal) == 15
    assert h265.parse_vps_fps(load_loop(stream_for(1, "main", "H265")).parameter_sets[0]) in (None, 25)


@pytest.mark.parametrize(
    "nal",
    [
        b"",
        b"\x68\x01",
        b"\x67",
        b"\x67" + bytes(200),
        b"\x67" + b"\x80" * (MAX_PARAMETER_SET_BYTES + 1),
        h264_sps(units=(1025, 1)),
        h264_sps(crop=(0, 0, 0, 600)),
    ],
)
def test_what_is_no_set_is_refused(nal: bytes) -> None:
    with pytest.raises(BadVideo):
        h264.parse_sps(nal)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_possible_shape_or_bad_video(tail: bytes) -> None:
    for parse, header in ((h264.parse_sps, b"\x67"), (h265.parse_sps, b"\x42\x01")):
        try:
            shape = parse(header + tail)
        except BadVideo:
            continue
        assert 0 < shape.width <= 16384
        assert 0 < shape.height <= 16384
        assert shape.fps is None or 0 < shape.fps <= 240


@given(st.data())
def test_a_damaged_set_never_does_more_than_fail(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from([h264_sps(), h265_sps(), h264_sps(profile=244, chroma=3, lists=True)])))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(2, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        h264.parse_sps(cut) if cut[:1] == b"\x67" else h265.parse_sps(cut)
    except BadVideo as error:
        assert str(error)


@given(st.lists(st.integers(0, 2**32 - 2), max_size=20))
def test_exponential_golomb_numbers_come_back(values: list[int]) -> None:
    bits = payload_bits(Writer().unsigned(*values).nal(b"\x67"), 1)
    assert [bits.unsigned() for _ in values] == values


def test_sets_are_found_alone_and_among_others() -> None:
    sps, pps = h264_sps(), b"\x68\x01\x02"
    shape = VideoShape(1920, 1080, 25.0, "Main")
    together = b"".join(len(nal).to_bytes(2, "big") + nal for nal in (pps, sps))
    assert shape_in_packet("H264", RTP + sps) == shape
    assert shape_in_packet("H264", RTP + b"\x18" + together) == shape
    assert shape_in_packet("H264", RTP + b"\x19\x00\x07" + together) == shape
    assert shape_in_packet("H264", RTP + pps) is None
    wide = h265_sps()
    assert shape_in_packet("H265", RTP + wide) == h265.parse_sps(wide)
    assert shape_in_packet("H265", RTP + b"\x60\x01" + len(wide).to_bytes(2, "big") + wide) == h265.parse_sps(wide)
    assert shape_in_packet("JPEG", RTP + bytes([0, 0, 0, 0, 1, 80, 160, 90])) == VideoShape(1280, 720, None, "Main")
    assert shape_in_packet("JPEG", RTP + bytes([0, 0, 0, 0, 1, 80, 0, 0])) is None  # larger than fits: not told


def test_the_payload_of_a_packet_with_everything_before_and_behind_it() -> None:
    head = bytes([0x80 | 0x20 | 0x10 | 2]) + RTP[1:] + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4)
    assert rtp_payload(head + b"\x67\x01" + b"\x00\x00\x03") == b"\x67\x01"


@given(st.binary(max_size=64))
def test_any_packet_gives_a_shape_or_none(packet: bytes) -> None:
    for codec in ("H264", "H265", "JPEG", "MPEG4"):
        found = shape_in_packet(codec, packet)
        assert found is None or found.width > 0
