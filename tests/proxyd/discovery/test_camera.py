"""Discovery of whole cameras: kept in the database, set by recorders over ONVIF, stamped by the boot of the daemon."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from proxyd.api.models import CameraState, NvrState
from proxyd.camera.manager import CameraManager
from proxyd.camera.status import NvrHealth
from proxyd.discovery.sockets import PORT
from proxyd.hub import Hub
from proxyd.rtsp.plane import Plane
from proxyd.snapshot.fetch import SnapshotSource
from proxyd.store.camera_changes import CameraChange
from proxyd.store.rows import FoundInterface
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store
from tests.proxyd.discovery.wire import Recorder, Said, probe, unused_address
from tests.proxyd.onvif.builders import soap, username_token
from tests.proxyd.store.builders import add_nvr, channels, scan

SET_MODE = "<tds:DiscoveryMode>{}</tds:DiscoveryMode>"


@pytest.fixture
def address() -> str:
    return unused_address()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    store = await Store.open(folder / "data" / "proxyd.db", Secrets.load(folder / "key"))
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def one_camera(store: Store, address: str) -> AsyncIterator[CameraManager]:
    """Runs what is in the store; the first time that is made first."""
    if not await store.cameras():
        nvr = await add_nvr(store)
        await scan(store, nvr.id, channels([1]))
        found = FoundInterface(f"lo:{address}", "a2:00:00:00:00:01", address, 8, "loopback")
        await store.register_interfaces([found])
        await store.assign_interfaces()
    snapshots = SnapshotSource(report=lambda nvr_id, error: None)
    manager = CameraManager(
        store,
        Hub(),
        snapshots,
        health=lambda nvr_id: NvrHealth(NvrState.OK),
        report=lambda nvr_id, error: None,
        now=lambda: "now",
        plane=Plane(),
    )
    await manager.start()
    try:
        yield manager
    finally:
        await manager.stop()
        await snapshots.close()


async def ask_mode(manager: CameraManager, operation: str, content: str = "") -> tuple[int, str]:
    """One request of a recorder that knows the camera's password."""
    camera, row = manager.cameras()[0], manager.row(1)
    assert camera.onvif_url
    now = None
    async with aiohttp.ClientSession() as session:
        clock = await session.post(camera.onvif_url, data=soap("tds:GetSystemDateAndTime", header=""), headers=TYPE)
        now = Said(await clock.read()).root
        utc = {e.tag.rpartition("}")[2]: int(e.text or 0) for e in now.iter() if (e.text or "").isdigit()}
        created = "{Year:04}-{Month:02}-{Day:02}T{Hour:02}:{Minute:02}:{Second:02}Z".format(**utc)
        body = soap(f"tds:{operation}", content, username_token(row.username, row.password, created=created))
        async with session.post(camera.onvif_url, data=body, headers=TYPE) as response:
            return response.status, await response.text()


TYPE = {"Content-Type": "application/soap+xml"}


async def found(recorder: Recorder, address: str, message_id: str) -> Said:
    recorder.ask(probe(message_id=message_id), address)
    while True:
        said = await recorder.hears("ProbeMatches")
        if said.sender[0] == address and said.text("RelatesTo") == message_id:
            return said


def is_closed(address: str) -> bool:
    """Nobody has the camera's own discovery port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trying:
        trying.bind((address, PORT))  # without SO_REUSEADDR: fails while anybody is there
        return True


async def test_a_recorder_hides_a_camera_for_ever_and_shows_it_again(tmp_path: Path, address: str) -> None:
    async with Recorder(PORT) as recorder:
        async with opened(tmp_path) as store, one_camera(store, address) as manager:
            assert manager.cameras()[0].state is CameraState.RUNNING
            before = await found(recorder, address, "urn:uuid:a")
            assert before.text("Address") == f"urn:uuid:{manager.cameras()[0].uuid}"
            status, answer = await ask_mode(manager, "SetDiscoveryMode", SET_MODE.format("NonDiscoverable"))
            assert status == 200, answer
            assert not manager.cameras()[0].discovery
            assert is_closed(address)
            log = [row.message for row in await store.log_tail()]
            assert any(message.startswith("The recorder at 127.0.0.1 switched discovery of ") for message in log)
        async with opened(tmp_path) as store, one_camera(store, address) as manager:
            assert is_closed(address)
            assert "NonDiscoverable" in (await ask_mode(manager, "GetDiscoveryMode"))[1]
            await ask_mode(manager, "SetDiscoveryMode", SET_MODE.format("Discoverable"))
            assert manager.cameras()[0].discovery
            after = await found(recorder, address, "urn:uuid:b")
            assert ">Discoverable<" in (await ask_mode(manager, "GetDiscoveryMode"))[1]
    assert after.text("Address") == before.text("Address")
    assert after.instance > before.instance, "a new boot"
    assert int(after.text("MetadataVersion")) > int(before.text("MetadataVersion"))


async def test_instances_grow_even_when_the_clock_was_put_back(tmp_path: Path, address: str) -> None:
    future = 4_000_000_000
    async with Recorder(PORT) as recorder, opened(tmp_path) as store:
        await store.set_setting("discovery.instance_id", str(future))
        async with one_camera(store, address):
            assert (await found(recorder, address, "urn:uuid:c")).instance == future + 1


async def test_numbers_grow_over_a_restart_of_the_camera(tmp_path: Path, address: str) -> None:
    async with Recorder(PORT) as recorder, opened(tmp_path) as store, one_camera(store, address) as manager:
        before = await found(recorder, address, "urn:uuid:d")
        await manager.refresh(restart=[1])
        after = await found(recorder, address, "urn:uuid:e")
    assert after.instance == before.instance
    assert after.number > before.number + 1, "the Bye in between has one, too"


async def test_a_new_name_reaches_recorders_that_search(tmp_path: Path, address: str) -> None:
    async with Recorder(PORT) as recorder, opened(tmp_path) as store, one_camera(store, address) as manager:
        await store.change_camera(CameraChange(1, name="Gate 7"))
        await manager.refresh()
        assert "onvif://www.onvif.org/name/Gate%207" in (await found(recorder, address, "urn:uuid:f")).text("Scopes")


async def test_a_taken_port_stops_no_camera(tmp_path: Path, address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((address, PORT))
        async with opened(tmp_path) as store, one_camera(store, address) as manager:
            camera = manager.cameras()[0]
            assert camera.state is CameraState.RUNNING
            assert "used by another program" in camera.note
            assert (await ask_mode(manager, "GetDiscoveryMode"))[0] == 200


async def test_a_new_address_is_greeted_from_and_the_old_one_left(tmp_path: Path, address: str) -> None:
    new = address.replace("127.93", "127.95")
    async with Recorder(PORT) as recorder, opened(tmp_path) as store, one_camera(store, address) as manager:
        before = await found(recorder, address, "urn:uuid:g")
        moved = FoundInterface(f"lo:{address}", "a2:00:00:00:00:01", new, 8, "loopback")
        await store.register_interfaces([moved])
        await manager.refresh()
        while (bye := await recorder.hears("Bye")).sender[0] != address:
            pass
        while (hello := await recorder.hears("Hello")).sender[0] != new:
            pass
        assert new in hello.text("XAddrs")
        assert bye.text("Address") == hello.text("Address") == before.text("Address")
        assert before.number < bye.number < hello.number
        assert int(hello.text("MetadataVersion")) > int(before.text("MetadataVersion"))
        assert is_closed(address)
