"""The pacing of a stream, against a clock of our own."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Any, cast

import pytest

from proxyd.simulator.frames import read_sei
from proxyd.simulator.live import MAX_LAG_S, LiveStream, Viewer
from proxyd.simulator.rtp import RtpBatch
from proxyd.simulator.rtsp_sdp import AUDIO_TRACK, VIDEO_TRACK
from proxyd.simulator.streams import stream_for


class Clock:
    """The two methods of an event loop that a stream uses; time moves when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._calls: list[tuple[float, int, Callable[[], object], list[bool]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object]) -> Any:
        cancelled: list[bool] = []
        heapq.heappush(self._calls, (when, next(self._order), callback, cancelled))

        class Handle:
            def cancel(self) -> None:
                cancelled.append(True)

        return Handle()

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            when, _, callback, cancelled = heapq.heappop(self._calls)
            self.now = max(self.now, when)
            if not cancelled:
                callback()
        self.now = max(self.now, end)

    def freeze(self, seconds: float) -> None:
        """The machine does nothing for so long."""
        self.now += seconds


class Record:
    """A sink that remembers what it got and when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.frames: list[tuple[int, float, int]] = []
        self.reports = 0

    def send(self, batch: RtpBatch) -> None:
        marks = [mark for payload in batch.payloads if (mark := read_sei(payload))]
        self.frames.append((marks[0].number if marks else -1, self._clock.now, batch.timestamp))

    def send_report(self, packet: bytes) -> None:
        self.reports += 1

    @property
    def numbers(self) -> list[int]:
        return [number for number, _, _ in self.frames]


class Setting:
    def __init__(self, *, audio: bool = False, name: Any = "main") -> None:
        self.clock = Clock()
        self.held = False
        self.live = LiveStream(
            stream_for(1, name),
            loop=cast(asyncio.AbstractEventLoop, self.clock),
            held=lambda: self.held,
            started_at=self.clock.now,
            cname="admin@192.0.2.7",
            bitrate_kbps=None,
            audio=audio,
        )

    def watch(self) -> tuple[Viewer, Record, Record]:
        video, audio = Record(self.clock), Record(self.clock)
        viewer = Viewer({VIDEO_TRACK: video, AUDIO_TRACK: audio})
        self.live.join(viewer)
        return viewer, video, audio


def assert_running_on(numbers: list[int]) -> None:
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize(("name", "fps"), [("main", 25), ("sub", 15)])
def test_no_frame_drifts_in_an_hour(name: str, fps: int) -> None:
    setting = Setting(name=name)
    _, video, _ = setting.watch()
    for _ in range(360):
        setting.clock.advance(10.003)
    assert_running_on(video.numbers)
    (first, begin_s, _), (last, end_s, _) = video.frames[0], video.frames[-1]
    assert end_s - begin_s == pytest.approx((last - first) / fps, abs=1e-6)
    for (_, _, one), (_, _, two) in itertools.pairwise(video.frames):
        assert (two - one) & 0xFFFFFFFF == 90000 // fps


def test_a_late_timer_sends_everything_that_is_due() -> None:
    setting = Setting()
    _, video, _ = setting.watch()
    setting.clock.advance(1)
    setting.clock.freeze(MAX_LAG_S - 0.5)
    setting.clock.advance(0)
    assert_running_on(video.numbers)
    assert len(video.numbers) == pytest.approx((MAX_LAG_S + 0.5) * 25, abs=2)


def test_a_sleeping_machine_shifts_the_clock_instead_of_a_burst() -> None:
    setting = Setting()
    _, video, _ = setting.watch()
    setting.clock.advance(1)
    before = len(video.numbers)
    setting.clock.freeze(3600)
    setting.clock.advance(1)
    assert_running_on(video.numbers)
    assert len(video.numbers) - before == pytest.approx(25, abs=2)


def test_a_held_stream_goes_on_where_it_stopped() -> None:
    setting = Setting()
    _, video, _ = setting.watch()
    setting.clock.advance(1)
    setting.held, before = True, len(video.numbers)
    setting.clock.advance(7)
    assert len(video.numbers) == before
    setting.held = False
    setting.clock.advance(1)
    assert_running_on(video.numbers)
    assert len(video.numbers) - before == pytest.approx(25, abs=2)


def test_a_second_viewer_waits_for_the_next_key_frame_and_a_lonely_one_does_not() -> None:
    setting = Setting()
    first, early, _ = setting.watch()
    setting.clock.advance(0.3)
    assert early.numbers
    second, late, _ = setting.watch()
    setting.clock.advance(0.3)
    assert late.numbers == []
    setting.clock.advance(0.6)
    assert late.numbers[0] - early.numbers[0] == 25
    setting.live.leave(first)
    setting.live.leave(second)
    setting.live.leave(second)
    sent = len(late.numbers)
    setting.clock.advance(10)
    assert len(late.numbers) == sent, "nobody watches, nothing runs"
    _, again, _ = setting.watch()
    setting.clock.advance(0.1)
    assert again.numbers[0] == pytest.approx(11.2 * 25, abs=2), "the number tells the time since the start"


def test_reports_come_at_once_and_then_every_five_seconds() -> None:
    setting = Setting(audio=True)
    _, video, audio = setting.watch()
    setting.clock.advance(0.1)
    assert (video.reports, audio.reports) == (1, 1)
    setting.clock.advance(20)
    assert (video.reports, audio.reports) == (5, 5)


def test_sound_runs_beside_the_picture() -> None:
    setting = Setting(audio=True, name="sub")
    _, video, audio = setting.watch()
    setting.clock.advance(8)
    assert len(audio.frames) == pytest.approx(8 / 0.04, abs=3)
    for (_, _, one), (_, _, two) in itertools.pairwise(audio.frames):
        assert (two - one) & 0xFFFFFFFF == 320
    assert len(video.frames) == pytest.approx(8 * 15, abs=2)
