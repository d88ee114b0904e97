"""Who waits to log in, and who failed: bounded tables. Pure: the time comes from the caller.

Nothing here refuses a right key. Connections that do not log in push out each other, the oldest of the busiest address
first, so a newcomer always gets his chance; wrong passwords make the next try of their address wait, never fail.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from dataclasses import dataclass

FREE_FAILURES = 3
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 15.0
FORGOTTEN_AFTER_S = 60.0  # one failure each


def place(address: str) -> str:
    """What counts as one address: an IPv4 address, or the 64 bits of IPv6 that one network has for itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


class Waiting:
    """Connections before their login, by the order in which they came."""

    def __init__(self, in_all: int, per_address: int) -> None:
        self._in_all = in_all
        self._per_address = per_address
        self._places: OrderedDict[int, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def add(self, connection: int, address: str) -> int | None:
        """The connection that has to go for this one, if any."""
        where = place(address)
        self._places[connection] = where
        counts = Counter(self._places.values())
        if counts[where] > self._per_address:
            return self._oldest(where)
        if len(self._places) > self._in_all:
            return self._oldest(max(counts, key=lambda one: counts[one]))
        return None

    def remove(self, connection: int) -> None:
        self._places.pop(connection, None)

    def _oldest(self, where: str) -> int:
        victim = next(connection for connection, known in self._places.items() if known == where)
        del self._places[victim]
        return victim


@dataclass(slots=True)
class _Counted:
    count: float
    at: float


class Failures:
    """Wrong passwords per address. Which are forgotten when the table is full: those of whoever was quiet longest."""

    def __init__(self, addresses: int) -> None:
        self._addresses = addresses
        self._known: OrderedDict[str, _Counted] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def add(self, address: str, now: float) -> int:
        """Notes one more; how many there are."""
        where = place(address)
        count = self._count(where, now) + 1
        self._known[where] = _Counted(count, now)
        self._known.move_to_end(where)
        while len(self._known) > self._addresses:
            self._known.popitem(last=False)
        return round(count)

    def delay(self, address: str, now: float) -> float:
        """Seconds that the next password from there waits."""
        over = self._count(place(address), now) - FREE_FAILURES
        return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(over, 16)) if over >= 0 else 0.0

    def forget(self, address: str) -> None:
        """Somebody logged in from there."""
        self._known.pop(place(address), None)

    def _count(self, where: str, now: float) -> float:
        known = self._known.get(where)
        return max(0.0, known.count - (now - known.at) / FORGOTTEN_AFTER_S) if known else 0.0


class Exchanges:
    """Key exchanges per address: `free` at once, then `per_s`; whoever is quicker waits, and what has to wait longest
    waits `longest_s`. Of the table, those go first that were quiet longest."""

    def __init__(self, addresses: int, free: int, per_s: float, longest_s: float) -> None:
        self._addresses = addresses
        self._free = free
        self._per_s = per_s
        self._most = free + longest_s * per_s
        self._known: OrderedDict[str, _Counted] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def wait(self, address: str, now: float) -> float:
        """Takes one; after how many seconds it may be."""
        where = place(address)
        count = min(self._most, self._count(where, now) + 1)
        self._put(where, count, now)
        return max(0.0, (count - self._free) / self._per_s)

    def give_back(self, address: str, now: float) -> None:
        """That one was of somebody who logged in."""
        where = place(address)
        if where in self._known:
            self._put(where, max(0.0, self._count(where, now) - 1), now)

    def _put(self, where: str, count: float, now: float) -> None:
        self._known[where] = _Counted(count, now)
        self._known.move_to_end(where)
        while len(self._known) > self._addresses:
            self._known.popitem(last=False)

    def _count(self, where: str, now: float) -> float:
        known = self._known.get(where)
        return max(0.0, known.count - (now - known.at) * self._per_s) if known else 0.0


class Said:
    """So that nobody fills the log: `most` lines in a minute, then only how many were left out."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._began = 0.0
        self._count = 0

    def may(self, now: float) -> bool:
        if now - self._began >= 60:
            self._began, self._count = now, 0
        self._count += 1
        return self._count <= self._most

    def left_out(self, now: float) -> int:
        """Of the minute that is over; 0 while it lasts."""
        return max(0, self._count - self._most) if now - self._began >= 60 else 0
