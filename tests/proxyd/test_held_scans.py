"""Results of scans that wait for a yes: bounded, one per NVR, not for ever."""

from __future__ import annotations

import asyncio

import pytest

from proxyd.api.models import Job, JobState
from proxyd.errors import Conflict
from proxyd.held_scans import MOST, HeldScan, HeldScans
from proxyd.nvr.result import DeviceIdentity, ScanResult
from proxyd.store.rows import NvrRow


def held(number: int, nvr: int) -> HeldScan:
    job = Job(id=number, kind="scan", nvr=nvr, title="Scan", state=JobState.DONE, started="", outcome="waiting")
    row = NvrRow(id=nvr, name="Garage", host="192.0.2.1", port=80, username="admin", password="x")
    return HeldScan(row, job, ScanResult(DeviceIdentity(), ()), start=True, restore=False)


async def test_what_waits_can_be_taken_once() -> None:
    scans = HeldScans(lambda _: None)
    one = held(1, 1)
    scans.hold(one)
    assert scans.waiting_on(1)
    assert scans.take(one.job) is one
    assert not scans.waiting_on(1)
    with pytest.raises(Conflict, match="Nothing of job 1 waits"):
        scans.take(one.job)


async def test_a_newer_scan_of_the_same_nvr_takes_the_place_of_the_older() -> None:
    given_up: list[int] = []
    scans = HeldScans(lambda job: given_up.append(job.id))
    scans.hold(held(1, 1))
    scans.hold(held(2, 1))
    assert given_up == [1]
    scans.close()


async def test_of_too_many_the_oldest_gives_way() -> None:
    given_up: list[int] = []
    scans = HeldScans(lambda job: given_up.append(job.id))
    for number in range(1, MOST + 3):
        scans.hold(held(number, number))
    assert given_up == [1, 2]
    scans.close()


async def test_nobody_waits_for_an_answer_for_ever() -> None:
    ended: asyncio.Queue[Job] = asyncio.Queue()
    scans = HeldScans(ended.put_nowait, keep_s=0.01)
    scans.hold(held(1, 1))
    assert (await asyncio.wait_for(ended.get(), 10)).id == 1
    assert not scans.waiting_on(1)
