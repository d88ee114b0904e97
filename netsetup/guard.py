"""The guard: what may arrive at the cameras' interfaces, as rules of an nftables table of our own. Pure.

A service of the host that listens on every address answers on the cameras' addresses, too, and a published port of a
container even with the host's own MAC. The rules stand before connection tracking and address translation: what they
drop is never tracked nor forwarded, and the host pays for no connection tracking that it did not have.

The table is of family ip: cameras' interfaces have no IPv6. Every rule has its meaning as its comment; by these
comments `guard_of` knows whether somebody changed the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from .model import Guard

TABLE = "onviftui_guard"
ENTRY, CAMERA = "arriving", "camera"  # the chains: of the hook, and what the rules of all cameras are in
USUAL_TCP = (80, 322, 443, 554)
MOST_TCP = 16
DAMAGED = Guard((), ())  # a table of that name with other rules than ours

_TCP, _UDP, _ICMP, _IGMP = b"\x06", b"\x11", b"\x01", b"\x02"
_DHCP_CLIENT, _DISCOVERY = 68, 3702
_FIRST_MEDIA_PORT = 32768  # the first of proxyd's usual udp_ports, those of RTP over UDP
_NEW = b"\x02"  # of FIN, SYN, RST and ACK only SYN: somebody opens a connection (RFC 9293, 3.5)
_TOLD_FLAGS = b"\x17"


class Part(Enum):
    """Which part of a packet a rule looks at."""

    INTERFACE = "the interface's name"
    PROTOCOL = "the protocol in IP"
    FRAGMENT = "flags and offset of a fragment, 2 octets"
    PORT = "the destination port, 2 octets"
    FLAGS = "the flags of TCP, 1 octet"


@dataclass(frozen=True, slots=True)
class Match:
    """True when the part, after `mask` if there is one, compares with `value` so; of a name only the first letters."""

    part: Part
    value: bytes
    compare: Literal["=", "!=", ">="] = "="
    mask: bytes = b""


@dataclass(frozen=True, slots=True)
class GuardRule:
    """In `chain`: when all matches are true, then `verdict`; "camera" is the chain to go on in."""

    chain: str
    words: str
    matches: tuple[Match, ...]
    verdict: Literal["accept", "drop", "camera"]


def guard_rules(guard: Guard) -> list[GuardRule]:
    """Chain by chain, in their order."""
    if not guard.prefixes:
        return []
    rules = [
        GuardRule(ENTRY, f"{prefix}*", (Match(Part.INTERFACE, prefix.encode()),), "camera") for prefix in guard.prefixes
    ]
    # Without connection tracking nobody puts fragments together here. Without its first one the others are nothing.
    later = Match(Part.FRAGMENT, bytes(2), "!=", b"\x1f\xff")
    rules.append(GuardRule(CAMERA, "later fragments", (later,), "accept"))
    rules.append(GuardRule(CAMERA, "icmp", (_protocol(_ICMP),), "accept"))
    rules.append(GuardRule(CAMERA, "igmp", (_protocol(_IGMP),), "accept"))
    rules += [_port(f"tcp {port}", _TCP, port) for port in guard.tcp]
    # Connections that were opened from here: all that does not open one. For them connection tracking would be needed.
    old = Match(Part.FLAGS, _NEW, "!=", _TOLD_FLAGS)
    rules.append(GuardRule(CAMERA, "tcp that opens nothing", (_protocol(_TCP), old), "accept"))
    rules.append(_port("udp discovery", _UDP, _DISCOVERY))
    rules.append(_port("udp dhcp", _UDP, _DHCP_CLIENT))
    media = Match(Part.PORT, _FIRST_MEDIA_PORT.to_bytes(2), ">=")
    rules.append(GuardRule(CAMERA, "udp media", (_protocol(_UDP), media), "accept"))
    rules.append(GuardRule(CAMERA, "everything else", (), "drop"))
    return rules


def guard_of(rows: Iterable[tuple[str, str]]) -> Guard:
    """The guard whose rules have exactly these chains and comments, else DAMAGED. The order counts within a chain."""
    rows = list(rows)
    prefixes = tuple(words[:-1] for chain, words in rows if chain == ENTRY)
    ports = [words.partition(" ")[2] for chain, words in rows if chain == CAMERA and words.startswith("tcp ")]
    guard = Guard(prefixes, tuple(int(port) for port in ports if port.isdecimal() and int(port) < 1 << 16))
    return guard if _by_chain((r.chain, r.words) for r in guard_rules(guard)) == _by_chain(rows) else DAMAGED


def merge_guards(guards: Iterable[Guard | None]) -> Guard | None:
    """One for all interfaces: what is open on one of them is open on all."""
    there = [guard for guard in guards if guard]
    if not there:
        return None
    prefixes = sorted({prefix for guard in there for prefix in guard.prefixes})
    return Guard(tuple(prefixes), tuple(sorted({port for guard in there for port in guard.tcp})))


def guard_words(guard: Guard) -> str:
    names = " and ".join(f"{prefix}*" for prefix in guard.prefixes)
    return f"let only tcp {', '.join(map(str, guard.tcp))}, discovery, media and ping in on {names or 'nothing'}"


def _protocol(number: bytes) -> Match:
    return Match(Part.PROTOCOL, number)


def _port(words: str, protocol: bytes, port: int) -> GuardRule:
    return GuardRule(CAMERA, words, (_protocol(protocol), Match(Part.PORT, port.to_bytes(2))), "accept")


def _by_chain(rows: Iterable[tuple[str, str]]) -> dict[str, Sequence[str]]:
    chains: dict[str, list[str]] = {}
    for chain, words in rows:
        chains.setdefault(chain, []).append(words)
    return dict(chains)
