"""WS-Discovery: a Probe gets its ProbeMatches, by unicast and by multicast; anything else gets silence."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.discovery import GROUP, MAX_PROBE_BYTES, parse_probe
from proxyd.simulator.faults import Faults

PROBE = """<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"
 xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header>
 <w:MessageID>{id}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
 <w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
 <e:Body><d:Probe>{types}</d:Probe></e:Body></e:Envelope>"""
NVT = "<d:Types>dn:NetworkVideoTransmitter</d:Types>"


def probe(types: str = NVT, message_id: str = "urn:uuid:1") -> bytes:
    return PROBE.format(types=types, id=message_id).encode()


class Answers(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.queue.put_nowait((data, addr))


async def ask(*datagrams: bytes, to: tuple[str, int]) -> tuple[bytes, tuple[str, int]]:
    """Sends all and returns the first answer with its sender."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setblocking(False)
    sender.bind(("127.0.0.1", 0))
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    transport, answers = await asyncio.get_running_loop().create_datagram_endpoint(Answers, sock=sender)
    try:
        for datagram in datagrams:
            transport.sendto(datagram, to)
        async with asyncio.timeout(30):
            return await answers.queue.get()
    finally:
        transport.close()


def field(data: bytes, name: str) -> str:
    found = [e.text or "" for e in etree.fromstring(data).iter() if etree.QName(e).localname == name]
    return found[0]


@pytest.mark.parametrize("dialect", ["hikvision", "axis"])
async def test_a_unicast_probe(dialect: str) -> None:
    async with SimulatedNvr(channels=1, dialect=dialect, discovery_port=0) as nvr:
        assert nvr.discovery_port
        data, sender = await ask(probe(), to=(nvr.host, nvr.discovery_port))
        assert sender == (nvr.host, nvr.discovery_port)
        assert field(data, "RelatesTo") == "urn:uuid:1"
        assert field(data, "XAddrs").startswith(f"http://{nvr.host}:{nvr.port}/onvif/")
        assert field(data, "Types") == "dn:NetworkVideoTransmitter"
        assert "onvif://www.onvif.org/Profile/Streaming" in field(data, "Scopes")
        again, _ = await ask(probe(), to=(nvr.host, nvr.discovery_port))
        assert field(again, "Address") == field(data, "Address")


async def test_a_multicast_probe_is_answered_from_the_devices_own_address() -> None:
    async with SimulatedNvr(channels=1, discovery_port=0) as nvr:
        assert nvr.discovery_port
        _, sender = await ask(probe(), to=(GROUP, nvr.discovery_port))
        assert sender == (nvr.host, nvr.discovery_port)


async def test_a_device_on_every_address_names_the_one_that_the_asker_sees() -> None:
    async with SimulatedNvr(host="0.0.0.0", channels=1, discovery_port=0) as nvr:
        assert nvr.discovery_port
        data, _ = await ask(probe(), to=("127.0.0.1", nvr.discovery_port))
        assert field(data, "XAddrs") == f"http://127.0.0.1:{nvr.port}/onvif/device_service"


async def test_two_devices_share_a_port() -> None:
    async with (
        SimulatedNvr(host="127.0.0.21", channels=1, discovery_port=0) as one,
        SimulatedNvr(host="127.0.0.22", channels=1, discovery_port=one.discovery_port) as two,
    ):
        for nvr in (one, two):
            assert nvr.discovery_port
            data, _ = await ask(probe(), to=(nvr.host, nvr.discovery_port))
            assert f"{nvr.host}:{nvr.port}" in field(data, "XAddrs")


async def test_rubbish_gets_silence_and_harms_nothing() -> None:
    bad = [b"", b"<a/>", b"\x00" * 100, probe()[:200], b"<!DOCTYPE a>" + probe(), probe("<d:Types>x:Printer</d:Types>")]
    async with SimulatedNvr(channels=1, discovery_port=0) as nvr:
        assert nvr.discovery_port
        data, _ = await ask(*bad, probe("", "urn:uuid:last"), to=(nvr.host, nvr.discovery_port))
        assert field(data, "RelatesTo") == "urn:uuid:last"


async def test_the_wrong_host_is_told_here_too() -> None:
    faults = Faults(wrong_xaddr_host="192.0.2.9")
    async with SimulatedNvr(channels=1, discovery_port=0, faults=faults) as nvr:
        assert nvr.discovery_port
        data, _ = await ask(probe(), to=(nvr.host, nvr.discovery_port))
        assert field(data, "XAddrs").startswith("http://192.0.2.9:")


def test_too_large() -> None:
    assert parse_probe(probe() + b" " * MAX_PROBE_BYTES) is None
    assert parse_probe(probe(message_id="")) is None


@given(st.integers(0, 700), st.binary(max_size=8))
def test_damaged_probes_never_raise(at: int, noise: bytes) -> None:
    whole = probe()
    parse_probe(whole[:at] + noise + whole[at:])


@given(st.binary(max_size=300))
def test_any_datagram_never_raises(data: bytes) -> None:
    parse_probe(data)
