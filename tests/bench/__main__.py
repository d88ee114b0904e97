"""`contrib/bench [NAME …]`: one JSON document on standard output, progress on standard error."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from . import events, interfaces, memory, pictures, scan, screen, soap, ssh
from .measure import machine
from .relay import run as relay
from .relay.settings import Settings

NAMES = ("scan", "soap", "relay", "events", "memory", "screen", "ssh", "pictures", "interfaces")
Measure = Callable[[], Coroutine[Any, Any, dict[str, object]]]


def _measurements(args: argparse.Namespace) -> dict[str, Measure]:
    given = {"rounds": args.rounds, "window_s": args.window, "minutes": args.minutes, "only": args.only}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    return {
        "scan": scan.run,
        "soap": soap.run,
        "relay": partial(relay.run, settings),
        "events": partial(events.run, args.seconds) if args.seconds else events.run,
        "memory": memory.run,
        "screen": screen.run,
        "ssh": ssh.run,
        "pictures": pictures.run,
        "interfaces": interfaces.run,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="contrib/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--seconds", type=float, metavar="S", help="events: how long they flow (default: 20)")
    group = parser.add_argument_group("relay")
    group.add_argument("--rounds", type=int, metavar="N", help="how often each engine has its turn (default: 5)")
    group.add_argument("--only", type=_rows, metavar="ROW,…", help=f"of {', '.join(relay.ROWS)} (default: all)")
    group.add_argument("--window", type=float, metavar="S", help="how long each turn is measured (default: 5)")
    group.add_argument("--minutes", type=float, metavar="M", help="how long endurance lasts (default: 30)")
    args = parser.parse_args()
    if unknown := set(args.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    measure = _measurements(args)
    results: dict[str, object] = {"machine": machine()}
    for name in args.names or NAMES:
        began = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        results[name] = asyncio.run(measure[name]())
        print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(json.dumps(results, indent=2))
    return 0


def _rows(text: str) -> tuple[str, ...]:
    rows = tuple(text.split(","))
    if unknown := set(rows) - relay.ROWS.keys():
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(relay.ROWS)}")
    return rows


sys.exit(main())
