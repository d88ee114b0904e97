"""ARP on behalf of a camera, from the parent's packet socket: is an address taken, does somebody answer.

Works before the camera's interface exists, and does not go through the kernel's own ARP.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from ipaddress import IPv4Address

from netsetup.dhcp.acd import QUICK, STANDARD, AcdTimes, advance, begin_probing, disputes_probe
from netsetup.dhcp.frames import ANY, arp_question, parse_arp
from netsetup.dhcp.wire import SocketFactory, Wire, packet_socket

_uniform = random.SystemRandom().random
_QUESTIONS = 3


async def probe(
    parent: str, mac: str, address: IPv4Address, *, quick: bool = False, factory: SocketFactory = packet_socket
) -> str | None:
    """RFC 5227 §2.1.1: the MAC of another device that has or wants `address`, None when it is free (4–7 s; `quick`
    0.6 s, for a plan that is only looked at). Raises NetsetupError when the socket cannot be had."""
    return (await probe_all(parent, {mac: address}, quick=quick, factory=factory)).get(mac)


async def probe_all(
    parent: str, addresses: Mapping[str, IPv4Address], *, quick: bool = False, factory: SocketFactory = packet_socket
) -> dict[str, str]:
    """All at once on one socket, by the MAC that wants the address; in the answer only those that are taken."""
    round_ = _ProbeRound(parent, addresses, QUICK if quick else STANDARD, factory)
    return await round_.run()


class _ProbeRound:
    def __init__(
        self, parent: str, addresses: Mapping[str, IPv4Address], times: AcdTimes, factory: SocketFactory
    ) -> None:
        self._wire = Wire(parent, self._received, factory)
        self._times = times
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._running = {mac: begin_probing(mac, ip, now, _uniform, times) for mac, ip in addresses.items()}
        self._taken: dict[str, str] = {}

    async def run(self) -> dict[str, str]:
        self._wire.open()
        try:
            self._wire.receive_for(frozenset(self._running))
            while self._running:
                now = self._loop.time()
                for mac in list(self._running):
                    self._advance(mac, now)
                if self._running:
                    await asyncio.sleep(max(0.0, min(p.at for p in self._running.values()) - self._loop.time()))
        finally:
            self._wire.close()
        return self._taken

    def _advance(self, mac: str, now: float) -> None:
        probing, send = advance(self._running[mac], now, _uniform, self._times)
        if send:
            self._wire.send(arp_question(mac, ANY, self._running[mac].address))
        if probing is None:
            del self._running[mac]
        else:
            self._running[mac] = probing

    def _received(self, frame: bytes) -> None:
        arp = parse_arp(frame)
        if arp is None:
            return
        for mac, probing in list(self._running.items()):
            if disputes_probe(arp, mac, probing.address):
                self._taken[mac] = arp.sender_mac
                del self._running[mac]


async def arp_reply(
    parent: str,
    source_mac: str,
    source_ip: IPv4Address,
    target_ip: IPv4Address,
    timeout_s: float = 1.0,
    *,
    factory: SocketFactory = packet_socket,
) -> str | None:
    """Ask for `target_ip` as if from `source_mac`; the answering MAC, None when nobody answered that MAC in time."""
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def received(frame: bytes) -> None:
        arp = parse_arp(frame)
        wanted = arp is not None and (arp.operation, arp.sender, arp.target_mac) == (2, target_ip, source_mac)
        if arp is not None and wanted and not answer.done():
            answer.set_result(arp.sender_mac)

    wire = Wire(parent, received, factory)
    wire.open()
    try:
        wire.receive_for(frozenset({source_mac}))
        for _ in range(_QUESTIONS):
            wire.send(arp_question(source_mac, source_ip, target_ip))
            await asyncio.wait([answer], timeout=timeout_s / _QUESTIONS)
            if answer.done():
                return answer.result()
    finally:
        wire.close()
        answer.cancel()
    return None
