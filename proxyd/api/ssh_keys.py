"""Public keys as people bring them: one line of `ssh-keygen`'s .pub file. Read by hand, so that every program that
speaks to the daemon can say what is wrong with a key before it sends it. Pure; sources: RFC 4253, RFC 5656, RFC 8709
and OpenSSH's PROTOCOL.u2f.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

MAX_KEY_LINE = 16 * 1024
MAX_COMMENT = 100
LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 16384
_POINTS = {"nistp256": 65, "nistp384": 97, "nistp521": 133}  # bytes of an uncompressed point
_ED25519 = "ssh-ed25519"
_SK_ED25519 = "sk-ssh-ed25519@openssh.com"
_SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
KINDS = (_ED25519, *(f"ecdsa-sha2-{curve}" for curve in _POINTS), "ssh-rsa", _SK_ED25519, _SK_ECDSA)
_MAKE_ONE = "Make one with: ssh-keygen -t ed25519"


class UnfitKey(ValueError):
    """Why a key is not taken, and what to do. Nothing of the key is in it."""

    def __init__(self, message: str, hint: str = _MAKE_ONE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class SshKey:
    """`data` is the key in base64, as it stands in files: what tells two keys apart."""

    kind: str
    data: str
    comment: str = ""

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it."""
        digest = hashlib.sha256(base64.b64decode(self.data)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def line(self) -> str:
        """As in a `.pub` file, without options."""
        return f"{self.kind} {self.data} {self.comment}".rstrip()


def parse_key(text: str) -> SshKey:
    """One public key, without options. Raises UnfitKey."""
    if "PRIVATE KEY" in text or "PuTTY-User-Key-File" in text:
        raise UnfitKey(
            "This is a private key. Nobody but its owner may have it; it was not kept.",
            "Give the public one: the file that ends in .pub.",
        )
    if "BEGIN SSH2 PUBLIC KEY" in text:
        raise UnfitKey(
            "This is a public key in the form that PuTTYgen saves.",
            "Copy the line that PuTTYgen shows for pasting, or use: ssh-keygen -i -f FILE",
        )
    lines = [line for line in (part.strip() for part in text.splitlines()) if line and not line.startswith("#")]
    if not lines:
        raise UnfitKey("There is no key in it.")
    if len(lines) > 1:
        raise UnfitKey("A key is one line; here are several.", "Give one key at a time, unbroken.")
    return parse_key_line(lines[0])


def parse_key_line(line: str) -> SshKey:
    """ "KIND BASE64 [COMMENT]". Raises UnfitKey."""
    if len(line) > MAX_KEY_LINE:
        raise UnfitKey(f"A key has {MAX_KEY_LINE // 1024} kB at most.")
    kind, _, rest = line.strip().partition(" ")
    data, _, comment = rest.strip().partition(" ")
    if kind not in KINDS:
        raise UnfitKey(*_why_not(kind))
    try:
        blob = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise UnfitKey("The key is damaged: it is not base64.", "Copy the whole line of the .pub file.") from None
    if base64.b64encode(blob).decode() != data:
        raise UnfitKey("The key is damaged: it is not base64.", "Copy the whole line of the .pub file.")
    _check(kind, blob)
    comment = comment.strip()
    if not comment.isprintable() or len(comment) > MAX_COMMENT:
        raise UnfitKey(
            f"The comment behind the key has more than {MAX_COMMENT} characters, or some that cannot be shown.",
            "Shorten it; it is only a name for people.",
        )
    return SshKey(kind, data, comment)


def _why_not(kind: str) -> tuple[str, str]:
    if "-cert-v01@" in kind:
        return "This is a certificate, not a key.", "Give the .pub file that it was made for."
    if kind == "ssh-dss":
        return "DSA keys are too weak for today.", _MAKE_ONE
    if any(f"{known} " in f"{kind} " for known in KINDS) or "=" in kind or "," in kind:
        return "There is something before the key.", "Options are not taken: give the line of the .pub file as it is."
    return f"This is not a public key of a kind that is taken ({', '.join(_short(k) for k in KINDS)}).", _MAKE_ONE


def _short(kind: str) -> str:
    return kind.removesuffix("@openssh.com")


def _check(kind: str, blob: bytes) -> None:
    """That the parts are there, have the right sizes and nothing follows. Raises UnfitKey."""
    parts = _parts(blob)
    if parts is None or not parts or parts[0] != kind.encode():
        raise UnfitKey("The key is damaged.", "Copy the whole line of the .pub file.")
    if kind == "ssh-rsa":
        fits = len(parts) == 3
        bits = int.from_bytes(parts[2], "big").bit_length() if fits else 0
        if fits and bits < LEAST_RSA_BITS:
            raise UnfitKey(f"An RSA key of {bits} bits is too weak; {LEAST_RSA_BITS} are the least.")
        fits = fits and bits <= _MOST_RSA_BITS
    elif kind in (_ED25519, _SK_ED25519):
        fits = len(parts) == 2 + (kind == _SK_ED25519) and len(parts[1]) == 32
    else:
        curve = "nistp256" if kind == _SK_ECDSA else kind.removeprefix("ecdsa-sha2-")
        fits = len(parts) == 3 + (kind == _SK_ECDSA) and parts[1] == curve.encode()
        fits = fits and len(parts[2]) == _POINTS[curve] and parts[2][0] == 4
    if not fits:
        raise UnfitKey("The key is damaged.", "Copy the whole line of the .pub file.")


def _parts(blob: bytes) -> list[bytes] | None:
    """Each is preceded by its length (RFC 4251, section 5); None when that does not come out."""
    found = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            return None
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return found
