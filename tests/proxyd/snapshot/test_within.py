"""Smaller pictures for those who draw thumbnails."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from proxyd.simulator.pictures import snapshot_jpeg
from proxyd.snapshot.fetch import SnapshotSource
from proxyd.snapshot.image import as_jpeg, within
from proxyd.snapshot.picture import SnapshotPicture

JPEG = snapshot_jpeg(3, 1280, 720)


@pytest.mark.parametrize(("width", "expected"), [(16, (16, 9)), (160, (160, 90)), (1279, (1279, 719))])
def test_a_picture_is_made_smaller_in_its_shape(width: int, expected: tuple[int, int]) -> None:
    small, *whole = within(JPEG, width)
    assert whole == [1280, 720]
    assert Image.open(io.BytesIO(small)).size == expected
    assert as_jpeg(small) == small, "a whole JPEG"


@pytest.mark.parametrize("width", [None, 1280, 8192])
def test_what_is_small_enough_stays_as_it_is(width: int | None) -> None:
    assert within(JPEG, width) == (JPEG, 1280, 720)


async def test_the_kind_of_picture_is_kept() -> None:
    source = SnapshotSource()
    stand_in = SnapshotPicture("image/jpeg", JPEG, fallback=True)
    assert await source.within(stand_in, None) == (stand_in, 1280, 720)
    small, *_ = await source.within(stand_in, 64)
    assert small.fallback
    assert Image.open(io.BytesIO(small.data)).size == (64, 36)
    await source.close()
