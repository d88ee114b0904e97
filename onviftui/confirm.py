"""Questions before something is removed or made."""

from __future__ import annotations

import sys

from proxyd.errors import InvalidInput, ProxyError


def confirm(question: str, *, yes: bool, otherwise: str = "Nothing was removed.") -> None:
    """Returns when `yes` or when a person says so. Raises InvalidInput without a terminal, ProxyError on "no"."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInput("Nobody is there to confirm this.", "Add --yes to do it without asking.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ProxyError(otherwise)
