"""`contrib/bench [NAME …]`: one JSON document on standard output, progress on standard error."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time

from . import interfaces, memory, relay, scan, screen, soap
from .measure import machine

MEASUREMENTS = {
    "scan": scan.run,
    "soap": soap.run,
    "relay": relay.run,
    "memory": memory.run,
    "screen": screen.run,
    "interfaces": interfaces.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="contrib/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(MEASUREMENTS)}")
    names = parser.parse_args().names or list(MEASUREMENTS)
    unknown = set(names) - MEASUREMENTS.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    results: dict[str, object] = {"machine": machine()}
    for name in names:
        began = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        results[name] = asyncio.run(MEASUREMENTS[name]())
        print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(json.dumps(results, indent=2))
    return 0


sys.exit(main())
