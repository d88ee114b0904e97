"""The fallback picture: right size, readable words, any name; and what counts as a picture."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from proxyd.simulator.pictures import snapshot_jpeg
from proxyd.snapshot.fallback import MARK, fallback_picture, fallback_size
from proxyd.snapshot.image import NotAPicture, as_jpeg

from .device import Device, camera_spec


@pytest.mark.parametrize("size", [(16, 16), (640, 360), (1080, 1920), (3840, 2160)])
def test_the_size_is_exactly_the_streams(size: tuple[int, int]) -> None:
    picture = fallback_picture("Front gate", *size)
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    assert (image.size, image.format, image.mode) == (size, "JPEG", "RGB")
    assert picture.fallback
    assert as_jpeg(picture.data) == picture.data


def brightest(image: Image.Image) -> int:
    return max(level for level, count in enumerate(image.convert("L").histogram()) if count)


def test_the_words_stay_inside_and_the_name_makes_a_difference() -> None:
    image = Image.open(io.BytesIO(fallback_picture("W" * 64, 640, 360).data)).convert("L")
    assert brightest(image.crop((0, 0, 20, 360))) < 60, "nothing reaches the edge"
    assert brightest(image) > 150
    assert fallback_picture("A", 640, 360).data != fallback_picture("B", 640, 360).data
    assert MARK in fallback_picture("A", 640, 360).data


@settings(max_examples=25)
@given(name=st.text(min_size=1, max_size=64))
def test_any_name_can_be_drawn(name: str) -> None:
    assert fallback_picture(name, 320, 180).data


def test_the_size_comes_from_the_main_stream_or_the_only_one() -> None:
    spec = camera_spec(Device().access(), None, width=2560, height=1440)
    sub = replace(spec.streams[0], name="sub", width=640, height=360)
    assert fallback_size(replace(spec, streams=(sub, spec.streams[0]))) == (2560, 1440)
    assert fallback_size(replace(spec, streams=(sub,))) == (640, 360)
    assert fallback_size(replace(spec, streams=())) == (1280, 720)
    assert fallback_size(replace(spec, streams=(replace(sub, width=0),))) == (1280, 720)
    assert fallback_size(replace(spec, streams=(replace(sub, width=10**6, height=1),))) == (8192, 16)


@given(data=st.binary(max_size=400))
def test_any_bytes_are_a_picture_or_not(data: bytes) -> None:
    for candidate in (data, b"\xff\xd8\xff\xe0" + data, b"\x89PNG\r\n\x1a\n" + data, b"BM" + data):
        try:
            assert as_jpeg(candidate)
        except NotAPicture as error:
            assert str(error)


@given(cut=st.integers(0, 2000), at=st.integers(0, 2000), byte=st.integers(0, 255))
def test_a_spoiled_jpeg_never_raises_anything_else(cut: int, at: int, byte: int) -> None:
    data = bytearray(snapshot_jpeg(1, 64, 48))
    data[at % len(data)] = byte
    try:
        as_jpeg(bytes(data[: max(cut, 1)]))
    except NotAPicture as error:
        assert str(error)


def test_a_header_that_promises_gigapixels_is_refused() -> None:
    small = io.BytesIO()
    Image.new("L", (8, 8)).save(small, "PNG")
    data = bytearray(small.getvalue())
    data[16:24] = (30000).to_bytes(4, "big") * 2
    with pytest.raises(NotAPicture):
        as_jpeg(bytes(data))
