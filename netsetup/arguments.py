"""The options of plan, apply, undo, remove and status."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import TypeVar

from .config import DEFAULT_FILE, DEFAULT_STATE
from .database import DEFAULT_DATABASE
from .guard import USUAL_TCP

_Value = TypeVar("_Value", IPv4Address, IPv4Interface, IPv4Network)


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    _add_wish(parser)


def add_apply_arguments(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("file", nargs="?", type=Path, help="what `netsetup plan --json` wrote")
    _add_wish(parser)
    _add_consent(parser)
    _add_no_probe(parser)


def add_undo_arguments(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    _add_consent(parser)
    _add_no_probe(parser)


def add_remove_arguments(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("names", nargs="*", metavar="NAME", help="interfaces, such as vcam7")
    parser.add_argument("--all", action="store_true", help="every interface, with all rules, routes and settings")
    parser.add_argument("--keep-plans", action="store_true", help="with --all: from the kernel only, until apply")
    _add_consent(parser)


def add_status_arguments(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)


def again(args: argparse.Namespace, consent: str) -> str:
    """The `apply` that does what these options showed."""
    words = ["netsetup", "apply"]
    if getattr(args, "file", None):
        words.append(str(args.file))
    for name in ("parent", "count", "static", "gateway", "mac_prefix", "name_prefix"):
        if (value := getattr(args, name)) is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    words += ["--dhcp"] if args.dhcp else []
    if args.guard is not None:
        words += ["--guard", ",".join(map(str, args.guard))] if args.guard else ["--no-guard"]
    words += ["--exclude", ",".join(map(str, args.exclude))] if args.exclude else []
    for name, usual in (("state", DEFAULT_STATE), ("config", DEFAULT_FILE), ("database", DEFAULT_DATABASE)):
        if getattr(args, name) != usual:
            words += [f"--{name}", str(getattr(args, name))]
    return f"{shlex.join(words)} {consent}"


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--detailed-exitcode", action="store_true", help="2 when changes are pending or were made")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, metavar="DIR", help=f"default {DEFAULT_STATE}")
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"default {DEFAULT_FILE}")


def _add_wish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--parent", help="the adapter on the recorder's LAN, such as eth0")
    parser.add_argument("--count", type=int, help="how many interfaces there shall be on it")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dhcp", action="store_true", help="addresses from the LAN's DHCP server")
    how.add_argument("--static", type=_interface, metavar="FIRST/LENGTH", help="such as 10.77.0.101/24")
    parser.add_argument("--gateway", type=_address, help="the way out of the LAN, for static addresses")
    parser.add_argument(
        "--exclude", type=_networks, action="extend", default=[], metavar="ADDRESS[,…]", help="addresses or networks"
    )
    parser.add_argument("--mac-prefix", help="such as a2:6f:00; usually made from the adapter's own MAC")
    parser.add_argument("--name-prefix", help="usually vcam")
    _add_guard(parser)
    add_database_argument(parser)


def add_database_argument(parser: argparse.ArgumentParser) -> None:
    what = "proxyd's database: the MAC addresses of its cameras go to no other interface"
    parser.add_argument(
        "--database", type=Path, default=DEFAULT_DATABASE, metavar="FILE", help=f"{what}; default {DEFAULT_DATABASE}"
    )


def _add_guard(parser: argparse.ArgumentParser) -> None:
    usual = ",".join(map(str, USUAL_TCP))
    guard = parser.add_mutually_exclusive_group()
    guard.add_argument(
        "--guard",
        nargs="?",
        type=_ports,
        const=USUAL_TCP,
        metavar="PORT[,…]",
        help=f"let others reach only these TCP ports on the cameras' addresses ({usual}), not this host's services",
    )
    guard.add_argument("--no-guard", dest="guard", action="store_const", const=(), help="without that")


def _add_consent(parser: argparse.ArgumentParser) -> None:
    consent = parser.add_mutually_exclusive_group()
    consent.add_argument("--yes", action="store_true", help="do it; without this nothing is changed")
    consent.add_argument("--digest", help="do exactly what an earlier dry run showed under this digest")


def _add_no_probe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-probe", action="store_true", help="do not ask the LAN whether static addresses are free")


def _interface(text: str) -> IPv4Interface:
    if "/" not in text:
        raise argparse.ArgumentTypeError(f"{text} has no prefix length: write {text}/24, with your LAN's length")
    return _parsed(IPv4Interface, text, "an address with its prefix length, such as 10.77.0.101/24")


def _ports(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(word) for word in text.split(",")}))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a list of ports, such as 80,322,443,554") from None


def _address(text: str) -> IPv4Address:
    return _parsed(IPv4Address, text, "an IPv4 address")


def _networks(text: str) -> list[IPv4Network]:
    return [
        _parsed(IPv4Network, part.strip(), "an IPv4 address or network") for part in text.split(",") if part.strip()
    ]


def _parsed(kind: Callable[[str], _Value], text: str, what: str) -> _Value:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not {what}") from None
