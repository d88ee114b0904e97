"""Leases for all cameras of one parent: the rim that joins the pure machines to one packet socket and the clock.

The machines count CLOCK_BOOTTIME, which nobody sets; leases carry CLOCK_REALTIME, so that they survive a reboot. When
the realtime clock is set (a Raspberry Pi has none of its own), the leases are told anew with corrected times.
"""

from __future__ import annotations

import asyncio
import logging
import random as random_module
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface

from netsetup.dhcp.acd import STANDARD, AcdTimes
from netsetup.dhcp.client import (
    Answer,
    Ask,
    Bind,
    Client,
    Configured,
    Event,
    Heard,
    LinkUp,
    Lose,
    Phase,
    Send,
    ServerSeen,
    Stop,
    Tick,
    held_address,
    new_client,
    wake,
)
from netsetup.dhcp.frames import ANY, BROADCAST, Arp, Udp, arp_question, parse_arp, parse_udp, udp_frame
from netsetup.dhcp.machine import step
from netsetup.dhcp.packet import CLIENT_PORT, SERVER_PORT, Kind, Request, decode, encode, host_name
from netsetup.dhcp.state import DhcpState, client_state, static_state
from netsetup.dhcp.static import Static
from netsetup.dhcp.telling import Telling
from netsetup.dhcp.terms import lease_of, remembered
from netsetup.dhcp.watched import Watched
from netsetup.dhcp.wire import SocketFactory, Wire, packet_socket
from netsetup.dhcp.words import describe
from netsetup.model import Lease

log = logging.getLogger(__name__)

Changed = Callable[[str, Lease | None], Awaitable[None]]

_LONGEST_NAP = 60.0  # a suspended machine's timers are late; its CLOCK_BOOTTIME is not
_CLOCK_WAS_SET = 2.0  # seconds
_TOGETHER = 5.0  # cameras that started within that time
_SILENCE = 10.0  # without a server's answer; the first one after it wakes all that wait


@dataclass(frozen=True, slots=True)
class ClientWish:
    """One camera that wants an address. `hostname` may be any name. `previous` is asked for again (INIT-REBOOT) and,
    while it has not expired, taken as being in use."""

    mac: str
    hostname: str = ""
    previous: Lease | None = None


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class LeaseEngine:
    """`changed(mac, lease)` is awaited for every new, renewed or corrected lease, after its address was found free, and
    with None when it may no longer be used; never twice at once for one camera, and always the newest. Two
    announcements follow its return. `state` is told every change."""

    def __init__(
        self,
        parent: str,
        *,
        changed: Changed,
        state: Callable[[str, DhcpState], None] | None = None,
        now: Callable[[], float] = time.time,
        steady: Callable[[], float] = _boottime,
        random: random_module.Random | None = None,
        times: AcdTimes = STANDARD,
        factory: SocketFactory = packet_socket,
    ) -> None:
        self.parent = parent
        self.counters: Counter[str] = Counter()
        self._state = state
        self._now = now
        self._steady = steady
        self._uniform = (random or random_module.SystemRandom()).random
        self._times = times
        self._wire = Wire(parent, self._received, factory)
        self._shift = now() - steady()
        self._telling = Telling(f"dhcp {parent}", changed, self._told)
        self._clients: dict[str, Client] = {}
        self._statics: dict[str, Static] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._watched = Watched()
        self._host: Mapping[IPv4Address, str] = {}
        self._last_address: dict[str, IPv4Address] = {}
        self._moved_from: dict[str, str] = {}
        self._states: dict[str, DhcpState] = {}
        self._server: tuple[IPv4Address, float] | None = None

    # Life ----------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the socket. Idempotent. Raises NetsetupError when the parent or the right to it is missing."""
        self._wire.open()

    async def stop(self, release: Collection[str] = ()) -> None:
        """Leases stay valid, but those of the MACs in `release` are given back to the server. Idempotent."""
        for mac in list(self._clients):
            self._drop(mac, mac in release)
        await self.set_static({})
        try:
            await self._telling.close()
        finally:
            self._wire.close()

    async def set_clients(self, clients: Mapping[str, ClientWish]) -> None:
        """Exactly these from now on, by MAC. One that is new starts, one that is missing gives its lease back (nobody
        is told by `changed`), one that stays keeps its lease whatever `previous` says. A MAC is here or in
        `set_static`, and has to leave there first."""
        for mac in self._clients.keys() - clients.keys():
            self._drop(mac, True)
        for mac, wish in clients.items():
            name = host_name(wish.hostname)
            if mac in self._clients:
                self._clients[mac] = replace(self._clients[mac], hostname=name)
            else:
                self._add(mac, name, wish.previous)
        self._receive_for_all()

    async def set_static(self, addresses: Mapping[str, IPv4Interface]) -> None:
        """Addresses that are in use without DHCP, by MAC: watched and defended; a conflict shows in `states()`.
        A MAC is here or in `set_clients`, and has to leave there first."""
        for mac, static in list(self._statics.items()):
            if addresses.get(mac) != static.address:
                self._watched.remove(mac, static.address.ip)
                self._forget(mac)
                del self._statics[mac]
        new = addresses.keys() - self._statics.keys()
        for mac in new:
            self._watched.add(mac, addresses[mac].ip)
            self._keep_static(Static(mac, addresses[mac], self._steady()))
        self._receive_for_all()
        for mac in new:
            self._ask_about(mac)

    def set_host(self, addresses: Mapping[IPv4Address, str]) -> None:
        """The MAC by address of this host itself: no camera may be given one of these addresses, or keep it."""
        self._host = addresses
        for address, mac in addresses.items():
            if self._watched.by(address):
                # Its ARP is not heard on this socket, and it will not give way: as if it claimed the address twice.
                claim = Arp(1, mac, address, mac, address)
                self._heard(claim)
                self._heard(claim)

    def link_up(self) -> None:
        """The parent has its carrier back: confirm all leases with the server, which keeps them usable meanwhile."""
        for mac in list(self._clients):
            self._apply(mac, LinkUp())
        for mac in self._statics:
            self._ask_about(mac)
            self.announce(mac)

    def announce(self, mac: str) -> None:
        """Gratuitous ARP for the address this camera has now."""
        client, static = self._clients.get(mac), self._statics.get(mac)
        if static is not None:
            self._wire.send(arp_question(mac, static.address.ip, static.address.ip))
        elif client is not None and client.lease is not None and client.verified:
            self._wire.send(arp_question(mac, client.lease.address.ip, client.lease.address.ip))

    def states(self) -> Mapping[str, DhcpState]:
        return dict(self._states)

    # Frames in -----------------------------------------------------------------------------------------------------

    def _received(self, frame: bytes) -> None:
        arp = parse_arp(frame)
        if arp is not None:
            self._heard(arp)
            return
        udp = parse_udp(frame)
        if udp is None or udp.destination_port != CLIENT_PORT:
            return
        reply = decode(udp.payload, udp.source_mac)
        if reply is None:
            self.counters["unreadable"] += 1
            return
        client = self._clients.get(reply.mac)
        if client is None or client.xid != reply.xid:
            return
        self.counters[reply.kind.name] += 1
        self._apply(reply.mac, Answer(reply))
        if reply.server is not None and reply.kind is not Kind.NAK:
            self._server_answered(reply.server)

    def _heard(self, arp: Arp) -> None:
        address = arp.target if arp.sender == ANY else arp.sender
        for mac in self._watched.by(address):
            if mac in self._clients:
                self._apply(mac, Heard(arp))
            elif mac in self._statics:
                static, announce = self._statics[mac].heard(arp, self._steady())
                self._keep_static(static)
                if announce:
                    self.announce(mac)

    def _server_answered(self, server: IPv4Address) -> None:
        now = self._steady()
        silent = self._server is None or now - self._server[1] > _SILENCE
        self._server = (server, now)
        if silent:
            for mac, client in list(self._clients.items()):
                if client.phase is Phase.SEARCHING:
                    self._apply(mac, ServerSeen())

    # The machines --------------------------------------------------------------------------------------------------

    def _add(self, mac: str, name: str, previous: Lease | None) -> None:
        now = self._steady()
        lease = remembered(previous, now, self._shift) if previous else None
        wanted = previous.address.ip if previous else None
        if wanted is not None:
            self._last_address[mac] = wanted
        self._clients[mac] = client = new_client(mac, name, lease, wanted, now, self._uniform, self._times)
        if previous is not None and lease is None:
            self._telling.tell(mac, None)
        self._watched.move(mac, None, held_address(client))
        self._arm(mac, client)
        self._publish(mac)

    def _drop(self, mac: str, release: bool) -> None:
        self._apply(mac, Stop(release))
        self._telling.forget(mac)
        del self._clients[mac]
        self._last_address.pop(mac, None)
        self._moved_from.pop(mac, None)
        self._forget(mac)

    def _apply(self, mac: str, event: Event) -> None:
        self._look_at_the_clock()
        before = self._clients[mac]
        client, actions = step(before, event, self._steady(), self._uniform)
        self._clients[mac] = client
        for action in actions:
            match action:
                case Send(request):
                    self._send(request)
                case Ask(sender, target):
                    self._wire.send(arp_question(mac, sender, target))
                case Bind(terms):
                    self._note_address(mac, terms.address.ip)
                    self._telling.tell(mac, lease_of(terms, mac, self._shift))
                case Lose():
                    log.info("%s: %s", mac, describe(client, self.parent, server=None, moved_from=""))
                    self._telling.tell(mac, None)
        self._watched.move(mac, held_address(before), held_address(client))
        self._arm(mac, client)
        self._publish(mac)
        if client.probing and client.probing is not before.probing:
            address = client.probing.address
            if holder := self._unheard_holder(mac, address):
                self._apply(mac, Heard(Arp(1, holder, address, mac, address)))

    def _unheard_holder(self, mac: str, address: IPv4Address) -> str | None:
        """What the host and its other cameras say goes out, and never comes in on this socket."""
        others = self._watched.by(address) - {mac}
        return self._host.get(address) or min(others, default=None)

    def _send(self, request: Request) -> None:
        to = request.to_mac if request.to is not None and request.to_mac else BROADCAST
        destination = request.to if request.to is not None else IPv4Address("255.255.255.255")
        udp = Udp(request.mac, request.in_use, destination, CLIENT_PORT, SERVER_PORT, encode(request))
        self.counters[request.kind.name] += 1
        self._wire.send(udp_frame(udp, to=to))

    def _note_address(self, mac: str, address: IPv4Address) -> None:
        last = self._last_address.get(mac)
        if last is not None and last != address:
            log.info("%s: moved from %s to %s", mac, last, address)
            self._moved_from[mac] = str(last)
        self._last_address[mac] = address

    def _told(self, mac: str, lease: Lease | None) -> None:
        if lease is not None and mac in self._clients:
            self._apply(mac, Configured())

    def _arm(self, mac: str, client: Client) -> None:
        if timer := self._timers.pop(mac, None):
            timer.cancel()
        at = wake(client)
        if at is not None:
            delay = min(max(at - self._steady(), 0.0), _LONGEST_NAP)
            self._timers[mac] = asyncio.get_running_loop().call_later(delay, self._apply, mac, Tick())

    def _look_at_the_clock(self) -> None:
        shift = self._now() - self._steady()
        if abs(shift - self._shift) < _CLOCK_WAS_SET:
            return
        log.info("%s: the clock was set by %+.0f s", self.parent, shift - self._shift)
        self._shift = shift
        for mac, client in self._clients.items():
            if client.lease is not None and client.verified:
                self._telling.tell(mac, lease_of(client.lease, mac, shift))
            self._publish(mac)

    # Statics -------------------------------------------------------------------------------------------------------

    def _keep_static(self, static: Static) -> None:
        mac = static.mac
        self._statics[mac] = static
        if timer := self._timers.pop(mac, None):
            timer.cancel()
        if static.defence.claimed_by is not None:
            loop = asyncio.get_running_loop()
            self._timers[mac] = loop.call_later(self._times.defend_interval, self._calm_static, mac)
        self._tell_state(mac, static_state(static, self._shift))

    def _ask_about(self, mac: str) -> None:
        """A static address may have been applied without a probe, or without a cable. One probe is enough while it is
        in use: whoever has it, too, answers (to an announcement Linux would not), and is heard from then on."""
        self._wire.send(arp_question(mac, ANY, self._statics[mac].address.ip))

    def _calm_static(self, mac: str) -> None:
        static = self._statics[mac]
        if holder := self._host.get(static.address.ip):  # as long as the host has it
            address = static.address.ip
            self._keep_static(static.heard(Arp(1, holder, address, mac, address), self._steady())[0])
        else:
            self._keep_static(static.calm(self._steady()))

    def _receive_for_all(self) -> None:
        self._wire.receive_for(frozenset(self._clients) | frozenset(self._statics))

    def _forget(self, mac: str) -> None:
        self._states.pop(mac, None)
        if timer := self._timers.pop(mac, None):
            timer.cancel()

    # What is shown ---------------------------------------------------------------------------------------------------

    def _publish(self, mac: str) -> None:
        client = self._clients[mac]
        # An answer since this camera began to search, or a moment before, was for another one that began with it.
        server = self._server[0] if self._server and self._server[1] > client.began - _TOGETHER else None
        moved_from = self._moved_from.get(mac, "")
        self._tell_state(mac, client_state(client, self.parent, self._shift, server=server, moved_from=moved_from))

    def _tell_state(self, mac: str, state: DhcpState) -> None:
        if self._states.get(mac) != state:
            self._states[mac] = state
            if self._state is not None:
                self._state(mac, state)
