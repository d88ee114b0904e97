"""NVRs: addresses, names, accounts, removal."""

from __future__ import annotations

import pytest

from proxyd.errors import Conflict, NotFound
from proxyd.nvr.result import DeviceIdentity
from proxyd.store.camera_changes import CameraChange
from proxyd.store.store import Store
from proxyd.store.uris import move_uri

from .builders import add_nvr, channel, channels, interfaces, scan


async def test_an_nvr_is_kept_with_its_account(store: Store) -> None:
    nvr = await store.add_nvr(host="nvr.lan", port=8000, username="admin", password="", name="Hall")
    assert (nvr.id, nvr.name, nvr.host, nvr.port, nvr.username, nvr.password) == (
        1,
        "Hall",
        "nvr.lan",
        8000,
        "admin",
        "",
    )
    assert (nvr.channels, nvr.online, nvr.last_scan, nvr.auth_failed) == (0, 0, None, False)
    assert nvr.access.port == 8000
    assert await store.nvr(1) == nvr
    assert await store.nvrs() == [nvr]


async def test_the_same_address_twice_is_refused_naming_the_first(store: Store) -> None:
    await add_nvr(store, name="Hall")
    with pytest.raises(Conflict, match=r"Hall.*192\.0\.2\.10 port 80"):
        await add_nvr(store)
    assert len(await store.nvrs()) == 1
    other = await add_nvr(store, "192.0.2.11")
    with pytest.raises(Conflict, match="Hall"):
        await store.update_nvr(other.id, host="192.0.2.10")
    assert (await store.nvr(other.id)).host == "192.0.2.11"


async def test_default_names_are_unique_and_given_names_must_be(store: Store) -> None:
    names = []
    for port in (80, 81, 82):
        nvr = await store.add_nvr(host="192.0.2.10", port=port, username="a", password="b")
        names.append(nvr.name)
    assert names == ["NVR 192.0.2.10", "NVR 192.0.2.10 (2)", "NVR 192.0.2.10 (3)"]
    with pytest.raises(Conflict, match="already called"):
        await store.update_nvr(1, name="NVR 192.0.2.10 (2)")
    assert (await store.update_nvr(1, name="NVR 192.0.2.10")).name == "NVR 192.0.2.10"


@pytest.mark.parametrize("change", [{"host": "192.0.2.99"}, {"username": "root"}, {"password": "new"}])
async def test_a_new_address_or_account_is_worth_another_try(store: Store, change: dict[str, str]) -> None:
    nvr = await add_nvr(store)
    await store.set_auth_failed(nvr.id, True)
    assert (await store.update_nvr(nvr.id, name="Other")).auth_failed is True
    changed = await store.update_nvr(nvr.id, **change)  # type: ignore[arg-type]  # fields by name
    assert changed.auth_failed is False
    for field, value in change.items():
        assert getattr(changed, field) == value
    assert changed.name == "Other"


async def test_how_streams_come_is_kept_and_no_reason_for_another_login(store: Store) -> None:
    nvr = await add_nvr(store)
    assert nvr.access.transport == "auto"
    await store.set_auth_failed(nvr.id, True)
    changed = await store.update_nvr(nvr.id, transport="udp")
    assert changed.access.transport == "udp" and changed.auth_failed
    assert (await store.update_nvr(nvr.id, name="Other")).access.transport == "udp"


async def test_upstream_addresses_move_with_the_nvr(store: Store) -> None:
    nvr = await add_nvr(store)
    await scan(store, nvr.id, [channel(1)])
    await store.update_nvr(nvr.id, host="192.0.2.77", port=8080)
    camera = await store.camera(1)
    assert camera.snapshot_upstream == "http://192.0.2.77:8080/snapshot/1?pwd=hunter2"
    assert camera.streams[0].upstream_url == "rtsp://192.0.2.77/main/1?user=admin&password=hunter2"
    assert camera.nvr.host == "192.0.2.77"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("rtsp://a:554/x?y=1%202", "rtsp://b/x?y=1%202"),
        ("rtsp://a:8554/x", "rtsp://b:8554/x"),
        ("http://a:8000/pic", "http://b:9000/pic"),
        ("http://a/pic", "http://b/pic"),
        ("https://a:444/pic", "https://b:444/pic"),
        ("rtsp://a:99999/x", "rtsp://b/x"),
        ("rtsp://a:8000/x", "rtsp://b:9000/x"),  # both on one port (TVT)
    ],
)
def test_only_the_nvrs_own_port_moves(uri: str, expected: str) -> None:
    assert move_uri(uri, old=("a", 8000), new=("b", 9000)) == expected


def test_ipv6_hosts_get_their_brackets() -> None:
    assert move_uri("rtsp://[fe80::1]:8554/x", old=("fe80::1", 80), new=("fd00::2", 80)) == "rtsp://[fd00::2]:8554/x"


async def test_identity_and_scan_time_are_kept(store: Store) -> None:
    nvr = await add_nvr(store)
    identity = DeviceIdentity("Maker", "Model", "1.2", "S1", -3600.5, 16)
    await store.set_identity(nvr.id, identity, "2026-01-02T03:04:05Z")
    await scan(store, nvr.id, [channel(1), channel(2, online=False)])
    row = await store.nvr(nvr.id)
    assert row.identity == identity
    assert (row.last_scan, row.channels, row.online) == ("2026-01-02T03:04:05Z", 2, 1)


async def test_removing_an_nvr_takes_its_cameras_and_frees_their_interfaces(store: Store) -> None:
    first, second = await add_nvr(store), await add_nvr(store, "192.0.2.11")
    await store.register_interfaces(interfaces(4))
    await scan(store, first.id, channels([1, 2]))
    await scan(store, second.id, channels([1]))
    await store.change_camera(CameraChange(1, username="own", password="secret"))
    removed, camera_ids = await store.remove_nvr(first.id)
    assert (removed.id, camera_ids) == (first.id, [1, 2])
    assert [row.id for row in await store.cameras()] == [3]
    assert [row.name for row in await store.free_interfaces()] == ["cam4", "cam1", "cam2"]
    assert (await add_nvr(store)).id == 3, "ids are never used again"


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    calls = (
        store.nvr(7),
        store.update_nvr(7, name="x"),
        store.set_auth_failed(7, True),
        store.set_identity(7, DeviceIdentity(), "2026-01-02T03:04:05Z"),
        store.remove_nvr(7),
        scan(store, 7, [channel(1)]),
    )
    for call in calls:
        with pytest.raises(NotFound, match="no NVR 7"):
            await call
