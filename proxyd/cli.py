"""Command `proxyd`: run (the daemon) and simulate (an NVR to try everything with)."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from proxyd import config
from proxyd.errors import ProxyError
from proxyd.lookups import Loop
from proxyd.memory import keep_together


def parser() -> argparse.ArgumentParser:
    import proxyd.simulator.cli as simulator

    top = argparse.ArgumentParser(prog="proxyd", description="Splits NVRs into one virtual ONVIF camera per channel.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the daemon", description="Runs the daemon in the foreground.")
    run.add_argument("--config", type=Path, metavar="F", help=f"settings (default: {config.DEFAULT_FILE})")
    run.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="database and key (default: /var/lib/proxyd; not as root: ~/.local/share/proxyd)",
    )
    run.add_argument(
        "--socket",
        type=Path,
        metavar="PATH",
        help="JSON-RPC socket (default: /run/proxyd/proxyd.sock; not as root: $XDG_RUNTIME_DIR/proxyd/proxyd.sock)",
    )
    mode = run.add_mutually_exclusive_group()
    mode.add_argument(
        "--loopback",
        metavar="CIDR",
        help="no network set-up: cameras on addresses of this loopback range, such as 127.0.77.0/24",
    )
    mode.add_argument(
        "--shared",
        metavar="ADDRESS",
        help="all cameras on this address with ports of their own; not for recorders that go by MAC (UniFi Protect)",
    )
    run.set_defaults(function=_run)
    simulate = commands.add_parser("simulate", help="run a simulated NVR")
    simulator.add_arguments(simulate)
    simulate.set_defaults(function=simulator.run)
    return top


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        return int(args.function(args))
    except ProxyError as error:
        print(f"proxyd: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:  # before the daemon takes signals itself
        return 130


def _run(args: argparse.Namespace) -> int:
    settings = config.load(args.config, data=args.data, socket=args.socket, loopback=args.loopback, shared=args.shared)
    from proxyd import daemon  # late: `--help` and a wrong config need not load everything

    logging.basicConfig(
        level=settings.daemon.log_level.upper(), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for noisy in ("httpx", "zeep", "onvif", "aiosqlite"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    keep_together()
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(daemon.run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
