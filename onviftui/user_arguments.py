"""What can be typed after `onviftui user`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Protocol

ROLES = ("viewer", "operator", "admin")


class Verbs(Protocol):
    def add(self, verb: str, help_text: str) -> argparse.ArgumentParser: ...


def fill(verbs: Verbs) -> None:
    verbs.add("list", "who may log in by SSH, by which keys, and what each may do")
    verb = verbs.add("add", "let somebody log in by SSH, or give somebody who may another key")
    _name(verb)
    verb.add_argument("--role", choices=ROLES, help="what the user may do; a new one is a viewer unless it is given")
    verb.add_argument("--key-file", type=Path, metavar="FILE", help="the public key: a file that ends in .pub")
    verb.add_argument("--key-stdin", action="store_true", help="read the public key from standard input")
    verb.add_argument(
        "--password-stdin",
        action="store_true",
        help="a password instead of a key, from the first line of standard input (a terminal asks without echo)",
    )
    verb = verbs.add("remove", "let somebody log in by SSH no more")
    _name(verb)
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb = verbs.add("remove-key", "take one key away from somebody who has others")
    _name(verb)
    verb.add_argument("fingerprint", metavar="FINGERPRINT", help="SHA256:…, as user list shows it")
    verb = verbs.add("role", "change what somebody who logs in by SSH may do")
    _name(verb)
    verb.add_argument("role", choices=ROLES, metavar="ROLE", help=", ".join(ROLES))
    verb = verbs.add("password", "set a password for SSH, or take it away")
    _name(verb)
    verb.add_argument("--clear", action="store_true", help="no password any more: only keys")
    verb.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from the first line of standard input (a terminal asks without echo)",
    )


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="small letters, digits and . _ -")
