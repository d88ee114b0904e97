"""The dead man's switch: what was set in motion is stopped, once, in order, whatever clients and the NVR do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxyd.camera import motion
from proxyd.camera.commands import NvrCall
from proxyd.camera.motion import Motions
from proxyd.errors import UpstreamUnreachable

STOP = NvrCall("ptz", "Stop", {"ProfileToken": "p"}, ends_motion=True)


def move(speed: float, after_s: float = 30.0) -> NvrCall:
    return NvrCall("ptz", "ContinuousMove", {"x": speed}, stop=STOP, stop_after_s=after_s)


class Nvr:
    """What arrives there, in order; `fail` so many calls, `hold` all while it is clear."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.arrived = asyncio.Condition()
        self.fail = 0
        self.open = asyncio.Event()
        self.open.set()

    async def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Any:
        async with self.arrived:
            self.calls.append((operation, parameters.get("x")))
            self.arrived.notify_all()
        await self.open.wait()
        if self.fail:
            self.fail -= 1
            raise UpstreamUnreachable("192.0.2.9:80 does not answer.")
        return {}

    @property
    def operations(self) -> list[str]:
        return [name for name, _ in self.calls]

    async def seen(self, count: int) -> list[str]:
        async with asyncio.timeout(20), self.arrived:
            await self.arrived.wait_for(lambda: len(self.calls) >= count)
        return self.operations


async def test_it_is_stopped_when_its_time_is_over() -> None:
    motions, nvr = Motions(), Nvr()
    await motions.call(1, move(0.5, 0.05), "a:1", nvr)
    assert await nvr.seen(2) == ["ContinuousMove", "Stop"]
    await motions.halt(1)
    assert nvr.operations == ["ContinuousMove", "Stop"], "what stands needs no stop"


async def test_a_stop_in_time_leaves_nothing_to_do() -> None:
    motions, nvr = Motions(), Nvr()
    await motions.call(1, move(0.5), "a:1", nvr)
    await motions.call(1, STOP, "a:1", nvr)
    motions.client_gone(1, "a:1")
    await motions.halt(1)
    assert nvr.operations == ["ContinuousMove", "Stop"]


async def test_a_move_in_another_direction_takes_nothing_from_the_first() -> None:
    motions, nvr = Motions(), Nvr()
    await motions.call(1, move(0.5, 60), "a:1", nvr)
    await motions.call(1, NvrCall("ptz", "AbsoluteMove", {"x": 1.0}), "b:1", nvr)
    await motions.call(1, move(0.1, 5), "b:1", nvr)
    assert motions._moving[1, "ptz"]._remaining_s() > 5
    await motions.call(1, replace(move(0.1, 5), ends_motion=True), "b:1", nvr)
    assert motions._moving[1, "ptz"]._remaining_s() <= 5
    await motions.halt(1)
    assert nvr.operations == ["ContinuousMove", "AbsoluteMove", "ContinuousMove", "ContinuousMove", "Stop"]


async def test_a_client_that_goes_is_followed_by_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(motion, "GONE_AFTER_S", 0.02)
    motions, nvr = Motions(), Nvr()
    await motions.call(1, move(0.5), "a:1", nvr)
    motions.client_gone(1, "a:2")
    motions.client_gone(2, "a:1")
    await motions.call(1, move(-0.5), "b:1", nvr)
    motions.client_gone(1, "a:1")  # the motion is another's by now
    assert motions._moving[1, "ptz"]._alarm is not None
    motions.client_gone(1, "b:1")
    assert await nvr.seen(3) == ["ContinuousMove", "ContinuousMove", "Stop"]


async def test_halting_a_camera_stops_it_and_no_other() -> None:
    motions, first, second = Motions(), Nvr(), Nvr()
    await motions.call(1, move(0.5), "a:1", first)
    await motions.call(2, move(0.5), "a:1", second)
    await motions.halt(1)
    assert first.operations == ["ContinuousMove", "Stop"]
    assert second.operations == ["ContinuousMove"]
    await motions.halt(2)


async def test_of_two_clients_the_last_wins() -> None:
    motions, nvr = Motions(), Nvr()
    nvr.open.clear()
    calls = [asyncio.create_task(motions.call(1, move(speed), f"c:{speed}", nvr)) for speed in (0.1, 0.2, 0.3)]
    await nvr.seen(1)
    nvr.open.set()
    await asyncio.gather(*calls)
    assert [speed for _, speed in nvr.calls] == [0.1, 0.2, 0.3]
    await motions.halt(1)
    assert nvr.operations[3:] == ["Stop"]


async def test_a_move_that_waits_while_a_stop_comes_is_not_made() -> None:
    motions, nvr = Motions(), Nvr()
    nvr.open.clear()
    calls = [asyncio.create_task(motions.call(1, each, "a:1", nvr)) for each in (move(0.1), move(0.2), STOP)]
    await nvr.seen(1)
    nvr.open.set()
    await asyncio.gather(*calls)
    assert nvr.operations == ["ContinuousMove", "Stop"]


async def test_a_move_without_answer_is_stopped_all_the_same() -> None:
    motions, nvr = Motions(), Nvr()
    nvr.fail = 1
    with pytest.raises(UpstreamUnreachable):
        await motions.call(1, move(0.5, 0.05), "a:1", nvr)
    assert await nvr.seen(2) == ["ContinuousMove", "Stop"]


async def test_a_stop_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(motion, "_PAUSES_S", (0.0, 0.01, 0.01, 0.01, 0.01))
    motions, nvr = Motions(), Nvr()
    await motions.call(1, move(0.5, 0.0), "a:1", nvr)
    nvr.fail = 3
    assert await nvr.seen(5) == ["ContinuousMove", "Stop", "Stop", "Stop", "Stop"]
    await motions.halt(1)
    assert len(nvr.calls) == 5


async def test_a_new_move_ends_the_tries_to_stop_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(motion, "_PAUSES_S", (0.0, 0.01, 0.01))
    motions, nvr = Motions(), Nvr()
    await motions.call(1, move(0.1, 0.0), "a:1", nvr)
    nvr.fail = 1
    nvr.open.clear()
    await nvr.seen(2)  # a stop is under way and will fail
    moved = asyncio.create_task(motions.call(1, move(0.2), "b:1", nvr))
    await asyncio.sleep(0)
    nvr.open.set()
    await moved
    stopping = motions._moving[1, "ptz"]._stopping
    assert stopping is not None
    await stopping
    assert nvr.operations == ["ContinuousMove", "Stop", "ContinuousMove"]
    await motions.halt(1)
    assert nvr.operations[3:] == ["Stop"]


async def test_trying_ends_and_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(motion, "_PAUSES_S", (0.0, 0.01))
    motions, nvr = Motions(), Nvr()
    await motions.call(7, move(0.5, 0.0), "a:1", nvr)
    nvr.fail = 99
    with caplog.at_level(logging.WARNING):
        await nvr.seen(3)
        stopping = motions._moving[7, "ptz"]._stopping
        assert stopping is not None
        await stopping
    assert len(nvr.calls) == 3
    assert "camera 7: it may still be moving" in caplog.text
    await motions.halt(7)
    assert len(nvr.calls) == 3


async def test_halting_does_not_wait_for_an_nvr_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(motion, "FAREWELL_S", 0.02)
    motions, nvr = Motions(), Nvr()
    await motions.call(1, move(0.5), "a:1", nvr)
    nvr.open.clear()
    async with asyncio.timeout(5):
        await motions.halt(1)
    assert nvr.operations == ["ContinuousMove", "Stop"]
    assert not motions._moving


async def test_other_calls_pass_by() -> None:
    motions, nvr = Motions(), Nvr()
    await motions.call(1, NvrCall("ptz", "GetStatus"), "a:1", nvr)
    assert nvr.operations == ["GetStatus"]
    assert not motions._moving


async def test_what_may_move_is_noted_before_it_moves_and_until_it_stands() -> None:
    nvr, seen = Nvr(), []

    async def mark(camera: int, service: str, stop: NvrCall | None) -> None:
        seen.append((camera, service, stop, list(nvr.operations)))

    motions = Motions(mark)
    for speed in (0.5, 0.7):
        await motions.call(1, move(speed), "a:1", nvr)
    assert seen == [(1, "ptz", STOP, [])], "once, and before the first call"
    await motions.call(1, STOP, "a:1", nvr)
    assert seen[1:] == [(1, "ptz", None, ["ContinuousMove", "ContinuousMove", "Stop"])]


async def test_what_was_left_moving_is_stopped_with_several_tries() -> None:
    nvr, stood = Nvr(), asyncio.Event()

    async def mark(camera: int, service: str, stop: NvrCall | None) -> None:
        assert stop is None
        stood.set()

    nvr.fail = 1
    motions = Motions(mark)
    motions.stop_left(1, STOP, nvr)
    async with asyncio.timeout(20):
        await stood.wait()
    assert nvr.operations == ["Stop", "Stop"]


async def test_a_mark_stays_when_the_last_stop_failed() -> None:
    nvr, seen = Nvr(), []

    async def mark(camera: int, service: str, stop: NvrCall | None) -> None:
        seen.append(stop)

    motions = Motions(mark)
    await motions.call(1, move(0.5), "a:1", nvr)
    nvr.fail = 1
    await motions.halt(1)
    assert seen == [STOP]
