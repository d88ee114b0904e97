"""What is kept of the last five minutes: in steps, bounded, and over restarts of cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxyd.api.history import STEP_S, STEPS
from proxyd.camera.spec import StreamName
from proxyd.camera.traffic import Traffic
from proxyd.rtsp.stats import ClientInfo, StreamStats

AT = "2026-11-22T10:00:00Z"


class Seen:
    """A camera whose main stream counts on by the same amount in each second."""

    def __init__(self) -> None:
        self.main = StreamStats()

    def stats(self) -> Mapping[StreamName, StreamStats]:
        return {"main": self.main, "sub": StreamStats()}

    def pass_on(self, seconds: int, *, bytes_each: int = 100_000, recorders: int = 1, lost: int = 0) -> None:
        known = self.main
        self.main = replace(
            known,
            bytes_total=known.bytes_total + seconds * bytes_each * recorders,
            source_bytes_total=known.source_bytes_total + seconds * bytes_each,
            frames_total=known.frames_total + seconds * 25,
            lost=known.lost + lost,
            clients=tuple(ClientInfo(f"192.0.2.{n}:5", "TCP", 0.0) for n in range(recorders)),
        )

    def end(self) -> None:
        self.main = replace(self.main, clients=())


def test_each_step_has_the_rates_of_what_passed_in_it() -> None:
    traffic, camera = Traffic(), Seen()
    traffic.tend(1000.0, AT, {1: camera})
    camera.pass_on(5, recorders=2, lost=3)
    traffic.tend(1004.9, AT, {1: camera})  # the step is not over
    traffic.tend(1005.0, "2026-11-22T10:00:05Z", {1: camera})
    history = traffic.camera(1, ["main", "sub"])
    main, sub = history.streams
    assert history.until == "2026-11-22T10:00:05Z"
    assert len(main.bps) == len(main.fps) == STEPS
    assert (main.bps[-1], main.source_bps[-1], main.fps[-1]) == (1_600_000, 800_000, 25.0)
    assert (main.lost[-1], main.clients[-1], sum(main.bps[:-1])) == (3, 2, 0)
    assert not any(sub.bps) and not any(sub.clients)
    whole = traffic.whole()
    assert (whole.bps[-1], whole.source_bps[-1], whole.lost[-1], whole.clients[-1]) == (1_600_000, 800_000, 3, 2)


def test_what_is_older_than_five_minutes_is_gone() -> None:
    traffic, camera = Traffic(), Seen()
    traffic.tend(1000.0, AT, {1: camera})
    camera.pass_on(5)
    traffic.tend(1005.0, AT, {1: camera})
    camera.end()
    traffic.tend(1005.0 + (STEPS - 1) * STEP_S, AT, {1: camera})
    assert traffic.whole().bps == [800_000] + [0] * (STEPS - 1)
    traffic.tend(1005.0 + STEPS * STEP_S, AT, {1: camera})
    assert not any(traffic.whole().bps) and not any(traffic.camera(1, ["main"]).streams[0].bps)
    camera.pass_on(5)
    traffic.tend(1010.0 + STEPS * STEP_S, AT, {1: camera})
    assert traffic.whole().bps == [0] * (STEPS - 1) + [800_000]


def test_a_camera_that_was_started_again_counts_from_zero() -> None:
    traffic, camera = Traffic(), Seen()
    for now in (1000.0, 1005.0):
        traffic.tend(now, AT, {1: camera})
        camera.pass_on(5)
    anew = Seen()
    anew.pass_on(2)
    traffic.tend(1010.0, AT, {1: anew})
    assert traffic.whole().bps[-1] == 2 * 100_000 * 8 // STEP_S


def test_cameras_that_nobody_plays_keep_nothing_and_removed_ones_are_forgotten() -> None:
    traffic, idle, played = Traffic(), Seen(), Seen()
    for now in (1000.0, 1005.0):
        traffic.tend(now, AT, {1: idle, 2: played})
        played.pass_on(5)
    traffic.tend(1010.0, AT, {1: idle, 2: played})
    assert list(traffic._traces) == [(2, "main")]
    traffic.forget(2)
    assert not traffic._traces
    assert not any(traffic.camera(2, ["main"]).streams[0].bps)
    assert any(traffic.whole().bps)  # it did pass


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 10**7)), max_size=120))
def test_a_late_look_spreads_nothing_and_loses_nothing(looks: list[tuple[int, int]]) -> None:
    """Whatever the pauses: the last STEPS steps, and in each the mean since the look before."""
    traffic, camera = Traffic(), Seen()
    now, expected = 1000.0, dict[int, int]()
    traffic.tend(now, AT, {1: camera})
    for pause, bytes_each in looks:
        camera.pass_on(pause, bytes_each=bytes_each)
        now += pause
        step, told = int(now // STEP_S), traffic._at
        before = camera.main.bytes_total
        seen = traffic._traces.get((1, "main"))
        known = seen.totals[0] if seen else 0
        if step > (traffic._step or 0):
            expected[step] = round((before - known) * 8 / max(1.0, now - told))
        traffic.tend(now, AT, {1: camera})
    last = traffic._step or 0
    assert traffic.whole().bps == [expected.get(step, 0) for step in range(last - STEPS + 1, last + 1)]
