"""What can be typed behind `onviftui ssh`."""

from __future__ import annotations

import argparse
from pathlib import Path

ABOUT = "serve the UI and these commands by SSH"


def fill(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Serve the terminal UI and these commands by SSH, without any other access to this machine; until SIGTERM."
    )
    parser.add_argument(
        "--listen", default=":2222", metavar="[ADDRESS]:PORT", help="where to listen (port 2222 of all addresses)"
    )
    parser.add_argument(
        "--users", type=Path, metavar="FOLDER", help="where the users are; default: where the daemon keeps them"
    )
    parser.add_argument(
        "--host-key", type=Path, metavar="FILE", help="the server's own key; made when it is not there yet"
    )
    parser.add_argument(
        "--passwords", action="store_true", help="let users with a password log in by it, too; else keys alone count"
    )
    parser.add_argument(
        "--idle-minutes",
        type=_minutes,
        default=30,
        metavar="N",
        help="close a UI in which no key was pressed for N minutes; 0: never (30)",
    )
    parser.add_argument(
        "--sessions", type=_sessions, default=20, metavar="N", help="how many sessions at a time, 1 to 60 (20)"
    )
    parser.add_argument(
        "--session-mb",
        type=_megabytes,
        default=512,
        metavar="N",
        help="address space of one session in MB, 128 to 65536 (512); it uses a part of that",
    )


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1
    if not 0 <= minutes <= 7 * 24 * 60:
        raise argparse.ArgumentTypeError("must be a number from 0 to 10080")
    return minutes


def _sessions(text: str) -> int:
    return _between(text, 1, 60)


def _megabytes(text: str) -> int:
    return _between(text, 128, 65536)


def _between(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"must be a number from {least} to {most}")
    return int(text)
