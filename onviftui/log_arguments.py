"""What can be typed behind `onviftui log`."""

from __future__ import annotations

import argparse
from typing import Any

_LEVELS = ("info", "warning", "error")


def fill(verbs: Any) -> None:
    """`verbs.add` gives the parser of one verb."""
    verb = verbs.add("tail", "the newest log entries, oldest first")
    _common(verb, _LEVELS)
    verb.add_argument("--by", default="", metavar="WHO", help="only what this user did, or a part of his name")
    verb.add_argument("--before", type=int, default=0, metavar="ID", help="only entries older than this one (--json)")
    verb = verbs.add("daemon", "the daemon's own lines, as its journal has them")
    _common(verb, ("debug", *_LEVELS))


def _common(verb: argparse.ArgumentParser, levels: tuple[str, ...]) -> None:
    verb.add_argument("--limit", type=int, default=50, metavar="N", help="at most this many (50)")
    verb.add_argument("-f", "--follow", action="store_true", help="go on with new ones until Ctrl-C")
    verb.add_argument("--level", choices=levels, default=levels[0], help="this level and worse")
    verb.add_argument("--camera", metavar="CAMERA", help="only what is about this camera: id or exact name")
    verb.add_argument("--nvr", metavar="NVR", help="only what is about this NVR: id or exact name")
    verb.add_argument("--text", default="", help="only those with this text, capitals or not")
