"""The search: messages through the guard, and devices on loopback. No multicast leaves the machine."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.discovery.guard import MAX_DATAGRAM_BYTES
from proxyd.nvr.discovery import MAX_PER_SENDER, check_device, search
from proxyd.nvr.probe import PROBE_TYPES, Match, format_probe, parse_matches
from proxyd.onvif.scopes import scopes
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.discovery import parse_probe, probe_matches
from proxyd.simulator.faults import Faults
from tests.proxyd.nvr.odd_device import OddDevice
from tests.proxyd.onvif.builders import camera_spec

ASKED = "urn:uuid:11111111-2222-3333-4444-555555555555"


def answer(xaddr: str, scopes: list[str] | None = None, asked: str = ASKED) -> bytes:
    return probe_matches(asked, endpoint="e", xaddr=xaddr, scopes=scopes or [], answer_id="a")


def parsed(data: bytes, sender: str = "192.168.1.20") -> list[Match]:
    return parse_matches(data, sender=sender, message_ids=[ASKED])


@pytest.mark.parametrize("wanted", PROBE_TYPES)
def test_probes_are_understood_by_a_device(wanted: tuple[str, str, str]) -> None:
    message = format_probe(ASKED, wanted)
    assert parse_probe(message) == ASKED
    assert wanted[0].encode() in message


def test_a_match_names_port_and_scopes() -> None:
    scopes = ["onvif://www.onvif.org/name/Big%20NVR", "onvif://www.onvif.org/hardware/X_1", "onvif://www.onvif.org/x"]
    assert parsed(answer("http://192.168.1.20:8000/onvif/device_service", scopes)) == [
        Match("192.168.1.20", 8000, "Big NVR", "X 1")
    ]


@pytest.mark.parametrize(
    ("xaddr", "port"),
    [
        ("http://0.0.0.0/onvif/device_service", 80),
        ("http://10.0.0.1:81/x http://192.168.1.20:82/x", 82),
        ("http://[fe80::1]:83/x", 83),
        ("https://192.168.1.20/x http://nvr.local:84/x", 84),
    ],
)
def test_the_sender_is_the_host_whatever_it_calls_itself(xaddr: str, port: int) -> None:
    assert parsed(answer(xaddr)) == [Match("192.168.1.20", port)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"\xff\xfe<a/>",
        b"<a/>",
        answer("ftp://x/"),
        answer("http://h/x", asked="urn:uuid:another-question"),
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + answer("http://h/x"),
        answer("http://h/x") + b" " * MAX_DATAGRAM_BYTES,
        answer("http://h/x").replace(b"urn:uuid:a<", b"<"),
        answer("http://h:99999/x"),
    ],
)
def test_what_is_no_answer_is_dropped(data: bytes) -> None:
    assert parsed(data) == []


@given(
    st.one_of(
        st.binary(max_size=400),
        st.builds(lambda i, j: answer("http://h/")[:i] + j, st.integers(0, 900), st.binary(max_size=9)),
    )
)
def test_any_datagram_is_survived(data: bytes) -> None:
    parsed(data)


async def test_simulated_nvrs_are_found_and_checked() -> None:
    async with (
        SimulatedNvr(channels=4, dialect="reolink", discovery_port=0) as one,
        SimulatedNvr(host="127.0.0.2", channels=4, discovery_port=0, faults=Faults.parse(["html"])) as other,
    ):
        where = [f"{nvr.host}:{nvr.discovery_port}" for nvr in (one, other)]
        found = await search(0.3, [*where, "127.0.0.1:1", "no-such-host.invalid", ":::"], interfaces=())
        assert one.wrong_passwords == other.wrong_passwords == 0
    assert [(f.host, f.port) for f in found] == [("127.0.0.1", one.port), ("127.0.0.2", other.port)]
    assert found[0].answers
    assert found[0].needs_password
    assert found[0].name
    assert not found[1].answers
    assert "web page" in found[1].note
    assert all(f.known is None for f in found)


async def test_an_open_device_tells_its_channels() -> None:
    async with OddDevice() as device:
        found = await check_device(Match("127.0.0.1", device.port))
        assert not device.signed
    assert found.needs_password is False
    assert found.channels == 2


async def test_a_device_that_hangs_is_left_after_the_deadline() -> None:
    release = asyncio.Event()

    async def hang(request: Any, text: str) -> Any:
        await release.wait()
        return ""

    async with OddDevice(any_operation=hang) as device:
        found = await check_device(Match("127.0.0.1", device.port), timeout_s=0.2)
        release.set()
    assert not found.answers
    assert found.note


async def test_a_flood_of_answers_is_limited() -> None:
    """One sender that claims to be a thousand devices: the number of checks has an end."""
    loop = asyncio.get_running_loop()

    class Liar(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
            asked = parse_probe(data)
            assert asked is not None
            for port in range(1, 4 * MAX_PER_SENDER):
                self.transport.sendto(answer(f"http://127.0.0.1:{port}/x", asked=asked), addr)

    transport, _ = await loop.create_datagram_endpoint(Liar, local_addr=("127.0.0.1", 0), family=socket.AF_INET)
    try:
        found = await search(0.3, [f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"], interfaces=())
    finally:
        transport.close()
    assert len(found) == MAX_PER_SENDER


def test_virtual_cameras_are_never_nvrs() -> None:
    """Not those of this machine, nor those of another one that runs the same program."""
    assert parsed(answer("http://192.168.1.20/x", list(scopes(camera_spec())))) == []


async def test_nobody_at_our_own_addresses_is_looked_at() -> None:
    async with SimulatedNvr(channels=1, discovery_port=0) as nvr:
        where = f"127.0.0.1:{nvr.discovery_port}"
        assert await search(0.2, [where], interfaces=(), own=["127.0.0.1"]) == []
        assert len(await search(0.2, [where], interfaces=(), own=["127.0.0.2", "vcam1"])) == 1


async def test_a_cancelled_search_leaves_nothing_open() -> None:
    running = asyncio.create_task(search(30, ["127.0.0.1:1"], interfaces=()), name="search under test")
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_multicast_on_loopback_does_no_harm() -> None:
    assert isinstance(await search(0.2, interfaces=("lo",)), list)
