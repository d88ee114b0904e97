"""Changes that are recorded can be taken back whole, unless something else has changed the same since."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxyd.camera.settings import CameraUser, Certificate
from proxyd.errors import Conflict, NotFound
from proxyd.store.camera_changes import CameraChange
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store
from proxyd.store.undoing import CAMERA_TABLES, NVR_TABLES, recording

from .builders import add_nvr, channels, interfaces, scan

EVERYTHING = (*NVR_TABLES, *CAMERA_TABLES)


@pytest.fixture
async def two(store: Store) -> Store:
    nvr = await add_nvr(store)
    await scan(store, nvr.id, channels([1, 2]))
    await store.register_interfaces(interfaces(2))
    await store.assign_interfaces()
    return store


async def test_many_changes_of_many_cameras_are_taken_back_as_one(two: Store) -> None:
    before = await two.cameras()
    changes = [
        CameraChange(1, name="Gate", discovery=False, username="gate", settings={"audio": False}),
        CameraChange(2, name="Yard", password="another", drop_users=True),
    ]
    await two.set_users(2, [CameraUser("guard", "p", "User")])
    before = await two.cameras()
    with recording(CAMERA_TABLES) as recorder:
        rows = await two.change_cameras(changes)
    assert [(row.name, row.users) for row in rows] == [("Gate", ()), ("Yard", ())]
    assert rows[0].username == "gate" and rows[1].password == "another"
    await two.take_back(recorder.changes)
    assert await two.cameras() == before


async def test_nothing_of_a_bulk_change_is_done_when_one_camera_is_not_there(two: Store) -> None:
    before = await two.cameras()
    with pytest.raises(NotFound):
        await two.change_cameras([CameraChange(1, name="Gate"), CameraChange(9, name="Yard")])
    assert await two.cameras() == before


async def test_no_name_is_given_twice_whatever_runs_at_once(two: Store) -> None:
    both = [CameraChange(1, name="Gate"), CameraChange(2, name="Yard")]
    swapped = [CameraChange(1, name="Yard"), CameraChange(2, name="Gate")]
    tries = [[CameraChange(1 + number % 2, name="Gate")] for number in range(20)] + [both, swapped] * 5
    results = await asyncio.gather(*(two.change_cameras(changes) for changes in tries), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert refused and all(isinstance(error, Conflict) for error in refused)
    assert any("is called Gate already" in str(error) for error in refused)
    assert len({row.name for row in await two.cameras()}) == 2


async def test_a_name_that_stays_is_no_reason_to_refuse_the_rest(two: Store) -> None:
    await two.change_cameras([CameraChange(1, name="Gate")])
    (row,) = await two.change_cameras([CameraChange(1, name="Gate", discovery=False)])
    assert (row.name, row.discovery) == ("Gate", False)


async def test_a_removed_camera_comes_back_with_its_identity(two: Store) -> None:
    await two.change_camera(CameraChange(1, username="own", password="own password"))
    await two.set_users(1, [CameraUser("guard", "p", "Operator")])
    await two.set_certificate(1, Certificate("chain", "key"), "mine")
    await two.set_adopted_by(1, "10.0.0.9")
    before, order = await two.cameras(), await two.free_interfaces()
    with recording(CAMERA_TABLES) as recorder:
        await two.remove_camera([1])
    assert len(await two.cameras()) == 1
    await two.take_back(recorder.changes)
    assert await two.cameras() == before
    assert await two.free_interfaces() == order
    with pytest.raises(Conflict, match="changed again"):
        await two.take_back(recorder.changes)
    assert await two.cameras() == before


async def test_who_took_its_interface_keeps_it(two: Store) -> None:
    (nvr,) = await two.nvrs()
    await scan(two, nvr.id, channels([1, 2, 3]))
    with recording(CAMERA_TABLES) as recorder:
        await two.remove_camera([1])
    assert await two.assign_interfaces() == [3]
    await two.take_back(recorder.changes)
    first, _, third = await two.cameras()
    assert first.interface is None and third.interface is not None
    await two.register_interfaces(interfaces(3))
    assert await two.assign_interfaces() == [1]


async def test_a_channel_that_has_a_camera_again_keeps_that(two: Store) -> None:
    (nvr,) = await two.nvrs()
    with recording(CAMERA_TABLES) as recorder:
        await two.remove_camera([1])
    await two.change_cameras([CameraChange(2, name="Other")])
    await scan(two, nvr.id, channels([1, 2]), restore=True)
    before = await two.cameras()
    with pytest.raises(Conflict, match=r"has a camera again|changed again"):
        await two.take_back(recorder.changes)
    assert await two.cameras() == before


async def test_what_was_changed_since_is_not_overwritten(two: Store) -> None:
    with recording(CAMERA_TABLES) as recorder:
        await two.change_cameras([CameraChange(1, name="Gate", discovery=False)])
    await two.change_camera(CameraChange(1, name="Door"))
    with pytest.raises(Conflict, match="changed again since"):
        await two.take_back(recorder.changes)
    row = await two.camera(1)
    assert (row.name, row.discovery) == ("Door", False)  # all or nothing
    await two.change_camera(CameraChange(1, name="Gate"))
    await two.set_adopted_by(1, "10.0.0.9")  # of the same row, but not of the change
    await two.take_back(recorder.changes)
    row = await two.camera(1)
    assert (row.name, row.discovery, row.adopted_by) == ("Camera 1", True, "10.0.0.9")


async def test_an_nvr_goes_back_to_its_address_with_all_its_streams(two: Store) -> None:
    (nvr,) = await two.nvrs()
    before = await two.cameras()
    with recording(("credentials", "nvrs")) as recorder:
        await two.update_nvr(nvr.id, host="192.0.2.99", username="other", password="new", name="Barn")
    moved = (await two.cameras())[0]
    assert "192.0.2.99" in (moved.streams[0].upstream_url or "")
    await two.take_back(recorder.changes)
    assert await two.nvrs() == [nvr]
    assert await two.cameras() == before


async def test_a_removed_nvr_comes_back_with_its_cameras(two: Store) -> None:
    (nvr,) = await two.nvrs()
    before = await two.cameras()
    with recording(EVERYTHING) as recorder:
        await two.remove_nvr(nvr.id)
    assert await two.cameras() == [] and await two.nvrs() == []
    await two.take_back(recorder.changes)
    assert await two.nvrs() == [nvr]
    assert await two.cameras() == before


async def test_only_the_task_that_records_is_recorded(two: Store) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def somebody_else() -> None:
        begun.set()
        await go_on.wait()
        await two.change_camera(CameraChange(2, name="Later"))

    with recording(CAMERA_TABLES) as recorder:
        task = asyncio.create_task(somebody_else(), name="inherits the recorder")
        await begun.wait()
        await two.change_camera(CameraChange(1, name="Gate"))
    go_on.set()
    await task
    assert [change.key for change in recorder.changes] == [(1,)]


async def test_a_transaction_that_fails_leaves_no_change_to_take_back(two: Store) -> None:
    with recording(CAMERA_TABLES) as recorder, pytest.raises(NotFound):
        await two.remove_camera([1, 99])
    assert recorder.changes == []


async def test_secrets_stay_tokens(two: Store, secrets: Secrets, tmp_path: Path) -> None:
    with recording(CAMERA_TABLES) as recorder:
        await two.change_camera(CameraChange(1, username="own", password="very-secret-word"))
    assert recorder.changes
    assert "secret-word" not in repr([(change, change.before, change.after) for change in recorder.changes])
