"""The search for NVRs on the network: WS-Discovery probes on our own sockets, each answer checked by talking to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from proxyd.api.models import FoundNvr
from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamError
from proxyd.nvr.client import NvrClient
from proxyd.nvr.media import anonymous_profiles
from proxyd.nvr.probe import PROBE_TYPES, Match, format_probe, parse_matches
from proxyd.nvr.scanned import count_channels

log = logging.getLogger(__name__)

GROUP = "239.255.255.250"
PORT = 3702
MAX_FOUND = 256
MAX_PER_SENDER = 8
_MAX_INTERFACES = 32
_MAX_DATAGRAMS = 4096
_CHECK_PARALLEL = 8
_CHECK_TIMEOUT_S = 4.0
_SEND_TIMES = 2  # UDP loses messages; WS-Discovery 2005/04 §3.1.1 lets a sender repeat
_OWN_INTERFACES = ("vcam", "veth", "docker", "br-", "virbr")  # virtual cameras and containers hold no NVR


async def search(
    timeout_s: float,
    probe: Sequence[str] = (),
    *,
    interfaces: Sequence[str] | None = None,
    own: Collection[str] = (),
) -> list[FoundNvr]:
    """Probe by multicast on every interface, and each "host[:port]" (UDP, default 3702) in `probe` directly.

    Listens for `timeout_s`; answers are checked meanwhile, which takes up to 4 s more. `known` is left None.
    `interfaces` names the only ones to use; () sends no multicast at all. `own` are interfaces and addresses of our
    virtual cameras: nothing is sent by those, and nobody there is an NVR.
    """
    logging.getLogger("wsdiscovery.message").setLevel(logging.CRITICAL)  # it logs what it cannot read, bytes and all
    search_run = _Search(frozenset(own))
    try:
        await search_run.open(interfaces, probe)
        await search_run.listen(timeout_s)
        return await search_run.results()
    finally:
        await search_run.close()


class _Search:
    """Owns the sockets and the checks of one search."""

    def __init__(self, own: frozenset[str]) -> None:
        self._own = own
        self._message_ids = [f"urn:uuid:{uuid.uuid4()}" for _ in PROBE_TYPES]
        self._probes = [
            format_probe(message_id, wanted) for message_id, wanted in zip(self._message_ids, PROBE_TYPES, strict=True)
        ]
        self._targets: list[tuple[asyncio.DatagramTransport, tuple[Any, ...]]] = []
        self._datagrams = 0
        self._checks: dict[Match, asyncio.Task[FoundNvr]] = {}
        self._seen: Counter[str] = Counter()  # devices by sender
        self._slots = asyncio.Semaphore(_CHECK_PARALLEL)

    async def open(self, interfaces: Sequence[str] | None, probe: Sequence[str]) -> None:
        """One socket per interface and one per address family of the direct probes. What cannot be opened is left."""
        usable = [
            index
            for index, name in socket.if_nameindex()
            if name not in self._own
            and (not name.startswith(_OWN_INTERFACES) if interfaces is None else name in interfaces)
        ]
        for index in usable[:_MAX_INTERFACES]:
            with contextlib.suppress(OSError):
                transport = await self._listen_on(_multicast_socket(index))
                self._targets.append((transport, (GROUP, PORT)))
        by_family: dict[int, asyncio.DatagramTransport] = {}
        for family, address in await _resolve(probe):
            with contextlib.suppress(OSError):
                if family not in by_family:
                    by_family[family] = await self._listen_on(_plain_socket(family))
                self._targets.append((by_family[family], address))

    async def listen(self, timeout_s: float) -> None:
        """Send each probe twice, then hear until the time is over."""
        pause = timeout_s / 4 / _SEND_TIMES
        for _ in range(_SEND_TIMES):
            for transport, address in self._targets:
                for message in self._probes:
                    transport.sendto(message, address)
            await asyncio.sleep(pause)
        await asyncio.sleep(timeout_s - _SEND_TIMES * pause)
        self._close_sockets()

    async def results(self) -> list[FoundNvr]:
        """What the checks say; those that are not done within one deadline more are listed unchecked."""
        if self._checks:
            await asyncio.wait(self._checks.values(), timeout=_CHECK_TIMEOUT_S)
        found = [
            task.result() if task.done() else _found(match, "It was not looked at: too many devices answered.")
            for match, task in self._checks.items()
        ]
        return sorted(found, key=lambda f: (f.host, f.port))

    async def close(self) -> None:
        self._close_sockets()
        for task in self._checks.values():
            task.cancel()
        await asyncio.gather(*self._checks.values(), return_exceptions=True)

    def _close_sockets(self) -> None:
        for transport, _ in self._targets:
            transport.close()

    def datagram(self, data: bytes, sender: str) -> None:
        """One datagram arrived. The number looked at and the number of devices are limited."""
        self._datagrams += 1
        if self._datagrams > _MAX_DATAGRAMS or sender in self._own:
            return
        for match in parse_matches(data, sender=sender, message_ids=self._message_ids):
            known = any((match.host, match.port) == (m.host, m.port) for m in self._checks)
            if known or len(self._checks) >= MAX_FOUND or self._seen[sender] >= MAX_PER_SENDER:
                continue
            self._seen[sender] += 1
            self._checks[match] = asyncio.create_task(self._check(match), name=f"check {match.host}:{match.port}")

    async def _check(self, match: Match) -> FoundNvr:
        async with self._slots:
            return await check_device(match)

    async def _listen_on(self, bound: socket.socket) -> asyncio.DatagramTransport:
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Ear(self), sock=bound)
        except BaseException:
            bound.close()
            raise
        return transport


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, owner: _Search) -> None:
        self._owner = owner

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._owner.datagram(data, str(addr[0]))

    def error_received(self, exc: Exception) -> None:
        log.debug("search: %s", exc)  # an interface without a route; the others go on


async def check_device(match: Match, timeout_s: float = _CHECK_TIMEOUT_S) -> FoundNvr:
    """Talk to a device without credentials: does it answer, does it want a password, how many channels."""
    found = _found(match)
    access = NvrAccess(match.host, match.port, "", "")
    async with NvrClient(access, call_timeout_s=timeout_s, parallel=1) as client:
        try:
            async with asyncio.timeout(timeout_s):
                await client.read_clock()
                found.answers = True
                profiles = await anonymous_profiles(client)
        except UpstreamError as error:
            found.note = error.message
        except TimeoutError:
            found.note = f"{client.where} answers slowly; it was not looked at further."
        else:
            found.needs_password = profiles is None
            found.channels = None if profiles is None else count_channels(profiles)
    return found


def _found(match: Match, note: str = "") -> FoundNvr:
    return FoundNvr(
        host=match.host, port=match.port, name=match.name, hardware=match.hardware, answers=False, note=note
    )


async def _resolve(probe: Sequence[str]) -> list[tuple[int, tuple[Any, ...]]]:
    """The UDP addresses of "host[:port]" texts; what does not resolve is left out."""
    loop = asyncio.get_running_loop()
    addresses = []
    for text in probe[:MAX_FOUND]:
        host, port = _host_and_port(text)
        with contextlib.suppress(OSError, TimeoutError, UnicodeError):
            async with asyncio.timeout(2):
                infos = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            addresses += [(int(family), address) for family, _, _, _, address in infos[:1]]
    return addresses


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.strip().rpartition(":")
    if colon and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536 and (":" not in host or "]" in host):
        return host.strip("[]"), int(port)
    return text.strip().strip("[]"), PORT


def _multicast_socket(interface_index: int) -> socket.socket:
    """Sends multicast out of one interface, whatever the routes say. Raises OSError."""
    made = _plain_socket(socket.AF_INET)
    try:
        request = struct.pack("=8xi", interface_index)  # struct ip_mreqn: group and address empty
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    except BaseException:
        made.close()
        raise
    return made


def _plain_socket(family: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.bind(("::" if family == socket.AF_INET6 else "", 0))
    except BaseException:
        made.close()
        raise
    return made
