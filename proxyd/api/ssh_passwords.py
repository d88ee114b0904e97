"""Passwords of those who log in by SSH without a key: scrypt (RFC 7914), one line of text each. Pure: the salt comes
from the caller. It takes a quarter of a second and 32 MB by intent: call it in a thread, a few at a time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from dataclasses import dataclass, field

SALT_BYTES = 16
LEAST_CHARACTERS, MOST_CHARACTERS = 10, 128
_N, _R, _P = 2**15, 8, 3
_DIGEST_BYTES = 32
_MEMORY = 256 * _N * _R  # twice what it needs


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """Cost is fixed, so that every check takes the same time."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    def text(self) -> str:
        """`scrypt$N$R$P$SALT$DIGEST`, the last two in Base64."""
        return f"scrypt${_N}${_R}${_P}${_base64(self.salt)}${_base64(self.digest)}"


def why_unfit(password: str) -> str:
    """What keeps it from being a password; "" when it may be one."""
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        return f"must have {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters"
    return "" if password.isprintable() else "must not contain control characters"


def hash_password(password: str, salt: bytes) -> PasswordHash:
    """`salt`: SALT_BYTES random bytes."""
    return PasswordHash(salt, _digest(password, salt))


def verify_password(password: str, known: PasswordHash | None) -> bool:
    """None stands for a user who has none, or is not there: False, after the same work."""
    stored = known or PasswordHash(bytes(SALT_BYTES), bytes(_DIGEST_BYTES))
    same = hmac.compare_digest(_digest(password[:MOST_CHARACTERS], stored.salt), stored.digest)
    return same and known is not None and len(password) <= MOST_CHARACTERS


def parse_hash(text: str) -> PasswordHash:
    """Raises ValueError for anything that `PasswordHash.text` does not write."""
    cost, *rest = text.rsplit("$", 2)
    if cost != f"scrypt${_N}${_R}${_P}" or len(rest) != 2:
        raise ValueError("is not a password as this version writes it")
    try:
        read = PasswordHash(*(base64.b64decode(part, validate=True) for part in rest))
    except ValueError:  # binascii's is one, and that of other letters
        raise ValueError("is damaged") from None
    if len(read.salt) != SALT_BYTES or len(read.digest) != _DIGEST_BYTES:
        raise ValueError("is damaged")
    return read


def _digest(password: str, salt: bytes) -> bytes:
    """Terminals differ in how they write é: normalized, both are the same password."""
    secret = unicodedata.normalize("NFC", password).encode(errors="replace")
    return hashlib.scrypt(secret, salt=salt, n=_N, r=_R, p=_P, maxmem=_MEMORY, dklen=_DIGEST_BYTES)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
