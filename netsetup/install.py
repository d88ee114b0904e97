"""`netsetup install` and `uninstall`: a dry run unless --yes or the digest of an earlier dry run is given.

Nothing of anybody's network service is restarted; NetworkManager, systemd-networkd and udev only read their files anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

from . import admin_key, ssh_login, system
from .accept import accept_name_prefix, accept_parent
from .config import load_limits, parse_limits
from .errors import BadRequest, FactsChanged, NetsetupError
from .installation import (
    RemoveFolder,
    Step,
    digest,
    inside,
    perform,
    steps_to_install,
    steps_to_uninstall,
    words,
)
from .installed import CONFIG, HOMES, SERVICES, SSH, InstalledFile, Sources, items, sources
from .kernel import read_facts
from .model import Facts, Limits

_COMMAND_TIMEOUT_S = 180.0  # a service may take its whole TimeoutStartSec
_PURGED = (*HOMES.values(), admin_key.USERS, "/etc/netsetup", "/etc/proxyd")
_HOMES = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 — the units do not see these


def add_arguments(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("--parent", action="append", help="adapter that may carry cameras (with the default route)")
    parser.add_argument(
        "--range", action="append", type=_network, metavar="NET", help="for static addresses (the adapter's network)"
    )
    parser.add_argument("--name-prefix", help="interfaces are called this and a number (vcam)")
    parser.add_argument("--most", type=int, metavar="N", help="interfaces, on all adapters together (128)")
    parser.add_argument("--member", metavar="USER", help="goes into the group proxyd (whoever called sudo)")
    parser.add_argument(
        "--admin-key", metavar="FILE", help="public key of the first administrator who may log in by SSH; - reads it"
    )
    parser.add_argument("--admin-name", metavar="NAME", default="", help="as the log shows it (whoever called sudo)")
    parser.add_argument("--no-ssh", action="store_true", help="leave the SSH server out: the UI on the machine alone")


def add_uninstall_arguments(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("--purge", action="store_true", help="settings, plans, cameras, NVRs and users too, for good")


def run(args: argparse.Namespace) -> int:
    """Exit code as everywhere: 0, or 2 for changes with --detailed-exitcode. Raises NetsetupError."""
    if args.no_ssh and args.admin_key:
        raise BadRequest("A key to log in by SSH is of no use without the SSH server.", "Leave one of them out.")
    there = sources()
    limits = _limits(args)
    _require_reachable(there, args.root)
    if args.parent and args.root == Path("/"):
        _require_parents(args.parent)
    services = [service for service in SERVICES if service != SSH or not args.no_ssh]
    parts = items(limits, there, services)
    if _is_other(args.root, limits):
        parts = tuple(replace(p, keep=False) if isinstance(p, InstalledFile) and p.path == CONFIG else p for p in parts)
    login, known = ssh_login.steps_for_key(args.root, args.admin_key, args.admin_name, _caller())
    files: list[Step] = [*steps_to_install(parts, args.root), *login]
    steps = files if args.root != Path("/") else system.around_install(files, member=_member(args), services=services)
    after = (
        "Next: netsetup check, then netsetup plan --parent "
        f"{limits.parents[0]} --count 16 --dhcp. Members of the group proxyd log in again, then: onviftui"
    )
    if not args.no_ssh:
        after += f"\n{ssh_login.how(known, args.root, limits.parents[0])}"
    note = ssh_login.not_taken(args.admin_key, login)
    return _go(args, steps, f"Everything is installed.{note}", after + note)


def run_uninstall(args: argparse.Namespace) -> int:
    """Plans and the database stay unless --purge: installed again, every camera is as before. Raises NetsetupError."""
    try:
        limits = load_limits(inside(args.root, CONFIG))
    except BadRequest:
        limits = Limits(("eth0",))
    files: list[Step] = steps_to_uninstall(items(limits, sources()), args.root)
    steps = files if args.root != Path("/") else system.around_uninstall(files, purge=args.purge)
    if args.purge:
        steps = [*steps, *(RemoveFolder(path) for path in _PURGED if inside(args.root, path).is_dir())]
    left = (
        ""
        if args.purge
        else " Cameras, settings, plans and those who log in by SSH stay for the next installation; --purge removes "
        "them, too."
    )
    return _go(args, steps, "Nothing is installed.", f"The cameras' interfaces are gone.{left}")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", type=_folder, default=Path("/"), metavar="DIR", help="into this folder; runs nothing")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--detailed-exitcode", action="store_true", help="2 when changes are pending or were made")
    consent = parser.add_mutually_exclusive_group()
    consent.add_argument("--yes", action="store_true", help="do it; without this nothing is changed")
    consent.add_argument("--digest", help="do exactly what an earlier dry run showed under this digest")


def _go(args: argparse.Namespace, steps: Sequence[Step], nothing: str, after: str) -> int:
    shown = [words(step) for step in steps if words(step)]
    name = digest(steps)
    consent = args.yes or args.digest is not None
    if args.digest is not None and args.digest != name:
        raise FactsChanged("The host is not as it was at the dry run.", "Look at a new dry run, then use its digest.")
    if consent and shown:
        if args.root == Path("/") and os.geteuid() != 0:
            raise BadRequest("Only root may do that.", "Use sudo.")
        perform(steps, args.root, run_command)
    if args.json:
        sys.stdout.write(json.dumps({"digest": name, "changes": shown, "done": consent}) + "\n")
        return _code(args, shown)
    lines = [f"  {line}" for line in shown]
    if not shown:
        lines = [nothing]
    elif consent:
        lines = ["Done:", *lines, after]
    else:
        lines = ["Would:", *lines, f"Digest: {name}", "Nothing was changed yet: --yes does it."]
    sys.stdout.write("\n".join(lines) + "\n")
    return _code(args, shown)


def _code(args: argparse.Namespace, shown: Sequence[str]) -> int:
    return 2 if shown and args.detailed_exitcode else 0


def run_command(argv: Sequence[str]) -> None:
    """Raises NetsetupError with the last line that the program said."""
    if argv[0] == "netsetup":
        argv = [sys.executable, "-m", *argv]
    try:
        done = subprocess.run(  # noqa: S603 — a Run of `installation`; no shell
            argv, capture_output=True, text=True, errors="replace", timeout=_COMMAND_TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise NetsetupError(f"{argv[0]} is not installed.") from None
    except subprocess.TimeoutExpired:
        raise NetsetupError(f"{argv[0]} did not end within {_COMMAND_TIMEOUT_S:g} s.") from None
    if done.returncode:
        said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        hint = f"See: journalctl -u {argv[-1]}" if argv[0] == "systemctl" and argv[-1].endswith(".service") else ""
        raise NetsetupError(said[-1] if said else f"{argv[0]} ended with {done.returncode}", hint)


def _limits(args: argparse.Namespace) -> Limits:
    """What the config file says, with what the command line says instead. Raises BadRequest."""
    file = inside(args.root, CONFIG)
    present = load_limits(file) if file.exists() else None
    parents = tuple(args.parent or (present.parents if present else (_usual_parent(),)))
    base = replace(present, parents=parents) if present else Limits(parents)
    limits = replace(
        base,
        ranges=tuple(args.range) if args.range else base.ranges,
        name_prefix=args.name_prefix or base.name_prefix,
        most=base.most if args.most is None else args.most,
    )
    return _checked(limits)


def _checked(limits: Limits) -> Limits:
    """Through the file's own reader: what is refused there is refused before anything is written."""
    accept_name_prefix(limits.name_prefix)
    content = next(p.content for p in items(limits, sources()) if isinstance(p, InstalledFile) and p.path == CONFIG)
    return parse_limits(content, "What was asked for")


def _require_parents(names: Sequence[str]) -> None:
    """Those that were typed: an adapter of the config file may be unplugged for now."""
    facts = asyncio.run(read_facts([]))
    for name in names:
        accept_parent(name, facts)


def _is_other(root: Path, limits: Limits) -> bool:
    file = inside(root, CONFIG)
    return file.exists() and load_limits(file) != limits


def _usual_parent() -> str:
    facts = asyncio.run(read_facts([]))
    names = usual_parents(facts)
    if len(names) == 1:
        return names[0]
    which = f" ({', '.join(names)})" if names else ""
    raise BadRequest("Which network adapter shall carry the cameras?", f"Say it with --parent{which}.")


def usual_parents(facts: Facts) -> list[str]:
    """Adapters with a default route, best first; without such those that have a cable. Never Wi-Fi, never ours."""
    routed = [name for name, _, _ in sorted(facts.host_routes, key=lambda route: route[2])]
    wired = [x.name for x in facts.links if x.kind in ("", "bridge", "bond", "vlan", "veth") and x.name != "lo"]
    usable = [n for n in wired if (link := facts.link(n)) and not link.wireless and not link.master and not link.ours]
    with_route = [name for name in dict.fromkeys(routed) if name in usable]
    return with_route or [n for n in usable if (link := facts.link(n)) and link.carrier]


def _require_reachable(there: Sources, root: Path) -> None:
    """The services run as users of their own, without home folders."""
    if root != Path("/"):
        return
    place = there.programs
    if any(place.is_relative_to(home) for home in _HOMES):
        raise BadRequest(
            f"The services cannot run from {place}.", "Clone the project into /opt/onviftui, and install from there."
        )
    closed = next((p for p in (place, *place.parents) if not p.stat().st_mode & 0o001), None)
    if closed is not None:
        raise BadRequest(f"Other users may not enter {closed}: the services could not start.", f"chmod o+rx {closed}")


def _member(args: argparse.Namespace) -> str:
    name: str = args.member or _caller()
    return "" if name == "root" else name


def _caller() -> str:
    """Of sudo."""
    name = os.environ.get("SUDO_USER", "")
    return "" if name == "root" else name


def _network(word: str) -> IPv4Network:
    try:
        return IPv4Network(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{word}: {error}") from None


def _folder(word: str) -> Path:
    folder = Path(word).resolve()
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {word}")
    return folder
