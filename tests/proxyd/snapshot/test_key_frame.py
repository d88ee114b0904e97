"""Key frames out of RTP packets: all of them when nothing is lost, and never half of one."""

from __future__ import annotations

from struct import pack
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.simulator.frames import packetise, split_annexb
from proxyd.simulator.loops import load_loop
from proxyd.simulator.streams import SimCodec, stream_for
from proxyd.snapshot.key_frame import MAX_BYTES, KeyFrame, UnitReader

Name = Literal["H264", "H265"]
HEADER = {"H264": 1, "H265": 2}
SETS = {"H264": (7, 8), "H265": (32, 33, 34)}
KEY, OTHER, NOISE = {"H264": 5, "H265": 19}, {"H264": 1, "H265": 1}, {"H264": 6, "H265": 39}
FIRST, LATER = b"\x80", b"\x40"  # slices of a picture


def nal(codec: Name, kind: int, body: bytes) -> bytes:
    return (bytes([0x60 | kind]) if codec == "H264" else bytes([kind << 1, 1])) + body


def aggregated(codec: Name, nals: list[bytes]) -> bytes:
    head = b"\x78" if codec == "H264" else b"\x60\x01"
    return head + b"".join(pack(">H", len(one)) + one for one in nals)


def sets(codec: Name, version: int = 0) -> list[bytes]:
    return [nal(codec, kind, b"%d" % version) for kind in SETS[codec]]


def picture(codec: Name, *, key: bool, content: bytes, slices: int = 2) -> list[bytes]:
    kind = (KEY if key else OTHER)[codec]
    return [nal(codec, kind, (LATER if number else FIRST) + content + b"%d" % number) for number in range(slices)]


def packets(payloads: list[bytes], *, sequence: int, stamp: int, marker: bool = True) -> list[bytes]:
    last = len(payloads) - 1
    return [
        pack(">BBHII", 0x80, 96 | (0x80 if marker and at == last else 0), (sequence + at) & 0xFFFF, stamp, 9) + payload
        for at, payload in enumerate(payloads)
    ]


def read(reader: UnitReader, sent: list[bytes]) -> list[list[bytes]]:
    found = [frame for packet in sent if (frame := reader.feed(packet))]
    assert all(isinstance(frame, KeyFrame) for frame in found)
    return [split_annexb(frame.data) for frame in found]


@pytest.mark.parametrize("codec", ["H264", "H265"])
@pytest.mark.parametrize("given_sets", [True, False])
def test_key_frames_of_the_simulator_come_whole(codec: SimCodec, given_sets: bool) -> None:
    loop = load_loop(stream_for(3, "main", codec))
    reader = UnitReader(codec, loop.parameter_sets if given_sets else ())
    sent: list[bytes] = []
    for number, frame in enumerate(loop.frames):
        payloads = [*(() if given_sets else frame.before), *frame.slices]
        sent += packets(payloads, sequence=len(sent), stamp=number * 3600)
    found = read(reader, sent)
    assert len(found) == sum(frame.key for frame in loop.frames) == 2
    assert found[0][: len(loop.parameter_sets)] == list(loop.parameter_sets)


@given(
    codec=st.sampled_from(["H264", "H265"]),
    keys=st.lists(st.tuples(st.booleans(), st.integers(1, 300)), min_size=1, max_size=8),
    limit=st.integers(8, 120),
    lost=st.sets(st.integers(0, 60), max_size=4),
    twice=st.integers(0, 60),
    marker=st.booleans(),
    begin=st.sampled_from([0, 65530]),
)
def test_no_loss_gives_all_and_a_loss_never_half(
    codec: Name, keys: list[tuple[bool, int]], limit: int, lost: set[int], twice: int, marker: bool, begin: int
) -> None:
    sent: list[bytes] = []
    whole: list[list[bytes]] = []
    for number, (key, size) in enumerate(keys):
        slices = picture(codec, key=key, content=b"\xaa" * size + b"%d" % number)
        first = [aggregated(codec, [*sets(codec), nal(codec, NOISE[codec], b"\x80sei")])] if key else []
        payloads = first + [payload for one in slices for payload in packetise(codec, one, limit)]
        sent += packets(payloads, sequence=begin + len(sent), stamp=number * 3600, marker=marker)
        if key:
            whole.append([*sets(codec), *slices])
    sent.insert(min(twice, len(sent)), sent[min(twice, len(sent) - 1)])
    if not marker:
        sent += packets([nal(codec, OTHER[codec], FIRST)], sequence=begin + len(sent) - 1, stamp=1, marker=False)
    assert read(UnitReader(codec), sent) == whole
    for one in read(UnitReader(codec), [packet for at, packet in enumerate(sent) if at not in lost]):
        assert one in whole


@pytest.mark.parametrize("codec", ["H264", "H265"])
def test_sets_come_from_the_sdp_or_in_band_and_the_newest_counts(codec: Name) -> None:
    key = picture(codec, key=True, content=b"x")
    assert read(UnitReader(codec), packets(key, sequence=0, stamp=0)) == []
    reader = UnitReader(codec, sets(codec))
    assert read(reader, packets(key, sequence=0, stamp=0)) == [[*sets(codec), *key]]
    (found,) = read(reader, packets([*sets(codec, 1), *key], sequence=2, stamp=1))
    assert found == sorted([*sets(codec), *sets(codec, 1)], key=lambda one: one[0]) + key
    for version in range(2, 40):
        (found,) = read(reader, packets([*sets(codec, version), *key], sequence=0, stamp=version))
    assert len(found) <= 16 + len(key) and set(sets(codec, 39)) <= set(found)


@pytest.mark.parametrize("codec", ["H264", "H265"])
def test_encoders_that_call_no_picture_a_key_frame_send_sets_before_one(codec: Name) -> None:
    one = picture(codec, key=False, content=b"x")
    reader = UnitReader(codec, sets(codec))
    assert read(reader, packets(one, sequence=0, stamp=0)) == []
    assert len(read(reader, packets([*sets(codec), *one], sequence=2, stamp=1))) == 1


def test_a_marker_behind_sets_ends_no_picture() -> None:
    key = picture("H264", key=True, content=b"x")
    sent = packets(sets("H264"), sequence=0, stamp=0) + packets(key, sequence=2, stamp=0)
    assert read(UnitReader("H264"), sent) == [[*sets("H264"), *key]]


def test_the_second_half_of_a_picture_is_none() -> None:
    _, second = picture("H264", key=True, content=b"x")
    assert read(UnitReader("H264", sets("H264")), packets([second], sequence=0, stamp=0)) == []


@pytest.mark.parametrize("payload", [b"\x7c\x05" + bytes(60_000), b"\x65\x80" + bytes(60_000)])
def test_what_grows_for_ever_is_given_up(payload: bytes) -> None:
    reader = UnitReader("H264", sets("H264"))
    reader.feed(packets([b"\x7c\x85\x80"], sequence=0, stamp=0, marker=False)[0])
    for number in range(1, 2 * MAX_BYTES // len(payload)):
        assert reader.feed(packets([payload], sequence=number, stamp=0, marker=False)[0]) is None
        assert sum(map(len, reader._units)) + len(reader._fragment) <= MAX_BYTES + 2 * len(payload)
    assert reader._units == []


@given(codec=st.sampled_from(["H264", "H265"]), payloads=st.lists(st.binary(max_size=40), max_size=30))
def test_any_bytes_give_a_key_frame_or_nothing(codec: Name, payloads: list[bytes]) -> None:
    reader = UnitReader(codec, sets(codec))
    for number, payload in enumerate(payloads):
        reader.feed(payload)
        (packet,) = packets([payload], sequence=number, stamp=number // 4, marker=number % 4 == 3)
        frame = reader.feed(packet)
        assert frame is None or frame.data.startswith(b"\0\0\0\1")
