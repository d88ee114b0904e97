"""What an installation does so that somebody can log in by SSH: the first administrator's key, and saying how."""

from __future__ import annotations

import asyncio
import platform
import sys
from pathlib import Path

from .admin_key import KEYS, admin_name, first_admin, has_users, with_line
from .errors import BadRequest
from .installation import PutFile, Step, inside
from .kernel import read_facts

PORT = 2222
_LONGEST = 64 * 1024


def steps_for_key(root: Path, file: str | None, name: str, caller: str) -> tuple[list[Step], bool]:
    """The steps, and whether somebody may log in afterwards. None where somebody may already. Raises BadRequest."""
    if file is None and name:
        raise BadRequest("--admin-name goes with a key.", "Give it with --admin-key FILE.")
    line = None if file is None else first_admin(_read(file), admin_name(name, caller))
    before = _present(inside(root, KEYS))
    known = before is not None and has_users(before)
    if line is None or known:
        return [], known
    return [PutFile(KEYS, with_line(before, line), 0o640)], True


def how(known: bool, root: Path, parent: str) -> str:
    """The end of the installation: how to log in, or how to let the first one in."""
    if known:
        return f"Log in by SSH: ssh -p {PORT} cameras@{_host(root, parent)}"
    first = "onviftui user add NAME --role admin --key-file FILE.pub"
    return f"Nobody may log in by SSH yet. The first one: {first}"


def not_taken(file: str | None, steps: list[Step]) -> str:
    """What to say of a key that changes nothing."""
    if file is None or steps:
        return ""
    return " Somebody may log in by SSH already; another one: onviftui user add NAME --key-file FILE.pub"


def _read(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.read(_LONGEST)
        with Path(file).open(errors="replace") as opened:
            return opened.read(_LONGEST)
    except UnicodeDecodeError:
        raise BadRequest("What came on standard input is no public key.", "Give the file that ends in .pub.") from None
    except OSError as error:
        raise BadRequest(f"Cannot read {file}: {error.strerror}.", "Check its name and its rights.") from None


def _present(place: Path) -> str | None:
    """Who may not look is not root, and sees a dry run only."""
    try:
        return place.read_text(errors="surrogateescape")
    except (FileNotFoundError, PermissionError):
        return None
    except OSError as error:
        raise BadRequest(f"{KEYS} cannot be read: {error.strerror}.", "Move it away, then try again.") from None


def _host(root: Path, parent: str) -> str:
    """As others of the network reach it."""
    if root == Path("/"):
        facts = asyncio.run(read_facts([]))
        own = [str(address.address.ip) for address in facts.addresses if address.link == parent]
        if own:
            return own[0]
    return platform.node()
