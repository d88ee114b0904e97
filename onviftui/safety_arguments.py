"""What can be typed for changes of many cameras, undo, backups and settings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

UNDO = "take back the last change of the configuration, or the one with this number"
_SWITCHES = {
    "discovery": "whether recorders find them by searching",
    "https": "whether they answer by HTTPS and give streams by RTSPS, too",
    "audio": "whether recorders get their sound",
    "h265": "whether H.265 is offered where H.264 is, too",
    "metadata": "whether recorders get events and objects beside the video, too",
    "forward": "whether recorders may change encoder and picture on the NVR",
    "share": "whether all recorders of a stream share one session with the NVR",
}


def fill_undo(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        f"{UNDO}; only changes since proxyd started can be taken back. Interfaces and users of SSH are left alone: "
        "a key that was taken away must not come back by mistake"
    )
    parser.add_argument(
        "number", nargs="?", type=int, metavar="NUMBER", help="of a change in the list; default: the last"
    )
    parser.add_argument("--list", action="store_true", help="only show what can be taken back, the last change first")


def fill_edit_all(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="CAMERA", help="ids or exact names")
    parser.add_argument("--all", action="store_true", help="all cameras")
    parser.add_argument(
        "--names",
        metavar="PATTERN",
        help="new names: {name} so far, {n} or {n:02} counts, {nvr} the NVR, {ch} or {ch:02} the channel",
    )
    parser.add_argument("--user", metavar="U", help="user name that recorders use for these cameras")
    _password_stdin(parser)
    for switch, words in _SWITCHES.items():
        parser.add_argument(f"--{switch}", choices=("on", "off"), help=words)
    parser.add_argument("--dry-run", action="store_true", help="only show what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def fill_backup(verbs: Any) -> None:
    """`verbs.add` gives the parser of one verb."""
    verb = verbs.add("create", "make an encrypted backup of everything; the daemon keeps the last 20")
    _passphrase_stdin(verb)
    verb.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="also write it to this file; - is standard output"
    )
    verbs.add("list", "the backups that the daemon keeps")
    verb = verbs.add("check", "what is in a backup, and whether it can be restored")
    verb.add_argument("name", metavar="NAME", help="its name in the list")
    _passphrase_stdin(verb)
    verb = verbs.add("fetch", "write a backup to a file, to keep it elsewhere")
    verb.add_argument("name", metavar="NAME", help="its name in the list")
    verb.add_argument("file", type=Path, metavar="FILE", help="where to; - is standard output")
    verb = verbs.add("bring", "bring the file of a backup, to be restored later; nothing else is changed")
    verb.add_argument("file", type=Path, metavar="FILE", help="which file; - is standard input")
    verb = verbs.add(
        "restore", "become what a backup holds (shows it, asks, makes a backup of now, then starts proxyd anew)"
    )
    verb.add_argument("name", nargs="?", metavar="NAME", help="its name in the list")
    verb.add_argument("--file", type=Path, metavar="FILE", help="bring this file and restore it; - is standard input")
    _passphrase_stdin(verb)
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb = verbs.add("remove", "remove a backup")
    verb.add_argument("name", metavar="NAME", help="its name in the list")
    verb.add_argument("--yes", action="store_true", help="do not ask")


def fill_settings(verbs: Any) -> None:
    """As `fill_backup`."""
    verbs.add("show", "what is in force, and where it came from")
    verb = verbs.add("account", "change the account that all cameras share which have none of their own")
    verb.add_argument("--user", metavar="U", help="user name that recorders use")
    _password_stdin(verb)


def _passphrase_stdin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--passphrase-stdin",
        action="store_true",
        help="read the passphrase from the first line of standard input (a terminal asks without echo)",
    )


def _password_stdin(parser: argparse.ArgumentParser, what: str = "password") -> None:
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help=f"read the {what} from the first line of standard input (a terminal asks without echo)",
    )
