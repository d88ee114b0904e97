"""A lease machine on a clock that stands until it is told otherwise, with a server that can be told everything.

It checks after every step what must hold whatever happens (`Bench.check`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from netsetup.dhcp.client import (
    Action,
    Answer,
    Ask,
    Bind,
    Client,
    Event,
    Heard,
    Lose,
    Phase,
    Send,
    Tick,
    new_client,
    wake,
)
from netsetup.dhcp.frames import ANY, Arp
from netsetup.dhcp.machine import step
from netsetup.dhcp.packet import Kind, Reply, Request
from netsetup.dhcp.terms import Terms

MAC, OTHER_MAC, SERVER_MAC = "a2:6f:00:00:00:01", "02:00:00:00:00:99", "02:00:00:00:00:01"
SERVER = IPv4Address("10.77.0.1")
ADDRESS = IPv4Address("10.77.0.100")
START = 1000.0
ROUNDING = 1e-9  # of sums of seconds


def answer(kind: Kind, xid: int, **fields: object) -> Reply:
    known: dict[str, object] = {"address": ADDRESS, "server": SERVER, "server_mac": SERVER_MAC, "prefix": 24}
    known |= {"lease_s": 3600, "gateway": SERVER, "mac": MAC} | fields
    return Reply(kind=kind, xid=xid, **known)  # type: ignore[arg-type]  # fields by name


def claim(address: IPv4Address = ADDRESS, mac: str = OTHER_MAC) -> Heard:
    return Heard(Arp(2, mac, address, MAC, address))


@dataclass
class Bench:
    client: Client
    now: float = START
    random: Callable[[], float] = field(default_factory=lambda: random.Random(1).random)
    sent: list[tuple[float, Request]] = field(default_factory=list)
    asked: list[tuple[float, Ask]] = field(default_factory=list)
    told: list[tuple[float, Terms | None]] = field(default_factory=list)
    in_use: Terms | None = None  # as somebody outside knows it
    probes: list[float] = field(default_factory=list)  # of the running check
    quiet_until: float = 0.0

    @classmethod
    def new(cls, lease: Terms | None = None, seed: int = 1, wanted: IPv4Address | None = None) -> Bench:
        chance = random.Random(seed).random
        return cls(new_client(MAC, "camera", lease, wanted, START, chance), random=chance, in_use=lease)

    def do(self, event: Event) -> tuple[Action, ...]:
        before = self.client
        self.client, actions = step(before, event, self.now, self.random)
        if self.client.phase is Phase.CHECKING and before.probing is None:
            self.probes.clear()
        for action in actions:
            self._did(action, before)
        self.check()
        return actions

    def answer(self, kind: Kind, **fields: object) -> tuple[Action, ...]:
        return self.do(Answer(answer(kind, self.client.xid, **fields)))

    def run_to(self, end: float) -> None:
        """Every Tick that is due until then, on time."""
        for _ in range(2000):
            at = wake(self.client)
            if at is None or at > end:
                self.now = max(self.now, end)
                return
            self.now = max(self.now, at)
            self.do(Tick())
        raise AssertionError("the machine wants to run for ever at one moment")

    def run_until(self, condition: Callable[[], object], longest: float = 10_000.0) -> None:
        """Tick by Tick."""
        end = self.now + longest
        while not condition():
            at = wake(self.client)
            assert at is not None
            assert at <= end, f"not within {longest} s: {self.client}"
            self.now = max(self.now, at)
            self.do(Tick())

    def lease(self) -> None:
        """The whole way to an address."""
        self.run_until(lambda: self.client.phase is Phase.SEARCHING)
        self.answer(Kind.OFFER)
        self.answer(Kind.ACK)
        self.run_until(lambda: self.client.phase is Phase.BOUND)

    @property
    def phase(self) -> str:
        return self.client.phase.value

    def last(self) -> Request:
        return self.sent[-1][1]

    def _did(self, action: Action, before: Client) -> None:
        match action:
            case Send(request):
                assert self.now >= self.quiet_until, "it may not speak so soon after a DECLINE"
                self.sent.append((self.now, request))
                if request.kind is Kind.DECLINE:
                    self.quiet_until = self.now + 10
            case Ask(sender, target):
                self.asked.append((self.now, action))
                if sender == ANY:
                    self.probes.append(self.now)
                else:
                    assert self.in_use is not None
                    assert sender == target == self.in_use.address.ip
            case Bind(terms):
                same = before.verified and before.lease is not None and before.lease.address == terms.address
                assert same or (len(self.probes) == 3 and self.now - self.probes[-1] >= 2 - ROUNDING), (
                    "bound without a check"
                )
                assert self.now < terms.expires
                self.in_use = terms
                self.told.append((self.now, terms))
            case Lose():
                self.in_use = None
                self.told.append((self.now, None))

    def check(self) -> None:
        client = self.client
        held = client.lease
        assert (wake(client) is None) == (client.phase is Phase.STOPPED)
        assert held is None or self.now < held.expires
        if client.phase is not Phase.STOPPED:
            assert (held.address if held else None) == (self.in_use.address if self.in_use else None)
        assert (client.probing is None) == (client.phase is not Phase.CHECKING) == (client.granted is None)
        assert not client.verified or held is not None
        if client.phase in (Phase.BOUND, Phase.RENEWING, Phase.REBINDING):
            assert client.verified
        if client.phase in (Phase.SEARCHING, Phase.REQUESTING):
            assert held is None
        assert 0 <= client.xid < 2**32
