"""`contrib/bench [NAME …]`: one JSON document on standard output, progress on standard error."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from functools import partial

from . import events, interfaces, memory, relay, scan, screen, soap
from .measure import machine

MEASUREMENTS = {
    "scan": scan.run,
    "soap": soap.run,
    "relay": relay.run,
    "events": events.run,
    "memory": memory.run,
    "screen": screen.run,
    "interfaces": interfaces.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="contrib/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(MEASUREMENTS)}")
    parser.add_argument("--seconds", type=float, metavar="S", help="how long events flow (default: 20)")
    args = parser.parse_args()
    names = args.names or list(MEASUREMENTS)
    unknown = set(names) - MEASUREMENTS.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    results: dict[str, object] = {"machine": machine()}
    for name in names:
        began = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        measure = partial(events.run, args.seconds) if name == "events" and args.seconds else MEASUREMENTS[name]
        results[name] = asyncio.run(measure())
        print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(json.dumps(results, indent=2))
    return 0


sys.exit(main())
