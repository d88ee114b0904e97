"""Passwords come from standard input or a terminal without echo, never from arguments."""

from __future__ import annotations

import getpass
import sys

from proxyd.errors import InvalidInput

from .confirm import interruptible

_MAX_LINE = 4096


def read_password(*, from_stdin: bool, what: str) -> str:
    """One password: asked for on a terminal, else the first line of standard input when `from_stdin`.

    Raises InvalidInput when there is neither; no message repeats what was read."""
    if sys.stdin.isatty():
        try:
            with interruptible():
                return getpass.getpass(f"{what}: ")
        except EOFError:
            raise InvalidInput("No password was typed; nothing was changed.") from None
    if not from_stdin:
        raise InvalidInput("The password is missing.", "Pass it on standard input: … --password-stdin < FILE")
    try:
        with interruptible():
            line = sys.stdin.readline(_MAX_LINE)
        line.encode()
    except UnicodeError:  # `from None`: the exception holds the bytes
        raise InvalidInput("The password on standard input is not UTF-8 text.", "Convert it, or type it.") from None
    if not line:
        raise InvalidInput("There was no password on standard input.", "Its first line is the password (may be empty).")
    if len(line) >= _MAX_LINE:
        raise InvalidInput("The password on standard input is too long.", "At most 128 characters.")
    return line.rstrip("\r\n")
