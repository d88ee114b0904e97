"""What each recorder did with one camera since the daemon started.

Pure. A recorder that asks for events every second pushes its own adoption out of the ring of last exchanges; this is a
bounded summary of the whole, from which adoption and diagnosis are told.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

MAX_MEETINGS = 16  # recorders per camera
MAX_FAULTS = 16  # different operations per recorder

Account = Literal["wrong password", "unknown user", "clock", "clear text", "credentials"]


@dataclass(slots=True)
class Refused:
    """How often, and the last reason in words."""

    times: int = 0
    reason: str = ""
    at: datetime | None = None


@dataclass(slots=True)
class Meeting:
    """One recorder, by its address. `accounts`: refusals of its credentials since it last signed in; `faults`: by
    operation, what it was refused although it may sign in."""

    address: str
    first_at: datetime
    last_at: datetime
    asked: int = 0  # anything but searches (WS-Discovery)
    http: int = 0  # of that, by HTTP or HTTPS
    tls: int = 0  # of that, by HTTPS
    signed_in_at: datetime | None = None
    by_rtsp_at: datetime | None = None  # it showed its password by RTSP
    streams_at: datetime | None = None  # it was given the URI of a stream
    played_at: datetime | None = None
    broken: str = ""  # it spoke no HTTP that we understand: the last reason
    accounts: dict[Account, Refused] = field(default_factory=dict)
    faults: OrderedDict[str, Refused] = field(default_factory=OrderedDict)

    @property
    def complete(self) -> bool:
        """Signed in, asked for streams, and played: it has adopted the camera."""
        return bool(self.signed_in_at and self.streams_at and self.played_at)

    def searched(self, at: datetime) -> None:
        self.last_at = at

    def exchanged(
        self, at: datetime, *, protocol: str, operation: str, ok: bool, auth: str, reason: str, tls: bool
    ) -> None:
        """One exchange that is not a search."""
        self.last_at = at
        self.asked += 1
        self.http += protocol in ("onvif", "snapshot")
        self.tls += tls
        if ok and auth:
            self._succeeded(at, protocol, operation)
        elif not ok and operation == BROKEN:
            self.broken = reason
        elif not ok and (kind := account_trouble(reason)):
            _count(self.accounts.setdefault(kind, Refused()), reason, at)
        elif not ok and protocol in ("onvif", "rtsp", "snapshot"):
            _count(self.faults.setdefault(operation, Refused()), reason, at)
            self.faults.move_to_end(operation)
            if len(self.faults) > MAX_FAULTS:
                self.faults.popitem(last=False)

    def _succeeded(self, at: datetime, protocol: str, operation: str) -> None:
        self.accounts.clear()
        self.faults.pop(operation, None)
        if protocol == "onvif":
            self.signed_in_at = at
            if operation == "GetStreamUri":
                self.streams_at = at
        elif protocol == "rtsp":
            self.by_rtsp_at = at
            if operation.startswith("PLAY"):
                self.played_at = at


BROKEN = "broken HTTP"  # the operation of exchanges that were none


class Meetings:
    """By address, the one heard last at the end; the longest silent of too many is forgotten."""

    def __init__(self) -> None:
        self._met: OrderedDict[str, Meeting] = OrderedDict()
        self.version = 0  # grows with every exchange

    def __call__(self, address: str, at: datetime) -> Meeting:
        """The meeting with this recorder, made when it is new."""
        self.version += 1
        meeting = self._met.get(address)
        if meeting is None:
            meeting = self._met[address] = Meeting(address, at, at)
            if len(self._met) > MAX_MEETINGS:
                self._met.popitem(last=False)
        self._met.move_to_end(address)
        return meeting

    def all(self) -> list[Meeting]:
        """The one heard last is the last."""
        return list(self._met.values())

    def get(self, address: str) -> Meeting | None:
        return self._met.get(address)

    def clear(self) -> None:
        self._met.clear()
        self.version += 1


def account_trouble(reason: str) -> Account | None:
    """What is wrong with a client's credentials, from the reason in the trace; None when they are not why it was
    refused."""
    for words, kind in _WORDS:
        if words in reason:
            return kind
    return None


_WORDS: tuple[tuple[str, Account], ...] = (
    ("the client's clock", "clock"),
    ("too old for the number", "clock"),
    ("in clear text", "clear text"),
    ("Basic is not accepted", "clear text"),
    ("wrong password", "wrong password"),
    ("unknown user", "unknown user"),
    ("the token lacks", "credentials"),
    ("the token has a malformed", "credentials"),
    ("the token was used before", "credentials"),
    ("wrong realm", "credentials"),
    ("unknown algorithm", "credentials"),
    ("unknown scheme", "credentials"),
    ("authorization is for another address", "credentials"),
)


def _count(refused: Refused, reason: str, at: datetime) -> None:
    refused.times += 1
    refused.reason, refused.at = reason, at
