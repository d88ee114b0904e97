"""Where key frames begin, in every way in which they are packed."""

from __future__ import annotations

import pytest

from proxyd.media.keyframes import KeyFinder

from .rig import framed, rtp

H264_SPS, H264_PPS = b"\x67\x64\x00\x1f", b"\x68\xee"
H265_VPS, H265_SPS, H265_PPS = b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps"


def stap(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def aggregated(*units: bytes) -> bytes:
    return b"\x60\x01" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def fu(kind: int, first: bool, last: bool) -> bytes:
    return bytes((0x7C, kind | first << 7 | last << 6)) + b"slice"


def fu5(kind: int, first: bool, last: bool) -> bytes:
    return bytes((0x62, 0x01, kind | first << 7 | last << 6)) + b"slice"


# Pictures as lists of payloads; the index of the packet with which a key frame begins.
H264 = {
    "single": ([H264_SPS, H264_PPS, b"\x65idr"], 0),
    "no sets": ([b"\x65idr"], 0),
    "delimiter": ([b"\x09\xf0", H264_SPS, H264_PPS, b"\x65idr"], 1),
    "sei first": ([b"\x06sei", b"\x65idr"], 1),
    "aggregated": ([stap(H264_SPS, H264_PPS, b"\x06sei"), fu(5, True, False), fu(5, False, True)], 0),
    "aggregated with the slice": ([stap(b"\x06sei", b"\x65idr"), b"\x65idr"], 0),
    "fragments": ([fu(5, True, False), fu(5, False, False), fu(5, False, True)], 0),
    "two slices": ([H264_SPS, fu(5, True, False), fu(5, False, True), fu(5, True, False), fu(5, False, True)], 0),
}
H264_OTHERS = [[b"\x41p"], [fu(1, True, False), fu(1, False, True)], [b"\x09\xf0", b"\x06sei", b"\x41p", b"\x41p"]]
H265 = {
    "single": ([H265_VPS, H265_SPS, H265_PPS, b"\x26\x01idr"], 0),
    "no sets": ([b"\x2a\x01cra"], 0),
    "aggregated": ([aggregated(H265_VPS, H265_SPS, H265_PPS), fu5(19, True, False), fu5(19, False, True)], 0),
    "fragments": ([b"\x4e\x01sei", fu5(20, True, False), fu5(20, False, True), fu5(20, True, True)], 1),
}
H265_OTHERS = [[b"\x02\x01p"], [fu5(1, True, False), fu5(1, False, True)], [b"\x46\x01aud", b"\x02\x01p"]]


def jpeg(offset: int) -> bytes:
    return b"\0" + offset.to_bytes(3, "big") + b"\1\x50\x28\x1edata"


JPEG = {"whole": ([jpeg(0)], 0), "fragments": ([jpeg(0), jpeg(12), jpeg(24)], 0)}
WAYS = [
    pytest.param(codec, payloads, begins, others, id=f"{codec} {name}")
    for codec, keys, others in (("h264", H264, H264_OTHERS), ("h265", H265, H265_OTHERS), ("jpeg", JPEG, []))
    for name, (payloads, begins) in keys.items()
]


def run_of(pictures: list[list[bytes]], *, markers: bool = True, first_stamp: int = 0) -> list[tuple[bytes, int]]:
    """Frames with the number of their picture."""
    return [
        (framed(0, rtp(0, first_stamp + number * 3600, payload, marker=markers and at == len(picture) - 1)), number)
        for number, picture in enumerate(pictures)
        for at, payload in enumerate(picture)
    ]


def begins(finder: KeyFinder, packets: list[tuple[bytes, int]], *, thorough: bool) -> list[int]:
    """Indices of the packets with which key frames begin; each packet is a run of its own."""
    found = []
    for at, (packet, _) in enumerate(packets):
        if finder.look(bytearray(packet), 0, len(packet), len(packet), thorough) == 0:
            found.append(at)
    return found


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize(("codec", "key", "first", "others"), WAYS)
def test_key_frames_are_found(
    codec: str, key: list[bytes], first: int, others: list[list[bytes]], thorough: bool
) -> None:
    packets = run_of([*others, key, *others, key])
    before = sum(map(len, others))
    finder = KeyFinder(codec)
    assert begins(finder, packets, thorough=thorough) == [before + first, 2 * before + len(key) + first]
    assert (finder.frames, finder.key_frames) == (2 * len(others) + 2, 2)
    assert finder.key_interval == (len(others) + 1) * 3600


@pytest.mark.parametrize(("codec", "key", "first", "others"), WAYS)
def test_without_markers_time_stamps_tell(codec: str, key: list[bytes], first: int, others: list[list[bytes]]) -> None:
    packets = run_of([*others, key, *others, key], markers=False)
    before = sum(map(len, others))
    assert begins(KeyFinder(codec), packets, thorough=True) == [before + first, 2 * before + len(key) + first]


def test_who_comes_in_the_middle_of_a_key_frame_waits_for_the_next() -> None:
    key = [H264_SPS, fu(5, True, False), fu(5, False, True), fu(5, True, False), fu(5, False, True)]
    packets = run_of([key, [b"\x41p"], key])
    finder = KeyFinder("h264")
    assert begins(finder, packets[:3], thorough=False) == [0]
    assert begins(finder, packets[3:], thorough=True) == [len(key) + 1 - 3]


def test_runs_of_many_packets() -> None:
    picture = [fu(5, True, False), fu(5, False, False), fu(5, False, True)]
    other = [fu(1, True, False), fu(1, False, False), fu(1, False, True)]
    packets = [packet for packet, _ in run_of([other, picture, other, picture])]
    stride = len(packets[0])
    for thorough in (False, True):
        finder = KeyFinder("h264")
        whole = bytearray(b"".join(packets))
        found = []
        for at in range(0, len(packets), 3):  # two without marker bit are a run, and the one with it
            for first, last in ((at, at + 2), (at + 2, at + 3)):
                found.append(finder.look(whole, first * stride, last * stride, stride, thorough))
        assert found == [-1, -1, 3 * stride, -1, -1, -1, 9 * stride, -1]
        assert (finder.frames, finder.key_frames, finder.key_interval) == (4, 2, 7200)


def test_parameter_sets_before_every_picture_tell_nothing() -> None:
    other, key = [H264_SPS, H264_PPS, b"\x41p"], [H264_SPS, H264_PPS, b"\x65idr"]
    finder = KeyFinder("h264")
    assert begins(finder, run_of([key, other, other, key]), thorough=True) == [0, 11]


def test_a_parameter_set_is_told_once_until_it_changes() -> None:
    finder = KeyFinder("h265")
    told = []
    for packet, _ in run_of(
        [[H265_VPS, H265_SPS, b"\x26\x01idr"]] * 2 + [[aggregated(H265_SPS + b"new", b"\x26\x01i")]]
    ):
        finder.look(bytearray(packet), 0, len(packet), len(packet), False)
        if finder.parameter_set:
            told.append(finder.take_parameter_set())
    assert told == [H265_SPS, H265_SPS + b"new"]


def test_heads_with_extensions_and_sources() -> None:
    idr = b"\xbe\xef\x00\x01ext1" + b"\x65idr"
    packet = framed(0, bytes((0x92,)) + rtp(0, 0, bytes(8) + idr)[1:])
    assert KeyFinder("h264").look(bytearray(packet), 0, len(packet), len(packet), False) == 0
    short = framed(0, bytes((0x9F,)) + rtp(0, 0, b"\x65")[1:])
    assert KeyFinder("h264").look(bytearray(short), 0, len(short), len(short), True) == -1
