"""Cameras' interfaces on a test LAN's host, and an engine in this process whose socket lives in that namespace."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address

from netsetup.dhcp.acd import QUICK, AcdTimes
from netsetup.dhcp.engine import ClientWish, LeaseEngine
from netsetup.dhcp.state import DhcpState
from netsetup.model import Lease
from tests.netns.lan import Namespace


def mac_of(index: int) -> str:
    return f"a2:6f:00:00:{index >> 8:02x}:{index & 255:02x}"


def packet_socket_in(machine: Namespace) -> Callable[[], socket.socket]:
    return lambda: machine.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)


def make_interfaces(machine: Namespace, count: int) -> None:
    """vcam1 … on eth0, up and without an address, as the plan leaves a camera that waits for its lease."""
    lines = []
    for index in range(1, count + 1):
        lines.append(f"link add link eth0 name vcam{index} address {mac_of(index)} type macvlan mode bridge")
        lines.append(f"link set vcam{index} up")
    machine.ip("\n".join(lines))
    machine.sysctl("net/ipv4/conf/eth0/arp_ignore", 1)
    for index in range(1, count + 1):
        machine.sysctl(f"net/ipv4/conf/vcam{index}/arp_ignore", 1)


class CameraHost:
    """Puts leases on the interfaces as the arm does: many changes in one go."""

    def __init__(
        self, machine: Namespace, *, times: AcdTimes = QUICK, configure: bool = True, **options: object
    ) -> None:
        self.machine = machine
        self.leases: dict[str, Lease] = {}
        self.told: list[tuple[str, Lease | None]] = []
        self.seen: list[tuple[str, DhcpState]] = []
        self.configure = configure
        self._news = asyncio.Event()
        self._gathering = asyncio.Lock()
        self._pending: list[str] = []
        self.engine = LeaseEngine(
            "eth0",
            changed=self._changed,
            state=self._state,
            times=times,
            factory=packet_socket_in(machine),
            **options,  # type: ignore[arg-type]  # options by name
        )

    async def __aenter__(self) -> CameraHost:
        await self.engine.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.stop()

    async def want(self, indexes: Sequence[int], previous: dict[str, Lease] | None = None) -> None:
        await self.engine.set_clients(
            {mac_of(i): ClientWish(mac_of(i), f"Camera {i}", (previous or {}).get(mac_of(i))) for i in indexes}
        )

    async def until(self, what: str, condition: Callable[[], object], timeout_s: float = 60.0) -> None:
        """Looked at again whenever the engine tells something."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waited {timeout_s:g} s in vain: {what}; {self.engine.states()}") from None

    def phase(self, index: int) -> str:
        return self.engine.states()[mac_of(index)].phase

    def address(self, index: int) -> IPv4Address | None:
        lease = self.leases.get(mac_of(index))
        return lease.address.ip if lease else None

    async def _changed(self, mac: str, lease: Lease | None) -> None:
        link = f"vcam{int(mac[-5:].replace(':', ''), 16)}"
        old = self.leases.get(mac)
        self._pending.append(f"address flush dev {link}" if old and (not lease or lease.address != old.address) else "")
        if lease:
            self._pending.append(f"address replace {lease.address} dev {link} noprefixroute")
            self.leases[mac] = lease
        else:
            self.leases.pop(mac, None)
        self.told.append((mac, lease))
        if self.configure:
            async with self._gathering:
                lines, self._pending = [line for line in self._pending if line], []
                if lines:
                    await asyncio.to_thread(self.machine.ip, "\n".join(lines))
        self._news.set()

    def _state(self, mac: str, state: DhcpState) -> None:
        self.seen.append((mac, state))
        self._news.set()
