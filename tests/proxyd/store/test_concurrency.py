"""Scans, edits, removals and assignments all at once: still one camera per interface (contract 4)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from proxyd.errors import NotFound, ProxyError
from proxyd.store.camera_changes import CameraChange
from proxyd.store.store import Store

from .builders import add_nvr, channels, interfaces, scan


async def check_invariants(store: Store, interface_count: int) -> None:
    cameras, all_interfaces = await store.cameras(), await store.interfaces()
    used = [camera.interface.id for camera in cameras if camera.interface]
    assert len(used) == len(set(used))
    assert {row.id: row.camera for row in all_interfaces if row.camera} == {
        camera.interface.id: camera.id for camera in cameras if camera.interface
    }
    assert len(all_interfaces) == interface_count
    assert len(await store.free_interfaces()) == interface_count - len(used)
    assert len({camera.channel_id for camera in cameras}) == len(cameras)
    for values in ({camera.uuid for camera in cameras}, {camera.serial for camera in cameras}):
        assert len(values) == len(cameras)


async def test_a_hundred_at_once_leave_one_camera_per_interface(store: Store) -> None:
    dice = random.Random(7)
    count = 20
    await store.register_interfaces(interfaces(count))
    nvr_ids = [(await add_nvr(store, f"192.0.2.{n}")).id for n in (1, 2, 3)]

    def scan_some() -> Awaitable[Any]:
        found = channels(dice.sample(range(1, 17), dice.randint(1, 12)))
        return scan(store, dice.choice(nvr_ids), found, complete=dice.random() < 0.5, restore=dice.random() < 0.3)

    def remove_some() -> Awaitable[Any]:
        return store.remove_camera([dice.randint(1, 40) for _ in range(dice.randint(1, 2))])

    kinds: list[Callable[[], Awaitable[Any]]] = [
        scan_some,
        scan_some,
        remove_some,
        lambda: store.change_camera(CameraChange(dice.randint(1, 40), name=f"renamed {dice.random()}")),
        store.assign_interfaces,
        lambda: store.register_interfaces(interfaces(count)),
        lambda: store.change_camera(CameraChange(dice.randint(1, 40), username="u", password="p")),
        store.cameras,
    ]
    tasks = [asyncio.ensure_future(dice.choice(kinds)()) for _ in range(100)]
    for task in dice.sample(tasks, 15):
        task.get_loop().call_soon(task.cancel)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    unexpected = [r for r in results if isinstance(r, BaseException)]
    assert all(isinstance(r, (NotFound, asyncio.CancelledError)) for r in unexpected), unexpected
    await store.assign_interfaces()
    await check_invariants(store, count)


async def test_two_scans_of_one_nvr_at_once_make_each_camera_once(store: Store) -> None:
    nvr = await add_nvr(store)
    await store.register_interfaces(interfaces(16))
    diffs = await asyncio.gather(*(scan(store, nvr.id, channels(range(1, 17))) for _ in range(8)))
    assert sorted(len(diff.new) for diff in diffs) == [0] * 7 + [16]
    assert len(await store.cameras()) == 16
    await check_invariants(store, 16)


async def test_an_nvr_removed_during_its_scans_leaves_nothing(store: Store) -> None:
    nvr = await add_nvr(store)
    await store.register_interfaces(interfaces(8))
    tasks = [scan(store, nvr.id, channels(range(1, 9))) for _ in range(4)]
    results = await asyncio.gather(*tasks[:2], store.remove_nvr(nvr.id), *tasks[2:], return_exceptions=True)
    assert sum(isinstance(r, ProxyError) for r in results) == 2
    assert await store.cameras() == []
    await check_invariants(store, 8)
