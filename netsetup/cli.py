"""The command `netsetup`. Thin: every subcommand is a module with `add_arguments(parser)` and `run(args)`.

Exit codes: 0 done or nothing to do, 1 error, 2 changes pending or made (with --detailed-exitcode).
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

from .errors import NetsetupError

# Name → module, the suffix of its two functions, and the line in the help. Only the module that is asked for is
# imported: a Raspberry Pi starts it in half the time.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "check": ("check", "", "is this host fit for cameras of their own? reads only"),
    "plan": ("commands", "plan", "show exactly what would be changed; changes nothing"),
    "apply": ("commands", "apply", "do what was planned"),
    "undo": ("commands", "undo", "take back the last change"),
    "status": ("commands", "status", "the interfaces, and whether they are as planned"),
    "remove": ("commands", "remove", "remove interfaces, or everything with --all"),
    "doctor": ("doctor", "", "why does a camera not reach the LAN?"),
    "install": ("install", "", "users, directories, units and settings of this host"),
    "uninstall": ("install", "uninstall", "take back what install did"),
    "serve": ("serve", "", "the service that keeps the interfaces and their addresses"),
}


class _Parser(argparse.ArgumentParser):
    """2 means changes here, so that wrong usage ends with 1."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(1)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    wanted = next((argument for argument in arguments if not argument.startswith("-")), "")
    args = _parser(wanted).parse_args(arguments)
    try:
        return int(args.run(args))
    except NetsetupError as error:
        if getattr(args, "json", False):
            print(json.dumps({"error": error.message, "hint": error.hint}))
        else:
            print(f"netsetup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("netsetup: interrupted; everything is as it was.", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `netsetup plan … | head`
        sys.stderr.close()
        return 1


def _parser(wanted: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="netsetup", description="One network interface with a MAC address of its own for every camera."
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, suffix, line) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name == wanted:
            _fill(subparser, module, suffix)
    return parser


def _fill(parser: argparse.ArgumentParser, module_name: str, suffix: str) -> None:
    module = importlib.import_module(f"netsetup.{module_name}")
    getattr(module, f"add_{suffix}_arguments" if suffix else "add_arguments")(parser)
    parser.set_defaults(run=getattr(module, f"run_{suffix}" if suffix else "run"))


if __name__ == "__main__":
    sys.exit(main())
