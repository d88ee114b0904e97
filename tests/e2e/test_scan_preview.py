"""A rescan that is looked at first: nothing changes before the yes, and then exactly what was shown."""

from __future__ import annotations

import pytest

from proxyd.api import models as m
from proxyd.errors import Conflict

from .stack import running_stack, wait_for_job


async def test_what_a_preview_finds_waits_and_is_then_kept_as_it_was_shown() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        first = await stack.scan(client, nvr, preview=True)
        assert (first.preview, first.outcome, first.state) == (False, "kept", m.JobState.DONE)  # nothing to lose yet
        before: list[m.Camera] = await client.call("camera.list")
        assert len(before) == 2

        same = await stack.scan(client, nvr, preview=True)
        assert (same.preview, same.outcome) == (True, "kept")  # nothing is different: nothing to ask

        stack.take_nvr_away()
        stack.bring_nvr_back("--channels", "3")
        shown = await stack.scan(client, nvr, preview=True)
        assert shown.outcome == "waiting" and shown.until is not None and shown.diff is not None
        assert shown.diff.new == [3]
        assert list(shown.diff.words) == [3]
        assert [camera.id for camera in await client.call("camera.list")] == [camera.id for camera in before]
        assert (await client.call("nvr.get", {"id": nvr.id})).channels == 2

        forgotten: m.Job = await client.call("job.discard", {"id": shown.id})
        assert (forgotten.outcome, forgotten.until) == ("discarded", None)
        with pytest.raises(Conflict, match="was discarded"):
            await client.call("job.apply", {"id": shown.id})
        assert len(await client.call("camera.list")) == 2

        shown = await stack.scan(client, nvr, preview=True)
        kept: m.Job = await client.call("job.apply", {"id": shown.id})
        assert kept.outcome == "kept" and kept.diff is not None and kept.diff.new == [3]
        after: list[m.Camera] = await client.call("camera.list")
        assert [camera.uuid for camera in after[:2]] == [camera.uuid for camera in before]
        assert len(after) == 3
        said = [entry.message for entry in await client.call("log.tail")]
        assert any("what it found is not kept" in line for line in said)
        assert any("what it found is kept" in line for line in said)


async def test_what_has_become_something_else_meanwhile_is_refused_whole() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        cameras: list[m.Camera] = await client.call("camera.list")
        stack.take_nvr_away()
        stack.bring_nvr_back("--channels", "1")
        shown = await stack.scan(client, nvr, preview=True)
        assert shown.diff is not None and shown.diff.missing == [2]
        await client.call("camera.remove", {"ids": [cameras[1].id]})
        with pytest.raises(Conflict, match="cameras were changed meanwhile"):
            await client.call("job.apply", {"id": shown.id})
        assert [camera.id for camera in await client.call("camera.list")] == [cameras[0].id]
        jobs: list[m.Job] = await client.call("job.list")
        assert next(job for job in jobs if job.id == shown.id).outcome == "discarded"


async def test_a_changed_address_and_a_newer_scan_make_the_old_result_worthless() -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        stack.take_nvr_away()
        stack.bring_nvr_back("--channels", "2")
        older = await stack.scan(client, nvr, preview=True)
        newer = await stack.scan(client, nvr, preview=True)
        assert (await wait_for_job(client, older.id)).outcome == "discarded"
        await client.call("nvr.update", {"id": nvr.id, "username": "someone-else"})
        assert (await wait_for_job(client, newer.id)).outcome == "discarded"
