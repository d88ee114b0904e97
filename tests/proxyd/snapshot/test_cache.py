"""The cache keeps to its limits, whatever is put in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxyd.snapshot.cache import PictureCache
from proxyd.snapshot.picture import SnapshotPicture

_puts = st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 400), st.floats(0, 3), st.floats(0, 2)), max_size=40)


@given(puts=_puts)
def test_number_bytes_and_age_are_bounded(puts: list[tuple[int, int, float, float]]) -> None:
    cache = PictureCache(max_entries=4, max_bytes=1000)
    now = 0.0
    kept: dict[int, tuple[SnapshotPicture | None, float]] = {}
    for key, size, lifetime_s, pause_s in puts:
        now += pause_s
        outcome = None if size < 0 else SnapshotPicture("image/jpeg", b"x" * size)
        cache.put(key, outcome, now=now, lifetime_s=lifetime_s)
        kept[key] = (outcome, now + lifetime_s)
        assert len(cache) <= 4
        total = 0
        for known, (expected, until) in kept.items():
            fresh, found = cache.get(known, now=now)
            if fresh:
                assert until > now
                assert found is expected
                total += len(found.data) if found else 0
        assert total <= 1000


def test_one_picture_beyond_the_limit_is_not_kept() -> None:
    cache = PictureCache(max_bytes=10)
    cache.put("a", SnapshotPicture("image/jpeg", b"x" * 11), now=0, lifetime_s=1)
    assert len(cache) == 0
    assert cache.get("a", now=0) == (False, None)
