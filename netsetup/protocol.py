"""What is said on the arm's socket: one JSON object per line, both ways. Pure.

A request is `{"do": …, …}`; unknown names and wrong types are refused, never guessed. An answer has `ok`; when that is
false, `kind`, `error` and `hint` say why. `watch` is answered by the status, and by a new one whenever it changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any, Literal, TypeVar

from .errors import BadRequest, NetsetupError
from .model import MOST_PARENTS, MOST_SLOTS, Plan
from .plan import PlanWish

VERSION = 1
MOST_REQUEST_BYTES = 256 * 1024  # three plans of 512 slots
MOST_EXCLUDED = 1024
MOST_KNOWN = 4096
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Status:
    """How everything stands now; with `watch` also from now on."""

    watch: bool = False


@dataclass(frozen=True, slots=True)
class MakePlan:
    """What would be for one parent; changes nothing."""

    wish: PlanWish


@dataclass(frozen=True, slots=True)
class Apply:
    """Exactly these plans, each for its parent. `digest` is what `digest_of` says of them."""

    plans: tuple[Plan, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Add:
    """More interfaces on a parent that has a plan, or on the only one that may have one. With `digest` only what an
    earlier dry run showed. `known`: interfaces by MAC that proxyd has in its database, present or not."""

    count: int
    parent: str | None = None
    dry_run: bool = False
    digest: str | None = None
    known: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remove:
    """These interfaces, for good."""

    names: tuple[str, ...]
    dry_run: bool = False
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Doctor:
    """Examine every camera from the machine itself."""


@dataclass(frozen=True, slots=True)
class Hostnames:
    """What cameras are called, by MAC: DHCP servers show it."""

    names: Mapping[str, str] = field(default_factory=dict)


Request = Status | MakePlan | Apply | Add | Remove | Doctor | Hostnames


def parse_request(line: bytes) -> Request:
    """Raises BadRequest with what is wrong."""
    if len(line) > MOST_REQUEST_BYTES:
        raise BadRequest(f"A request may have {MOST_REQUEST_BYTES} bytes.")
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise BadRequest("That is not JSON.", "Send one JSON object per line.") from None
    if not isinstance(data, dict):
        raise BadRequest("A request is a JSON object.")
    kind, known = data.pop("do", None), ", ".join(_KINDS)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise BadRequest(f"There is no such request; there are {known}.")
    fields = _Fields(kind, data)
    request = _KINDS[kind](fields)
    fields.no_more()
    return request


def digest_of(plans: Sequence[Plan]) -> str:
    """Names exactly these plans, whatever their order."""
    return "-".join(sorted(plan.digest() for plan in plans))


def format_answer(fields: Mapping[str, Any]) -> bytes:
    return json.dumps({"ok": True, **fields}, separators=(",", ":")).encode() + b"\n"


def format_error(error: NetsetupError) -> bytes:
    words = {"ok": False, "kind": type(error).__name__, "error": error.message, "hint": error.hint}
    return json.dumps(words, separators=(",", ":")).encode() + b"\n"


class _Fields:
    """The named values of one request, each taken once."""

    def __init__(self, kind: str, data: dict[str, Any]) -> None:
        self._kind = kind
        self._data = data

    def no_more(self) -> None:
        if self._data:
            raise BadRequest(f"{self._kind} knows no {', '.join(sorted(map(repr, self._data)))}.")

    def wrong(self, name: str, what: str) -> BadRequest:
        return BadRequest(f"{self._kind}: {name} must be {what}.")

    def text(self, name: str, most: int = 64) -> str | None:
        value = self._data.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
            raise self.wrong(name, f"a text of at most {most} characters")
        return value

    def needed_text(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise self.wrong(name, "given")
        return value

    def count(self, name: str = "count") -> int:
        value = self._data.pop(name, None)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_SLOTS:
            raise self.wrong(name, f"a number from 1 to {MOST_SLOTS}")
        return value

    def flag(self, name: str) -> bool:
        value = self._data.pop(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def method(self) -> Literal["dhcp", "static"] | None:
        match self._data.pop("method", None):
            case None:
                return None
            case "dhcp":
                return "dhcp"
            case "static":
                return "static"
        raise self.wrong("method", "dhcp or static")

    def items(self, name: str, most: int) -> list[Any]:
        value = self._data.pop(name, [])
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(name, f"a list of at most {most}")
        return value

    def address(self, name: str) -> IPv4Address | None:
        return self._parsed(name, IPv4Address, "an address such as 10.77.0.1", self.text(name))

    def interface(self, name: str) -> IPv4Interface | None:
        return self._parsed(name, IPv4Interface, "an address such as 10.77.0.101/24", self.text(name))

    def networks(self, name: str) -> tuple[IPv4Network, ...]:
        words = self.items(name, MOST_EXCLUDED)
        parsed = (self._parsed(name, IPv4Network, "a list of addresses or networks", word) for word in words)
        return tuple(network for network in parsed if network is not None)

    def _parsed(self, name: str, parse: Callable[[str], _Value], what: str, value: Any) -> _Value | None:
        if value is None:
            return None
        try:
            if isinstance(value, str):
                return parse(value)
        except ValueError:
            pass
        raise self.wrong(name, what)

    def plans(self) -> tuple[Plan, ...]:
        try:
            plans = tuple(Plan.from_json(one) for one in self.items("plans", MOST_PARENTS))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self.wrong("plans", "what `plan` answered") from None
        if not plans:
            raise self.wrong("plans", "given")
        return plans

    def names_by_mac(self, name: str, most: int, default: dict[str, str] | None = None) -> dict[str, str]:
        value = self._data.pop(name, default)
        if not isinstance(value, dict) or len(value) > most:
            raise self.wrong(name, f"an object of at most {most} MAC addresses and names")
        for mac, text in value.items():
            if not _MAC.fullmatch(mac) or not isinstance(text, str) or len(text) > 256:
                raise self.wrong(name, "an object of MAC addresses and names")
        return value


def _make_plan(f: _Fields) -> MakePlan:
    wish = PlanWish(
        parent=f.needed_text("parent"),
        count=f.count(),
        method=f.method(),
        first=f.interface("first"),
        gateway=f.address("gateway"),
        exclude=f.networks("exclude"),
        mac_prefix=f.text("mac_prefix"),
        name_prefix=f.text("name_prefix"),
    )
    return MakePlan(wish)


def _add(f: _Fields) -> Add:
    known = f.names_by_mac("known", MOST_KNOWN, {})
    return Add(f.count(), f.text("parent"), f.flag("dry_run"), f.text("digest"), known)


def _remove(f: _Fields) -> Remove:
    names = f.items("names", MOST_SLOTS)
    if not names or not all(isinstance(name, str) and 0 < len(name) < 16 and name.isprintable() for name in names):
        raise f.wrong("names", "a list of interfaces, such as vcam7")
    return Remove(tuple(dict.fromkeys(names)), f.flag("dry_run"), f.text("digest"))


_KINDS: dict[str, Callable[[_Fields], Request]] = {
    "status": lambda f: Status(),
    "watch": lambda f: Status(watch=True),
    "plan": _make_plan,
    "apply": lambda f: Apply(f.plans(), f.needed_text("digest")),
    "add": _add,
    "remove": _remove,
    "doctor": lambda f: Doctor(),
    "hostnames": lambda f: Hostnames(f.names_by_mac("names", MOST_SLOTS * MOST_PARENTS)),
}
