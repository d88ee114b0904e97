"""`python -m tests.fuzz`: broken requests to cameras, and what was seen as JSON. Ends with an error at the first answer
that must not be. `soap` asks a camera's services; `rtsp` talks with a camera over connections, N of them; `rtsp-parts`
gives N inputs to each part that reads RTSP or media."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from tests.proxyd.onvif.schemas import load

from . import in_process, over_sockets, rtsp_over_sockets, rtsp_volume

_ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("soap", "rtsp", "rtsp-parts"), default="soap")
    parser.add_argument("--requests", type=int, default=1_000_000, metavar="N", help="how many (default: a million)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the random generator (default: 1)")
    parser.add_argument("--sockets", action="store_true", help="over connections to one camera, not in process")
    args = parser.parse_args()
    print(json.dumps(_rtsp(args) if args.what != "soap" else _soap(args), indent=2))


def _rtsp(args: argparse.Namespace) -> dict[str, Any]:
    began = time.monotonic()
    if args.what == "rtsp":
        talked = asyncio.run(rtsp_over_sockets.run(args.requests, args.seed))
        seen = {name: getattr(talked, name) for name in talked.__dataclass_fields__}
    else:
        tally = rtsp_volume.run(args.requests, args.seed)
        slowest = {name: round(took_s * 1000, 1) for name, took_s in tally.slowest_s.items()}
        seen = {"inputs": tally.inputs, "slowest_ms": slowest, "memory": tally.memory}
    return seen | {"seed": args.seed, "took_s": round(time.monotonic() - began)}


def _soap(args: argparse.Namespace) -> dict[str, Any]:
    shared = Path(os.environ.get("ONVIFTUI_SHARED", _ROOT.parent / "shared"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in tests/conftest.py
        validator = load(shared if (shared / "onvif-specs").is_dir() else None, Path(scratch))
        if args.sockets:
            tally, judge = asyncio.run(over_sockets.run(validator, args.requests, args.seed))
        else:
            tally, judge = in_process.run(validator, args.requests, args.seed)
    return {
        "requests": tally.requests,
        "seed": args.seed,
        "statuses": dict(sorted(judge.statuses.items())),
        "kinds_of_answers": len(judge.kinds),
        "held_against_the_schemas": judge.validated,
        "slowest_ms": round(tally.slowest_s * 1000, 2),
        "mean_us": round(tally.busy_s / tally.requests * 1e6, 1),
        "memory_mb": [round(each, 1) for each in tally.memory],
        "took_s": round(time.monotonic() - began),
    }


main()
