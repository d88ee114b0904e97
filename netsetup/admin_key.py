"""The first administrator who may log in by SSH: his key as a line of the file that the daemon keeps. Pure.

Only the shape is looked at, with the standard library: the daemon and the SSH server look closer.
"""

from __future__ import annotations

import base64
import binascii
import re

from .errors import BadRequest

USERS = "/var/lib/onviftui"  # a contract with proxyd (api/ssh_users_folder), like what stands in the file
KEYS = f"{USERS}/authorized_keys"
HEAD = "# Who may log in by SSH. Change it with: onviftui user"
USUAL_NAME = "admin"
_KINDS = re.compile(
    r"ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com"
)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_LONGEST = 16 * 1024
_MAKE_ONE = "Make one with: ssh-keygen -t ed25519, and give the file that ends in .pub."


def admin_name(wanted: str, caller: str) -> str:
    """What was asked for, else the name of whoever called sudo where it is fit for it. Raises BadRequest."""
    if wanted and not _NAME.fullmatch(wanted):
        raise BadRequest(
            f"{wanted!r} cannot be the name of a user.", "Use small letters, digits and . _ - only, 32 at most."
        )
    return wanted or (caller if _NAME.fullmatch(caller) else USUAL_NAME)


def first_admin(text: str, name: str) -> str:
    """The line for one public key. Raises BadRequest; nothing of the text is repeated: it may be a private key."""
    if "PRIVATE KEY" in text or "PuTTY-User-Key-File" in text:
        raise BadRequest("That is a private key. Nobody but its owner may have it.", "Give the one that ends in .pub.")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) != 1 or len(lines[0]) > _LONGEST or not lines[0].isprintable():
        raise BadRequest("A public key is one line, and here is something else.", _MAKE_ONE)
    kind, data, *comment = lines[0].split(maxsplit=2)[:3] if " " in lines[0] else (lines[0], "")
    if not _KINDS.fullmatch(kind) or not _holds(data, kind):
        raise BadRequest("That is no public key of a kind that is taken.", _MAKE_ONE)
    options = f'environment="ONVIFTUI_USER={name}",environment="ONVIFTUI_ROLE=admin"'
    return " ".join((options, kind, data, *comment))


def with_line(before: str | None, line: str) -> str:
    """The file with it; what stood there stays."""
    head = f"{HEAD}\n" if before is None else before if not before or before.endswith("\n") else f"{before}\n"
    return f"{head}{line}\n"


def has_users(text: str) -> bool:
    """Whether somebody may log in already."""
    return any(line.lstrip().startswith("environment=") for line in text.splitlines())


def _holds(data: str, kind: str) -> bool:
    """Whether this base64 begins with the name of its kind, as all of them do (RFC 4253, section 6.6)."""
    try:
        blob = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    name = kind.encode()
    return blob.startswith(len(name).to_bytes(4, "big") + name) and len(blob) > 40
