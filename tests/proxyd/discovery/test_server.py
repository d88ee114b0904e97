"""Cameras on real sockets of lo: found by multicast and alone, greeting, leaving, and never in each other's way."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from proxyd.camera.spec import CameraSpec
from proxyd.camera.trace import Trace
from proxyd.discovery.guard import MAX_DATAGRAM_BYTES
from proxyd.discovery.responder import AppSequence
from proxyd.discovery.server import APP_MAX_DELAY_S, DiscoveryServer
from proxyd.discovery.sockets import open_speaking
from tests.proxyd.discovery.wire import Recorder, probe, resolve, unused_address
from tests.proxyd.onvif.builders import camera_spec

_numbers = count(1)


def at_once(low: float, high: float) -> float:
    return low


def spec(**changes: Any) -> CameraSpec:
    """A camera with a number and an address of its own."""
    number = next(_numbers)
    address = changes.pop("address", unused_address())
    uuid = f"6f1c2f6e-0f4b-4c11-9d0c-{number:012}"
    return replace(
        camera_spec(), **{"id": number, "address": address, "interface": f"lo:{address}", "uuid": uuid} | changes
    )


@pytest.fixture
def port() -> int:
    """Nobody else's, unlike 3702: other daemons of this machine may hear on lo, too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe_socket:
        probe_socket.bind(("127.91.0.1", 0))
        return int(probe_socket.getsockname()[1])


@asynccontextmanager
async def running(
    camera: CameraSpec,
    port: int,
    *,
    sequence: AppSequence | None = None,
    trace: Trace | None = None,
    uniform: Callable[[float, float], float] = at_once,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[DiscoveryServer]:
    record = trace or Trace(lambda: "now")
    server = DiscoveryServer(camera, sequence or AppSequence(7), record=record, port=port, uniform=uniform, clock=clock)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def test_a_camera_greets_answers_and_takes_leave(port: int) -> None:
    camera = spec()
    async with Recorder(port) as recorder:
        async with running(camera, port) as server:
            hello, again = await recorder.hears("Hello"), await recorder.hears("Hello")
            recorder.ask(probe(message_id="urn:uuid:first"))
            match = await recorder.hears("ProbeMatches")
            recorder.ask(resolve(f"urn:uuid:{camera.uuid}", message_id="urn:uuid:second"))
            resolved = await recorder.hears("ResolveMatches")
            assert server.note == ""
        bye = await recorder.hears("Bye")
    everything = [hello, again, match, resolved, bye]
    assert {said.sender for said in everything} == {(camera.address, port)}
    assert {said.instance for said in everything} == {7}
    assert [said.number for said in everything] == [1, 1, 2, 3, 4]
    assert hello.data == again.data
    assert match.text("RelatesTo") == "urn:uuid:first"
    assert resolved.text("RelatesTo") == "urn:uuid:second"
    for said in (hello, match, resolved):
        assert said.text("Address") == f"urn:uuid:{camera.uuid}"
        assert camera.address in said.text("XAddrs")
        assert "onvif://www.onvif.org/Profile/Streaming" in said.text("Scopes").split()
        assert said.text("Types").split() == ["dn:NetworkVideoTransmitter", "tds:Device"]
    assert bye.text("Address") == f"urn:uuid:{camera.uuid}"


async def test_cameras_at_one_address_are_all_found_by_asking_it_alone(port: int) -> None:
    """As in shared-address mode; those of another address, and one that left, are not asked."""
    address = unused_address()
    cameras = [spec(address=address, http_port=8000 + number) for number in range(5)]
    async with Recorder(port) as recorder, AsyncExitStack() as stack:
        for camera in [*cameras, spec()]:
            await stack.enter_async_context(running(camera, port))
        async with running(spec(address=address), port):
            pass
        for again in ("first", "second"):
            recorder.ask(probe(message_id=f"urn:uuid:{again}"), address)
            answers = [await recorder.hears("ProbeMatches") for _ in cameras]
            assert {said.text("Address") for said in answers} == {f"urn:uuid:{camera.uuid}" for camera in cameras}
            assert {said.text("RelatesTo") for said in answers} == {f"urn:uuid:{again}"}
        recorder.ask(resolve(f"urn:uuid:{cameras[0].uuid}"), address)
        assert (
            (await recorder.hears("ResolveMatches", "ProbeMatches"))
            .text("XAddrs")
            .endswith(":8000/onvif/device_service")
        )
    assert not DiscoveryServer._at


async def test_one_probe_is_answered_once_by_each_of_many(port: int) -> None:
    cameras = [spec() for _ in range(24)]
    async with Recorder(port) as recorder, AsyncExitStack() as stack:
        for camera in cameras:
            await stack.enter_async_context(running(camera, port, uniform=lambda low, high: high / 50))
        for _ in range(3):
            recorder.ask(probe())
        answers = [await recorder.hears("ProbeMatches") for _ in cameras]
        recorder.ask(probe(message_id="urn:uuid:last"))
        last = [await recorder.hears("ProbeMatches") for _ in cameras]
    for said in (answers, last):
        assert {a.text("Address") for a in said} == {f"urn:uuid:{camera.uuid}" for camera in cameras}
        assert {a.sender[0] for a in said} == {camera.address for camera in cameras}
    assert {a.text("RelatesTo") for a in last} == {"urn:uuid:last"}


async def test_answers_to_multicast_wait_up_to_the_whole_delay_and_others_do_not(port: int) -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return 0.0

    camera = spec()
    async with Recorder(port) as recorder, running(camera, port, uniform=uniform):
        await recorder.hears("Hello")
        await recorder.hears("Hello")
        asked.clear()
        recorder.ask(probe(message_id="urn:uuid:1"), camera.address)
        await recorder.hears("ProbeMatches")
        assert asked == []
        recorder.ask(probe(message_id="urn:uuid:2"))
        await recorder.hears("ProbeMatches")
        assert asked == [(0, APP_MAX_DELAY_S)]


async def test_a_probe_to_one_address_finds_only_that_camera(port: int) -> None:
    one, other = spec(), spec()
    async with Recorder(port) as recorder, running(one, port), running(other, port) as silent:
        recorder.ask(probe(), one.address)
        answer = await recorder.hears("ProbeMatches")
        assert answer.sender[0] == one.address
        assert silent.counts.answered == 0


async def test_switching_off_and_on(port: int) -> None:
    camera = spec()
    async with Recorder(port) as recorder, running(camera, port) as server:
        await recorder.hears("Hello")
        server.update(replace(camera, discovery=False))
        await recorder.hears("Bye")
        with pytest.raises(OSError):
            await unreachable(camera.address, port)
        server.update(camera)
        await recorder.hears("Hello")
        recorder.ask(probe(), camera.address)
        await recorder.hears("ProbeMatches")


async def unreachable(address: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.connect((address, port))
        asking.send(probe())
        async with asyncio.timeout(30):
            await loop.sock_recv(asking, 1)


async def test_a_camera_that_may_not_be_found_opens_nothing(port: int) -> None:
    camera = spec(discovery=False)
    async with Recorder(port) as recorder, running(camera, port) as server:
        with pytest.raises(OSError):
            await unreachable(camera.address, port)
        server.tend()
        assert server.note == ""
    assert recorder.said.empty()


async def test_a_new_name_is_announced_with_a_higher_version(port: int) -> None:
    camera = spec()
    async with Recorder(port) as recorder, running(camera, port) as server:
        before = await recorder.hears("Hello")
        await recorder.hears("Hello")
        server.update(replace(camera, password="another"))  # says nothing new
        server.update(replace(camera, name="Gate"))
        after = await recorder.hears("Hello")
    assert "onvif://www.onvif.org/name/Gate" in after.text("Scopes").split()
    assert int(after.text("MetadataVersion")) == int(before.text("MetadataVersion")) + 1
    assert after.number == before.number + 1


async def test_numbers_grow_over_stop_and_start(port: int) -> None:
    camera, sequence = spec(), AppSequence(99)
    numbers = []
    async with Recorder(port) as recorder:
        for _ in range(2):
            async with running(camera, port, sequence=sequence):
                numbers.append((await recorder.hears("Hello")).number)
            numbers.append((await recorder.hears("Bye")).number)
    assert numbers == sorted(set(numbers))


async def test_nothing_that_arrives_does_harm(port: int, caplog: pytest.LogCaptureFixture) -> None:
    camera = spec()
    bomb = b"<!DOCTYPE a [<!ENTITY b '" + b"b" * 200 + b"'>]><a>&b;</a>"
    garbage = [b"", b"\xff\xfe", b"<", bomb, b" " * (MAX_DATAGRAM_BYTES + 500), b"<a>" * 3000, probe()[:-40]]
    caplog.set_level(logging.WARNING)
    async with Recorder(port) as recorder, running(camera, port) as server:
        for data in garbage:
            recorder.ask(data, camera.address)
        recorder.ask(probe(), camera.address)
        await recorder.hears("ProbeMatches")
        assert server.counts.unreadable == len(garbage)
        assert server.counts.answered == 1
    assert caplog.records == []


async def test_a_taken_port_is_a_note_and_it_tries_again(port: int) -> None:
    camera, now = spec(), [0.0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((camera.address, port))  # without SO_REUSEADDR: it does not share
        async with Recorder(port) as recorder, running(camera, port, clock=lambda: now[0]) as server:
            assert "another program" in server.note
            assert camera.address in server.note
            now[0] = 1.5
            server.tend()
            assert "another program" in server.note
            other.close()
            now[0] = 2.5
            server.tend()
            assert server.note, "the second pause is longer than the first"
            now[0] = 3.6
            server.tend()
            assert server.note == ""
            await recorder.hears("Hello")


async def test_an_address_that_is_gone_is_a_note(port: int) -> None:
    async with running(spec(address="192.0.2.77", interface="lo"), port) as server:
        assert "192.0.2.77" in server.note


async def test_an_interface_made_anew_is_joined_again(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel forgets the membership with the old interface; the sockets must be made anew."""
    camera = spec()
    indexes = [socket.if_nametoindex("lo") + 1000]
    monkeypatch.setattr("proxyd.discovery.server.interface_index", lambda _: indexes[0])
    async with running(camera, port) as server:
        assert server.note  # no such interface
        indexes[0] -= 1000
        async with Recorder(port) as recorder:
            server.tend()
            assert server.note == ""
            await recorder.hears("Hello")
            recorder.ask(probe())
            await recorder.hears("ProbeMatches")


async def test_the_trace_names_a_searching_recorder_once(port: int) -> None:
    camera, trace = spec(), Trace(lambda: "now")
    async with Recorder(port) as recorder, running(camera, port, trace=trace):
        for number in range(3):
            recorder.ask(probe(message_id=f"urn:uuid:{number}"), camera.address)
            await recorder.hears("ProbeMatches")
        entries = trace.last(10)
        assert [(e.protocol, e.operation, e.ok, e.client) for e in entries] == [
            ("discovery", "Probe", True, recorder.address)
        ]
    assert trace.recorder is None


def test_sockets_are_closed_when_an_option_fails() -> None:
    with pytest.raises(OSError):
        open_speaking("127.91.0.3", 2**20, 0)
