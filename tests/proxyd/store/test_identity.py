"""Whatever a NVR reports, in whatever order: cameras keep who they are (contracts 1 and 3)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.nvr.result import ScannedChannel
from proxyd.store.camera_changes import CameraChange
from proxyd.store.matching import KnownChannel, match_channels
from proxyd.store.rows import CameraRow
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store

from .builders import add_nvr, channel, interfaces, scan, stream

_tokens = st.sampled_from(["A", "B", "C", ""])


_stream_names: st.SearchStrategy[tuple[str, ...]] = st.sampled_from([(), ("main",), ("sub",), ("main", "sub")])


@st.composite
def scanned_channels(draw: st.DrawFn) -> ScannedChannel:
    number = draw(st.integers(1, 5))
    names = draw(_stream_names)
    streams = [stream(name, number, token=draw(_tokens) or "none") for name in names]
    unread: bool = draw(st.booleans())
    if streams and unread:
        streams[0] = replace(streams[0], spec=replace(streams[0].spec, upstream_url=None))
    key = draw(st.sampled_from(["k1", "k2", "k3", "k4", "k5", ""]))
    name = draw(st.text(max_size=8))
    return channel(number, key=key or f"n{number}", name=name, online=draw(st.booleans()), streams=streams)


@dataclass(frozen=True)
class Scan:
    channels: Sequence[ScannedChannel]
    complete: bool
    restore: bool


_scans = st.lists(
    st.builds(Scan, st.lists(scanned_channels(), max_size=5), st.booleans(), st.booleans()), min_size=1, max_size=4
)


def identity(camera: CameraRow) -> tuple[object, ...]:
    mac = camera.interface.mac if camera.interface else None
    return camera.uuid, camera.serial, mac, camera.http_port, camera.rtsp_port, camera.channel_number, camera.name


@settings(max_examples=40)
@given(scans=_scans)
async def test_any_sequence_of_scans_leaves_identity_unchanged(scans: list[Scan]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(Path(folder) / "t.db", Secrets([Fernet.generate_key().decode()]))
        try:
            nvr = await add_nvr(store)
            await store.register_interfaces(interfaces(40))
            known: dict[int, tuple[object, ...]] = {}
            streams: dict[int, set[str]] = {}
            for number, one in enumerate(scans):
                await scan(store, nvr.id, one.channels, complete=one.complete, restore=one.restore)
                cameras = {camera.id: camera for camera in await store.cameras()}
                assert known.keys() <= cameras.keys(), "no camera was deleted"
                for id_, camera in cameras.items():
                    assert known.setdefault(id_, identity(camera)) == identity(camera)
                    names = {stream.name for stream in camera.streams}
                    assert streams.setdefault(id_, set()) <= names, "no stream was deleted"
                    streams[id_] |= names
                macs = [camera.interface.mac for camera in cameras.values() if camera.interface]
                assert len(macs) == len(set(macs)) == len(cameras)
                again = await scan(store, nvr.id, one.channels, complete=one.complete)
                assert again.new == again.missing == again.offline == []
                if number == 0 and 1 in known:
                    renamed = await store.change_camera(CameraChange(1, name="mine"))
                    known[1] = identity(renamed)
        finally:
            await store.close()


@given(
    known=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), max_size=6, unique_by=lambda pair: pair[0]),
    found=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 6)), max_size=8),
    complete=st.booleans(),
)
def test_matching_is_one_to_one_and_keys_go_first(
    known: list[tuple[int, int]], found: list[tuple[int, int]], complete: bool
) -> None:
    stored = [
        KnownChannel(id_, f"k{key}", number, "", "online", False, None)
        for id_, (key, number) in enumerate(known, start=1)
    ]
    scanned = [ScannedChannel(f"k{key}", number, "", True) for key, number in found]
    matches = match_channels(stored, scanned, complete=complete)
    assert len({match.scanned.key for match in matches}) == len(matches) == len({c.key for c in scanned})
    partners = [match.known.id for match in matches if match.known]
    assert len(partners) == len(set(partners))
    by_key = {c.key: c for c in stored}
    for match in matches:
        if match.scanned.key in by_key:
            assert match.known == by_key[match.scanned.key]
        elif match.known:
            assert match.known.number == match.scanned.number
