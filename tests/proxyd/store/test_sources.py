"""Sources that are not ONVIF in the store: rows per host, port and account; identity like that of every camera."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxyd.errors import Conflict
from proxyd.nvr.result import ScannedChannel, ScannedStream
from proxyd.sources.source import NewSource, Stated, new_source
from proxyd.store.store import Store
from tests.proxyd.store.builders import PORTS, interfaces


def source(path: str, *, account: str = "u:p@", name: str = "", sub: str = "", snapshot: str = "") -> NewSource:
    base = f"rtsp://{account}192.0.2.7"
    picture = f"http://192.0.2.7/{snapshot}" if snapshot else None
    return new_source(main=f"{base}/{path}", sub=f"{base}/{sub}" if sub else None, snapshot=picture, name=name)


async def add(store: Store, *sources: NewSource) -> list[int]:
    return [row.id for row in await store.add_sources(sources, start=True, ports=PORTS)]


async def test_sources_of_one_account_are_one_row_and_each_a_camera(store: Store) -> None:
    await store.register_interfaces(interfaces(4))
    ids = await add(store, source("a", sub="a2", snapshot="s.jpg"), source("b", name="Door"), source("c", account=""))
    assert len(ids) == 2
    first, second = await store.nvrs()
    assert (first.kind, first.name, first.port, first.username, first.password) == (
        "rtsp",
        "RTSP 192.0.2.7",
        554,
        "u",
        "p",
    )
    assert (second.name, second.username, second.password) == ("RTSP 192.0.2.7 (2)", "", "")
    cameras = await store.cameras()
    assert [(c.nvr_id, c.channel_number, c.name, c.channel_state) for c in cameras] == [
        (first.id, 1, "Camera 1", "offline"),
        (first.id, 2, "Door", "offline"),
        (second.id, 1, "Camera 2", "offline"),
    ]
    assert [s.upstream_url for s in cameras[0].streams] == ["rtsp://192.0.2.7/a", "rtsp://192.0.2.7/a2"]
    assert cameras[0].snapshot_upstream == "http://192.0.2.7/s.jpg"


async def test_more_of_an_account_follow_in_its_row(store: Store) -> None:
    (row,) = await add(store, source("a"))
    assert await add(store, source("b")) == [row]
    assert [known.number for known in await store.sources(row)] == [1, 2]
    assert [known.name for known in await store.sources(row)] == ["Camera 1", "Camera 2"]


async def test_the_same_stream_twice_and_another_password_change_nothing(store: Store) -> None:
    await add(store, source("a"))
    for twice in (source("a"), source("b", account="u:other@")):
        with pytest.raises(Conflict):
            await add(store, source("z"), twice)
    assert len(await store.cameras()) == 1


async def test_an_nvr_may_stand_at_the_address_of_a_source(store: Store) -> None:
    await add(store, source("a"))
    nvr = await store.add_nvr(host="192.0.2.7", port=554, username="u", password="p")
    assert nvr.kind == "onvif"


async def test_a_row_does_not_take_the_address_and_account_of_another(store: Store) -> None:
    first, second = await add(store, source("a"), source("b", account="v:p@"))
    with pytest.raises(Conflict):
        await store.update_nvr(second, username="u")
    await store.update_nvr(second, username="w")
    moved = await store.update_nvr(first, host="192.0.2.9", port=8554)
    assert (moved.host, moved.port) == ("192.0.2.9", 8554)
    camera = next(c for c in await store.cameras() if c.nvr_id == first)
    assert camera.streams[0].upstream_url == "rtsp://192.0.2.9:8554/a"


async def test_what_reading_them_finds_keeps_identity_and_addresses(store: Store) -> None:
    (row,) = await add(store, source("a", sub="a2"))
    (before,) = await store.cameras()
    (known,) = await store.sources(row)
    main = ScannedStream(replace(known.streams[0].spec, codec="H265", width=2560, height=1440), "main")
    read = ScannedChannel(known.key, known.number, known.name, True, (main,))
    diff = await store.apply_scan(row, [read], complete=False, start=True, restore=False, ports=PORTS)
    (after,) = await store.cameras()
    assert (diff.new, diff.changed, diff.missing) == ([], [1], [])
    assert (after.id, after.uuid, after.serial, after.name) == (before.id, before.uuid, before.serial, before.name)
    assert (after.channel_state, after.streams[0].width, after.streams[1].upstream_url) == (
        "online",
        2560,
        "rtsp://192.0.2.7/a2",
    )


async def test_a_removed_camera_comes_back_when_it_is_added_again(store: Store) -> None:
    (row,) = await add(store, source("a"))
    (camera,) = await store.cameras()
    await store.remove_camera([camera.id])
    assert (await store.sources(row))[0].ignored
    assert await add(store, source("a")) == [row]
    (again,) = await store.cameras()
    assert again.channel_number == 1
    assert again.uuid != camera.uuid


async def change(store: Store, camera_id: int, new: NewSource) -> int | None:
    return (await store.change_source(camera_id, new))[1]


async def test_a_changed_source_keeps_its_camera_its_row_and_its_number(store: Store) -> None:
    await store.register_interfaces(interfaces(1))
    (row,) = await add(store, source("a", sub="a2", snapshot="s.jpg", name="Yard"))
    (before,) = await store.cameras()
    new = new_source(main="rtsp://v:q@192.0.2.9:8554/x", name="Back yard")
    after, emptied = await store.change_source(before.id, new, name="Back yard")
    assert emptied is None
    (nvr,) = await store.nvrs()
    assert (nvr.id, nvr.place, nvr.password) == (row, ("192.0.2.9", 8554, "v"), "q")
    assert [s.upstream_url for s in after.streams] == ["rtsp://192.0.2.9:8554/x"]
    assert (after.snapshot_upstream, after.name, after.channel_name) == (None, "Back yard", "Back yard")
    assert (after.id, after.uuid, after.serial, after.channel_number, after.interface) == (
        before.id,
        before.uuid,
        before.serial,
        before.channel_number,
        before.interface,
    )


async def test_a_source_with_another_account_leaves_its_row_and_may_come_back(store: Store) -> None:
    (row,) = await add(store, source("a"), source("b"))
    first, second = await store.cameras()
    assert await change(store, second.id, source("b", account="v:q@", name="b")) is None
    here, there = await store.nvrs()
    assert [known.key for known in await store.sources(there.id)] == [source("b").key]
    assert len(await store.sources(here.id)) == 1
    assert await change(store, second.id, source("b", name="b")) == there.id  # nothing is left there
    assert [nvr.id for nvr in await store.nvrs()] == [row]
    assert [camera.id for camera in await store.cameras()] == [first.id, second.id]
    assert [known.number for known in await store.sources(row)] == [1, 2]


async def test_a_new_password_counts_for_all_of_the_account(store: Store) -> None:
    (row,) = await add(store, source("a"), source("b"))
    (first, _) = await store.cameras()
    await change(store, first.id, source("a", account="u:new@", name="a"))
    assert [(nvr.id, nvr.password) for nvr in await store.nvrs()] == [(row, "new")]
    assert len(await store.sources(row)) == 2


async def test_a_source_takes_neither_a_stream_nor_an_account_of_another(store: Store) -> None:
    await add(store, source("a"), source("b"), source("c", account="v:p@"))
    before = await store.cameras()
    for taken in (source("b"), source("a", account="v:other@")):
        with pytest.raises(Conflict):
            await change(store, before[0].id, taken)
    assert await store.cameras() == before


async def test_a_source_may_take_the_stream_of_a_removed_camera(store: Store) -> None:
    (row,) = await add(store, source("a"), source("b"))
    first, second = await store.cameras()
    await store.remove_camera([second.id])
    await change(store, first.id, source("b", name="b"))
    assert [(known.key, known.number) for known in await store.sources(row)] == [(source("b").key, 1)]


async def test_no_secret_lies_in_the_file_in_clear(store: Store, database: Path) -> None:
    await store.add_sources(
        [new_source(main="rtsp://u:hunter2pass@192.0.2.7/x_password=hunter2pass_y", stated=(Stated(1, 2), Stated()))],
        start=False,
        ports=PORTS,
    )
    for file in database.parent.iterdir():
        assert b"hunter2pass" not in file.read_bytes()
