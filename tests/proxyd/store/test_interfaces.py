"""Who gets which interface: never shared, never stolen, freed ones last (contracts 1 and 4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxyd.errors import Conflict, NotFound
from proxyd.store.store import Store

from .builders import add_nvr, channels, interfaces, scan


async def test_never_used_before_freed_and_freed_in_order(store: Store) -> None:
    nvr = await add_nvr(store)
    await store.register_interfaces(interfaces(5))
    await scan(store, nvr.id, channels([1, 2, 3]))
    await store.remove_camera([2])
    await store.remove_camera([3, 1])
    assert [row.name for row in await store.free_interfaces()] == ["cam4", "cam5", "cam2", "cam3", "cam1"]
    await scan(store, nvr.id, channels(range(11, 17)))
    names = [row.interface.name for row in await store.cameras() if row.interface]
    assert names == ["cam4", "cam5", "cam2", "cam3", "cam1"]
    assert await store.free_interfaces() == []


async def test_a_changed_name_or_address_is_no_new_interface(store: Store) -> None:
    nvr = await add_nvr(store)
    await store.register_interfaces(interfaces(2))
    await scan(store, nvr.id, channels([1]))
    renamed = replace(interfaces(1)[0], name="eth9", mac="02:00:00:00:00:01".upper(), address="10.0.0.9")
    await store.register_interfaces([renamed, interfaces(2)[1]])
    rows = await store.interfaces()
    assert [(row.name, row.address, row.camera) for row in rows] == [
        ("eth9", "10.0.0.9", 1),
        ("cam2", "127.0.0.2", None),
    ]
    assert (await store.camera(1)).interface == rows[0]


async def test_addresses_may_change_places(store: Store) -> None:
    one, two = interfaces(2)
    await store.register_interfaces([one, two])
    await store.register_interfaces([replace(one, address=two.address), replace(two, address=one.address)])
    assert [row.address for row in await store.interfaces()] == ["127.0.0.2", "127.0.0.1"]


async def test_an_interface_that_is_gone_is_not_given_out_but_kept_for_its_camera(store: Store) -> None:
    nvr = await add_nvr(store)
    await store.register_interfaces(interfaces(3))
    await scan(store, nvr.id, channels([1]))
    await store.register_interfaces(interfaces(1, first=3))
    assert [row.name for row in await store.free_interfaces()] == ["cam3"]
    camera = await store.camera(1)
    assert camera.interface is not None
    assert (camera.interface.name, camera.interface.present) == ("cam1", False)
    assert [row.present for row in await store.interfaces()] == [False, False, True]
    await store.register_interfaces(interfaces(1, first=2), complete=False)
    assert [row.name for row in await store.free_interfaces()] == ["cam2", "cam3"]


async def test_a_bad_interface_changes_nothing(store: Store) -> None:
    good, bad = interfaces(2)
    with pytest.raises(Conflict):
        await store.register_interfaces([good, replace(bad, mac="nonsense")])
    assert await store.interfaces() == []


async def test_several_cameras_are_removed_together_or_not_at_all(store: Store) -> None:
    nvr = await add_nvr(store)
    await store.register_interfaces(interfaces(3))
    await scan(store, nvr.id, channels([1, 2, 3]))
    with pytest.raises(NotFound, match="cameras 9, 10"):
        await store.remove_camera([1, 9, 10])
    assert len(await store.cameras()) == 3
    assert [row.id for row in await store.remove_camera([3, 1, 3])] == [3, 1]
