"""`netsetup check`: is this host fit for cameras of their own? Only reads; root also sees which program has a port."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from .arguments import add_database_argument
from .config import DEFAULT_FILE, DEFAULT_STATE, load_limits
from .database import known_interfaces
from .errors import NetsetupError
from .files import StateDir
from .findings_text import findings_json, findings_text, has_problem
from .foreign import read_foreign
from .host import read_host
from .host_findings import host_findings, routing_findings
from .install import usual_parents
from .kernel import read_facts
from .known import known_findings
from .model import Finding, Limits, Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--parent", action="append", help="adapter for cameras (those of the settings, else the usual)")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, metavar="DIR", help=f"default {DEFAULT_STATE}")
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"default {DEFAULT_FILE}")
    add_database_argument(parser)


def run(args: argparse.Namespace) -> int:
    """1 when there is a problem."""
    findings = asyncio.run(_findings(args))
    sys.stdout.write(json.dumps(findings_json(findings)) + "\n" if args.json else findings_text(findings))
    return 1 if has_problem(findings) else 0


async def _findings(args: argparse.Namespace) -> list[Finding]:
    found: list[Finding] = []
    limits: Limits | None = None
    try:
        limits = load_limits(args.config) if args.config.exists() else None
    except NetsetupError as error:
        found.append(Finding("config", "problem", error.message, "The service cannot start with it.", error.hint))
    plans: tuple[Plan, ...] = ()
    try:
        plans = StateDir(args.state).plans()
    except (NetsetupError, OSError):
        found.append(Finding("plans-unread", "note", "The plans cannot be read.", "", "Try it as root."))
    try:
        found += known_findings(plans, known_interfaces(args.database))
    except NetsetupError as error:
        why = "New interfaces could get the MAC address of a camera that is away for now."
        found.append(Finding("database-unread", "warning", error.message, why, error.hint))
    facts = await read_facts([])
    parents = args.parent or (list(limits.parents) if limits else usual_parents(facts))
    prefix = limits.name_prefix if limits else "vcam"
    found += host_findings(facts, read_host(), parents, prefix=prefix, plans=plans)
    foreign = await read_foreign()
    return found + routing_findings(foreign.before, foreign.among, foreign.tables)
