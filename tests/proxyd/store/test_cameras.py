"""Edits of cameras, accounts, settings and the log."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from proxyd.camera.settings import CameraSettings, CameraUser, Certificate
from proxyd.errors import Conflict, NotFound
from proxyd.store import log as log_table
from proxyd.store.camera_changes import CameraChange
from proxyd.store.credentials import generate_password
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store

from .builders import add_nvr, channels, scan


@pytest.fixture
async def two_cameras(store: Store) -> Store:
    nvr = await add_nvr(store)
    await scan(store, nvr.id, channels([1, 2]))
    return store


async def test_all_cameras_share_the_default_pair_until_one_gets_its_own(two_cameras: Store) -> None:
    store = two_cameras
    pair = await store.default_credentials()
    assert pair[0] == "onvif"
    assert all((c.username, c.password, c.own_credentials) == (*pair, False) for c in await store.cameras())
    first = await store.change_camera(CameraChange(1, username="gate", password="p1"))
    assert (first.username, first.password, first.own_credentials) == ("gate", "p1", True)
    assert (await store.change_camera(CameraChange(1, username="gate2", password="p2"))).password == "p2"
    assert (await store.camera(2)).username == pair[0]


async def test_user_and_password_changed_at_once_are_both_kept(two_cameras: Store) -> None:
    store = two_cameras
    await asyncio.gather(
        store.change_camera(CameraChange(1, username="gate")), store.change_camera(CameraChange(1, password="p1"))
    )
    camera = await store.camera(1)
    assert (camera.username, camera.password) == ("gate", "p1")


async def test_settings_changed_at_once_are_all_kept(two_cameras: Store) -> None:
    store = two_cameras
    await asyncio.gather(
        store.change_camera(CameraChange(1, settings={"notify": ("10.9.0.0/24",)})),
        store.change_camera(CameraChange(1, settings={"hostname": "gate"})),
    )
    settings = (await store.camera(1)).settings
    assert (settings.notify, settings.hostname) == (("10.9.0.0/24",), "gate")
    assert (await store.camera(2)).settings == CameraSettings()


async def test_a_certificate_that_somebody_brought_is_not_replaced_by_the_cameras_first_one(two_cameras: Store) -> None:
    store = two_cameras
    brought, made = Certificate("brought", "key 1"), Certificate("made", "key 2")
    await store.set_certificate(1, brought, "mine")
    for camera, kept, name in ((1, brought, "mine"), (2, made, CameraSettings().certificate_id)):
        row = await store.set_certificate(camera, made, only_first=True)
        assert (row.certificate, row.settings.certificate_id) == (kept, name)
        assert (await store.camera(camera)).certificate == kept


async def test_accounts_changed_at_once_are_not_lost_in_silence(two_cameras: Store) -> None:
    store = two_cameras
    guard, visitor = CameraUser("guard", "p1", "Operator"), CameraUser("visitor", "p2", "User")
    outcomes = await asyncio.gather(
        store.set_users(1, [guard], before=()), store.set_users(1, [visitor], before=()), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert len(refused) == 1
    kept = (await store.camera(1)).users
    assert len(kept) == 1
    both = await store.set_users(1, [guard, visitor], before=kept)
    assert both.users == (guard, visitor)
    assert (await store.camera(2)).users == ()


async def test_the_default_pair_is_made_once(store: Store, database: Path, secrets: Secrets) -> None:
    pair = await store.default_credentials()
    await store.close()
    again = await Store.open(database, secrets)
    try:
        assert await again.default_credentials() == pair
    finally:
        await again.close()


def test_generated_passwords_can_be_typed_and_pass_recorders_rules() -> None:
    for _ in range(200):
        word = generate_password()
        assert len(word) == 12
        assert not set(word) & set("0O1lIi")
        assert any(map(str.isdigit, word))
        assert any(map(str.isupper, word))
        assert any(map(str.islower, word))


async def test_renaming_and_switching_off(two_cameras: Store) -> None:
    store = two_cameras
    assert (await store.change_camera(CameraChange(2, name="Hof – Süd"))).name == "Hof – Süd"
    await store.set_enabled([1, 2], False)
    assert [c.enabled for c in await store.cameras()] == [False, False]
    await store.set_enabled([2], True)
    assert [c.enabled for c in await store.cameras()] == [False, True]
    with pytest.raises(NotFound, match="no camera 3"):
        await store.set_enabled([1, 3], True)
    assert not (await store.camera(1)).enabled


async def test_unknown_cameras_are_not_found(store: Store) -> None:
    for call in (
        store.camera(1),
        store.change_camera(CameraChange(1, name="x")),
        store.change_camera(CameraChange(1, username="u", password="p")),
        store.remove_camera([1]),
    ):
        with pytest.raises(NotFound, match="no camera 1"):
            await call


async def test_settings_are_kept(store: Store) -> None:
    assert await store.setting("site") is None
    await store.set_setting("site", "a")
    await store.set_setting("site", "b")
    assert await store.setting("site") == "b"


async def test_the_log_is_read_oldest_first(store: Store) -> None:
    rows = [await store.log("info", "daemon", f"m{n}", "root") for n in range(5)]
    assert await store.log_tail(10) == rows
    assert await store.log_tail(2) == rows[3:]
    assert await store.log_tail(10, after=rows[2].id) == rows[3:]
    assert await store.log_tail(10, after=99) == []


async def test_log_times_are_utc(database: Path, secrets: Secrets) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    store = await Store.open(database, secrets, now=lambda: at)
    try:
        assert (await store.log("warning", "nvr 1", "x")).at == "2026-01-02T01:04:05.000Z"
        assert at.astimezone(UTC).hour == 1
    finally:
        await store.close()


async def test_the_log_is_pruned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_table, "MAX_ROWS", 10)
    for number in range(25):
        await store.log("info", "daemon", str(number) + "x" * 5000)
    rows = await store.log_tail(1000)
    assert [row.id for row in rows] == list(range(16, 26))
    assert max(len(row.message) for row in rows) == 2000


async def test_the_log_is_searched(store: Store) -> None:
    await store.log("info", "camera 1", "Yard was renamed.", "anna via onviftui")
    await store.log("warning", "nvr 1", "100% of the password was refused")
    await store.log("error", "camera 1", "Yard failed")
    await store.log("info", "camera 11", "Ramp was renamed.", "bob")

    async def found(**wanted: Any) -> list[str]:
        return [row.message.split()[0] for row in await store.log_tail(10, **wanted)]

    assert await found(level="warning") == ["100%", "Yard"]
    assert await found(subject="camera 1") == ["Yard", "Yard"]
    assert await found(actor="ANNA") == ["Yard"]
    assert await found(text="0% OF") == ["100%"]
    assert await found(text="nvr") == ["100%"]
    assert await found(before=3) == ["Yard", "100%"]
    assert await found(text="' OR 1=1 --") == []
