"""The store: snapshot, events, dirty ids, limits, counts."""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from onviftui.store import ENDED_JOBS_LIMIT, LOG_LIMIT, Link, Store
from proxyd.api.models import CameraState, Event, JobState, Snapshot

from .fake_daemon import FakeDaemon, camera, job, log, nvr

Kind = Literal["nvr", "camera", "interface", "job", "log"]


def snapshot(tmp: Any = None, cameras: int = 3) -> Snapshot:
    daemon = FakeDaemon(tmp, cameras)
    daemon.hub.seq = 10
    return daemon.snapshot()


def event(seq: int, kind: Kind, data: dict[str, Any], action: Literal["changed", "removed"] = "changed") -> Event:
    return Event(seq=seq, kind=kind, action=action, data=data)


def loaded(cameras: int = 3) -> Store:
    store = Store()
    store.load(snapshot(cameras=cameras))
    store.take()
    return store


def test_a_snapshot_replaces_everything() -> None:
    store = loaded()
    store.apply(event(11, "camera", {"id": 3}, "removed"))
    store.load(snapshot(cameras=2))
    assert sorted(store.cameras) == [1, 2]
    assert store.take().everything
    assert store.link is Link.LIVE


def test_events_mark_only_their_id() -> None:
    store = loaded()
    store.apply(event(11, "camera", camera(2, CameraState.FAILED).model_dump(mode="json")))
    changes = store.take()
    assert changes.of("camera") == {2}
    assert not changes.everything
    assert not store.take()
    assert store.cameras[2].state is CameraState.FAILED


def test_an_event_without_news_changes_nothing() -> None:
    store = loaded()
    told: list[bool] = []
    store.on_change = lambda: told.append(True)
    store.apply(event(11, "camera", camera(2).model_dump(mode="json")))
    store.apply(event(12, "camera", {"id": 77}, "removed"))
    assert not store.take()
    assert not told


def test_events_that_the_snapshot_already_holds_are_ignored() -> None:
    store = loaded()
    store.apply(event(10, "camera", {"id": 2}, "removed"))
    assert 2 in store.cameras


def test_events_of_a_newer_daemon_are_counted_not_fatal() -> None:
    store = loaded()
    store.apply(event(11, "camera", {"id": 2, "state": "levitating"}))
    store.apply(event(12, "nvr", {}, "removed"))
    assert store.unreadable == 2
    assert not store.take()
    assert store.seq == 12


def test_the_log_and_ended_jobs_are_bounded() -> None:
    store = loaded()
    for number in range(LOG_LIMIT + 50):
        store.apply(event(11 + number, "log", log(number + 1, "hello").model_dump(mode="json")))
    assert len(store.log) == LOG_LIMIT
    assert max(store.log) == LOG_LIMIT + 50
    for number in range(ENDED_JOBS_LIMIT + 20):
        data = job(number + 1, JobState.RUNNING if number == 0 else JobState.DONE).model_dump(mode="json")
        store.apply(event(5000 + number, "job", data))
    assert len(store.jobs) == ENDED_JOBS_LIMIT + 1
    assert store.jobs[1].state is JobState.RUNNING


def test_counts_for_the_header() -> None:
    store = loaded(8)
    streams = [stream.model_copy(update={"bps": 3_000_000}) for stream in camera(1).streams]
    store.put("camera", camera(1, clients=1, streams=streams))
    store.put("camera", camera(2, CameraState.STOPPED))
    store.put("camera", camera(3, CameraState.UPSTREAM_UNREACHABLE))
    store.put("camera", camera(4, CameraState.WRONG_PASSWORD))
    counts = store.counts()
    assert (counts.cameras, counts.good, counts.waiting, counts.off, counts.bad) == (8, 5, 1, 1, 1)
    assert counts.bps == 6_000_000


def test_put_is_silent_without_news() -> None:
    store = loaded()
    store.put("nvr", nvr(channels=3, online=3))
    assert not store.take()
    store.set_link(Link.LIVE)
    assert not store.take()
    store.set_link(Link.AWAY, "gone")
    assert store.take().link


@given(
    st.lists(
        st.tuples(
            st.integers(1, 5),
            st.sampled_from([None, CameraState.RUNNING, CameraState.STOPPED, CameraState.FAILED]),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_dirty_ids_are_exactly_what_differs(steps: list[tuple[int, CameraState | None, bool]]) -> None:
    store = loaded()
    seen = dict(store.cameras)
    dirty: set[int] = set()
    for number, (key, state, look) in enumerate(steps):
        if state is None:
            store.apply(event(11 + number, "camera", {"id": key}, "removed"))
        else:
            store.apply(event(11 + number, "camera", camera(key, state).model_dump(mode="json")))
        if look:
            dirty |= store.take().of("camera")
    dirty |= store.take().of("camera")
    differing = {key for key in seen.keys() | store.cameras.keys() if seen.get(key) != store.cameras.get(key)}
    assert differing <= dirty
