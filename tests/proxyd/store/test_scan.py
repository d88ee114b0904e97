"""Scans add, update and mark missing; they never delete, renumber, rename or swap (contract 3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxyd.camera.features import AnalyticsItem, ChannelFeatures, ChannelTokens, ImagingFeatures, PtzFeatures
from proxyd.camera.spec import AudioSpec
from proxyd.nvr.result import ScannedChannel
from proxyd.store.camera_changes import CameraChange
from proxyd.store.rows import CameraRow, NvrRow
from proxyd.store.store import Store

from .builders import PORTS, add_nvr, channel, channels, interfaces, scan, stream


@pytest.fixture
async def nvr(store: Store) -> NvrRow:
    await store.register_interfaces(interfaces(8))
    return await add_nvr(store)


def identity(camera: CameraRow) -> tuple[object, ...]:
    mac = camera.interface.mac if camera.interface else None
    return camera.id, camera.uuid, camera.serial, mac, camera.http_port, camera.rtsp_port, camera.channel_number


async def test_the_first_scan_makes_a_camera_per_channel(store: Store, nvr: NvrRow) -> None:
    diff = await scan(store, nvr.id, [channel(2), channel(1), channel(4, online=False)])
    assert (diff.new, diff.changed, diff.missing, diff.offline) == ([1, 2, 4], [], [], [4])
    rows = await store.cameras()
    assert [(row.id, row.channel_number, row.name, row.channel_state) for row in rows] == [
        (1, 1, "Camera 1", "online"),
        (2, 2, "Camera 2", "online"),
        (3, 4, "Camera 4", "offline"),
    ]
    assert [row.interface.name for row in rows if row.interface] == ["cam1", "cam2", "cam3"]
    assert all(row.enabled and (row.http_port, row.rtsp_port) == (PORTS.http, PORTS.rtsp) for row in rows)
    assert len({row.uuid for row in rows}) == len({row.serial for row in rows}) == 3
    assert all(row.serial.startswith("OT") and len(row.serial) == 12 for row in rows)
    assert [s.name for s in rows[0].streams] == ["main", "sub"]
    assert rows[2].streams == ()
    assert [(await store.camera(row.id)) for row in rows] == rows


async def test_a_second_scan_changes_nothing(store: Store, nvr: NvrRow) -> None:
    found = [channel(1), channel(2, online=False)]
    await scan(store, nvr.id, found)
    before = await store.cameras()
    diff = await scan(store, nvr.id, found)
    assert (diff.new, diff.changed, diff.missing, diff.offline) == ([], [], [], [])
    assert await store.cameras() == before


async def test_start_decides_about_new_cameras_only(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1]), start=False)
    await scan(store, nvr.id, channels([1, 2]), start=True)
    assert [row.enabled for row in await store.cameras()] == [False, True]


async def test_a_rename_on_the_nvr_does_not_rename_the_camera(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1, 2]))
    await store.change_camera(CameraChange(1, name="Gate"))
    diff = await scan(store, nvr.id, [channel(1, name="OSD 1"), channel(2, name="OSD 2")])
    assert diff.changed == [1, 2]
    assert [(row.name, row.channel_name) for row in await store.cameras()] == [("Gate", "OSD 1"), ("Camera 2", "OSD 2")]


async def test_missing_is_marked_only_by_a_complete_scan_and_undone_by_the_next(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1, 2]))
    before = [identity(row) for row in await store.cameras()]
    assert (await scan(store, nvr.id, channels([1]), complete=False)).missing == []
    assert [row.channel_state for row in await store.cameras()] == ["online", "online"]
    assert (await scan(store, nvr.id, channels([1]))).missing == [2]
    assert (await scan(store, nvr.id, channels([1]))).missing == [], "only what became different"
    assert (await store.camera(2)).channel_state == "missing"
    assert ((await store.nvr(nvr.id)).channels, (await store.nvr(nvr.id)).online) == (1, 1)
    assert (await scan(store, nvr.id, channels([1, 2]))).changed == [2]
    assert [identity(row) for row in await store.cameras()] == before


async def test_an_offline_channel_keeps_what_was_known(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1]))
    before = await store.camera(1)
    diff = await scan(store, nvr.id, [channel(1, name="", online=False)])
    assert (diff.changed, diff.offline) == ([1], [1])
    after = await store.camera(1)
    assert after.channel_state == "offline"
    assert (after.streams, after.snapshot_upstream, after.channel_name) == (
        before.streams,
        before.snapshot_upstream,
        before.channel_name,
    )


async def test_new_tokens_for_all_channels_are_matched_by_number(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1, 2]))
    before = [identity(row) for row in await store.cameras()]
    diff = await scan(store, nvr.id, [channel(1, key="new1"), channel(2, key="new2")], complete=False)
    assert (diff.new, diff.missing) == ([], [])
    assert [identity(row) for row in await store.cameras()] == before


async def test_an_unread_channel_does_not_lend_its_camera_to_a_new_one(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1, 2]))
    diff = await scan(store, nvr.id, [channel(1), channel(2, key="another")], complete=False)
    assert diff.new == [2]
    assert len(await store.cameras()) == 3


async def test_a_channel_keeps_the_number_it_was_first_seen_with(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1, 2]))
    await scan(store, nvr.id, [channel(5, key="source1"), channel(2)])
    assert [row.channel_number for row in await store.cameras()] == [1, 2]


async def test_removed_cameras_stay_removed_unless_restored(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1, 2]))
    (removed,) = await store.remove_camera([1])
    diff = await scan(store, nvr.id, [channel(1, name="changed"), channel(2)])
    assert (diff.new, diff.changed) == ([], [])
    assert [row.channel_number for row in await store.cameras()] == [2]
    diff = await scan(store, nvr.id, channels([1, 2]), restore=True)
    assert diff.new == [1]
    back = (await store.cameras())[-1]
    assert back.channel_number == 1
    assert (back.id, back.uuid) != (removed.id, removed.uuid)
    assert back.interface is not None
    assert removed.interface is not None
    assert back.interface.name == "cam3" != removed.interface.name
    assert (await scan(store, nvr.id, channels([1, 2]))).new == []


async def test_a_stream_that_vanished_keeps_its_row_without_address(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1]))
    only_main = channel(1, streams=[stream("main", 1)])
    await scan(store, nvr.id, [only_main], complete=False)
    assert (await store.camera(1)).streams[1].upstream_url is not None, "an incomplete scan proves nothing"
    await scan(store, nvr.id, [only_main])
    main, sub = (await store.camera(1)).streams
    assert main.upstream_url is not None
    assert (sub.name, sub.width, sub.upstream_url) == ("sub", 640, None)
    await scan(store, nvr.id, channels([1]))
    assert (await store.camera(1)).streams[1].upstream_url is not None


async def test_an_address_that_could_not_be_read_this_time_is_kept(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1]))
    main = stream("main", 1)
    no_address = replace(main, spec=replace(main.spec, upstream_url=None))
    unread = channel(1, streams=[no_address, stream("sub", 1)])
    await scan(store, nvr.id, [unread], complete=False)
    assert (await store.camera(1)).streams[0].upstream_url is not None
    await scan(store, nvr.id, [unread])
    assert (await store.camera(1)).streams[0].upstream_url is None


async def test_what_a_busy_nvr_did_not_tell_of_a_camera_is_kept(store: Store, nvr: NvrRow) -> None:
    async def after_scan(found: ChannelFeatures) -> ChannelFeatures:
        await scan(store, nvr.id, [replace(channel(1), features=found)])
        return (await store.cameras())[0].features

    tokens = ChannelTokens(video_source="source1", ptz_configuration="ptz1")
    complete = ChannelFeatures(
        tokens, ptz=PtzFeatures(home=True), imaging=ImagingFeatures(modes=(("IrCutFilter", ()),))
    )
    assert await after_scan(complete) == complete
    assert await after_scan(ChannelFeatures(tokens)) == complete
    watched = replace(tokens, analytics="analytics1")
    rule, module = AnalyticsItem("Gate", "tt:LineDetector"), AnalyticsItem("Cells", "tt:CellMotionEngine")
    ruled = replace(complete, tokens=watched, rules=(rule,), modules=(module,))
    assert await after_scan(ruled) == ruled
    assert await after_scan(ChannelFeatures(watched)) == ruled
    assert (await after_scan(replace(ruled, rules=()))).rules == (), "it told of its modules, and of no rule"
    assert (await after_scan(replace(ruled, tokens=tokens, rules=(), modules=()))).modules == ()
    fixed = ChannelFeatures(ChannelTokens(video_source="source2"))
    assert await after_scan(fixed) == fixed, "another camera stands there now"


async def test_names_of_a_channel_that_was_never_online_are_known(store: Store, nvr: NvrRow) -> None:
    """Its events must not be taken for another's; what it had when it was online stays."""
    named = ChannelFeatures(ChannelTokens(video_source="source1", profiles=("p1",)), imaging=ImagingFeatures())
    only_names = ChannelFeatures(named.tokens)
    offline = replace(channel(1, online=False), features=named)
    await scan(store, nvr.id, [offline])
    assert (await store.camera(1)).features == only_names
    await scan(store, nvr.id, [replace(channel(1), features=named)])
    await scan(store, nvr.id, [replace(offline, features=ChannelFeatures(ChannelTokens(profiles=("p2",))))])
    assert (await store.camera(1)).features == named


async def test_channels_of_removed_cameras_are_known_by_name(store: Store, nvr: NvrRow) -> None:
    features = ChannelFeatures(ChannelTokens(video_source="source2"))
    await scan(store, nvr.id, [channel(1), replace(channel(2), features=features)])
    assert await store.channels_without_camera() == {}
    await store.remove_camera([2])
    assert await store.channels_without_camera() == {nvr.id: [features]}


async def test_main_and_sub_do_not_swap_when_the_nvr_swaps_them(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, [channel(1, streams=[stream("main", 1, token="A"), stream("sub", 1, token="B")])])
    swapped = [stream("main", 1, token="B", width=320), stream("sub", 1, token="A", width=3840)]
    await scan(store, nvr.id, [channel(1, streams=swapped)])
    main, sub = (await store.camera(1)).streams
    assert (main.name, main.width, sub.name, sub.width) == ("main", 3840, "sub", 320)
    assert main.upstream_url is not None
    assert "/A/" in main.upstream_url


async def test_new_stream_tokens_are_taken_as_they_come(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1]))
    await scan(store, nvr.id, [channel(1, streams=[stream("main", 1, token="X"), stream("sub", 1, token="main1")])])
    main, sub = (await store.camera(1)).streams
    assert main.upstream_url is not None
    assert sub.upstream_url is not None
    assert "/X/" in main.upstream_url
    assert "/main1/" in sub.upstream_url


async def test_nonsense_of_the_device_does_not_spoil_the_scan(store: Store, nvr: NvrRow) -> None:
    main = stream("main", 1)
    odd = replace(
        main,
        spec=replace(
            main.spec, width=-5, fps=2**40, bitrate_kbps=-1, gov_length=-1, audio=AudioSpec("AAC", -64, 2**50)
        ),
    )
    found = [channel(1, name="a\x00b\n" + "c" * 100, streams=[odd]), channel(2, name=" \t"), channel(3)]
    assert (await scan(store, nvr.id, found)).new == [1, 2, 3]
    first, second, _ = await store.cameras()
    assert (first.name, second.name) == ("a b " + "c" * 60, "Channel 2")
    assert (first.streams[0].width, first.streams[0].fps) == (0, 2**31 - 1)
    assert first.streams[0].audio == AudioSpec("AAC", 0, 2**31 - 1)


async def test_a_key_named_twice_counts_once_and_is_said(store: Store, nvr: NvrRow) -> None:
    diff = await scan(store, nvr.id, [channel(1), channel(2, key="source1"), channel(3)])
    assert diff.new == [1, 3]
    assert "twice" in diff.warnings[0]


async def test_too_few_interfaces_are_said_and_later_ones_are_given_out(store: Store, nvr: NvrRow) -> None:
    diff = await scan(store, nvr.id, channels(range(1, 11)))
    assert "2 camera(s) wait for an interface" in diff.warnings[0]
    assert [row.interface is None for row in await store.cameras()] == [False] * 8 + [True] * 2
    await store.register_interfaces(interfaces(9))
    assert await store.assign_interfaces() == [9]
    await store.remove_camera([1])
    assert await store.assign_interfaces() == [10]
    assert await store.assign_interfaces() == []


async def test_nvrs_do_not_share_channels(store: Store, nvr: NvrRow) -> None:
    other = await add_nvr(store, "192.0.2.11")
    await scan(store, nvr.id, channels([1, 2]))
    await scan(store, other.id, channels([1, 2]))
    await scan(store, other.id, [])
    assert [row.channel_state for row in await store.cameras()] == ["online", "online", "missing", "missing"]


async def test_sixty_four_channels_are_one_quick_transaction(store: Store, nvr: NvrRow) -> None:
    found: list[ScannedChannel] = channels(range(1, 65))
    assert len((await scan(store, nvr.id, found)).new) == 64
    assert len(await store.cameras()) == 64


async def test_one_stream_alone_keeps_the_name_of_its_token(store: Store, nvr: NvrRow) -> None:
    await scan(store, nvr.id, channels([1]))
    before = (await store.camera(1)).streams
    # The NVR tells no resolution of the main stream for a while: its sub stream is then the largest.
    alone = channel(1, streams=[stream("main", 1, token="sub1", width=640)])
    await scan(store, nvr.id, [alone], complete=False)
    main, sub = (await store.camera(1)).streams
    assert main == before[0]
    assert (sub.name, sub.upstream_profile) == ("sub", "sub1")


async def test_numbers_that_the_nvr_does_not_tell_stay_as_they_were(store: Store, nvr: NvrRow) -> None:
    told = stream("main", 1)
    told = replace(told, spec=replace(told.spec, fps=20, bitrate_kbps=3000))
    await scan(store, nvr.id, [channel(1, streams=[told])])
    nonsense = replace(told, spec=replace(told.spec, fps=25, bitrate_kbps=4096, width=1280), guessed=("fps",))
    await scan(store, nvr.id, [channel(1, streams=[nonsense])])
    (main,) = (await store.camera(1)).streams
    assert (main.fps, main.bitrate_kbps, main.width) == (20, 4096, 1280)
    # Nothing was known of a stream that is new: then a usual number is better than none.
    await scan(store, nvr.id, [channel(2, streams=[replace(stream("main", 2), guessed=("fps", "bitrate_kbps"))])])
    assert (await store.camera(2)).streams[0].fps == 25
