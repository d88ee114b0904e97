"""Address conflict detection (RFC 5227): probing before use, and what to do about a conflict later. Pure.

Both are tables of times and counts; the caller sends what it is told and reports the ARP packets that it sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from netsetup.dhcp.frames import ANY, Arp

Uniform = Callable[[], float]  # uniform in [0, 1)


@dataclass(frozen=True, slots=True)
class AcdTimes:
    """Seconds and counts of RFC 5227 §1.1."""

    probe_wait: float = 1.0
    probe_num: int = 3
    probe_min: float = 1.0
    probe_max: float = 2.0
    announce_wait: float = 2.0
    announce_num: int = 2
    announce_interval: float = 2.0
    defend_interval: float = 10.0

    @property
    def longest(self) -> float:
        """Until an address may be used, at most."""
        return self.probe_wait + (self.probe_num - 1) * self.probe_max + self.announce_wait


STANDARD = AcdTimes()
QUICK = AcdTimes(probe_wait=0.0, probe_min=0.15, probe_max=0.2, announce_wait=0.2)


@dataclass(frozen=True, slots=True)
class Probing:
    """One address that is being probed for one MAC."""

    mac: str
    address: IPv4Address
    at: float  # when to go on
    sent: int = 0


def begin_probing(mac: str, address: IPv4Address, now: float, random: Uniform, times: AcdTimes = STANDARD) -> Probing:
    return Probing(mac, address, now + random() * times.probe_wait)


def advance(probing: Probing, now: float, random: Uniform, times: AcdTimes = STANDARD) -> tuple[Probing | None, bool]:
    """(the next state, whether to send a probe now); None when nobody spoke up in the whole time: free."""
    if now < probing.at:
        return probing, False
    if probing.sent >= times.probe_num:
        return None, False
    sent = probing.sent + 1
    span = times.announce_wait
    if sent < times.probe_num:
        span = times.probe_min + random() * (times.probe_max - times.probe_min)
    return replace(probing, at=now + span, sent=sent), True


def disputes_probe(arp: Arp, mac: str, address: IPv4Address) -> bool:
    """Somebody else has the address (any ARP from it), or probes for it at the same moment (RFC 5227 §2.1.1)."""
    if arp.sender_mac == mac:
        return False
    return arp.sender == address or (arp.operation == 1 and arp.sender == ANY and arp.target == address)


def disputes_use(arp: Arp, mac: str, address: IPv4Address) -> bool:
    """Somebody else uses the address that we use (RFC 5227 §2.4)."""
    return arp.sender_mac != mac and arp.sender == address


@dataclass(frozen=True, slots=True)
class Defence:
    """The memory that RFC 5227 §2.4 wants: the last conflict that was answered."""

    claimed_by: str | None = None
    since: float = 0.0
    last: float = float("-inf")

    def conflict(self, claimant: str, now: float, times: AcdTimes = STANDARD) -> tuple[Defence, bool]:
        """(the next state, whether this is the second conflict within the interval). The first one is answered by an
        announcement, for the second one the caller gives up (§2.4 b) or stays silent until the interval is over (c)."""
        again = now - self.last < times.defend_interval
        since = self.since if self.claimed_by == claimant else now
        return Defence(claimant, since, self.last if again else now), again

    def calm_at(self, times: AcdTimes = STANDARD) -> float:
        """Nobody has disputed the address for three intervals then."""
        return self.last + 3 * times.defend_interval

    def over(self, now: float, times: AcdTimes = STANDARD) -> bool:
        return self.claimed_by is not None and now >= self.calm_at(times)


UNDISPUTED = Defence()
