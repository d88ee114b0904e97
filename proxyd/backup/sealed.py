"""The format of a backup file. Pure.

    onviftui-backup 1
    {"at": …, "version": …, "schema": …, "kdf": {…}, "cipher": {…}}
    AES-256-GCM of zlib of: one line of JSON (Contents), then the bytes of the database

The key is scrypt's of the passphrase; both lines above are authenticated with it. What a line of the head may ask of
us (memory and time of scrypt) has a limit, for it is read before anything is known of who wrote it.
"""

from __future__ import annotations

import json
import unicodedata
import zlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from proxyd.errors import InvalidInput, StoreError

FORMAT = 1
MAGIC = b"onviftui-backup "
LARGEST_FILE = 64 * 1024 * 1024
LARGEST_CONTENT = 128 * 1024 * 1024  # unpacked, and twice in memory for a moment
MOST_KEYS = 64
LARGEST_HEAD = 4096
_SCRYPT = (2**15, 8, 1)  # 32 MiB and a tenth of a second
_LARGEST_SCRYPT = (2**17, 8, 4)
_SALT = 16
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Head:
    """What everybody may read. `at` is when it was made, `version` by which proxyd, `schema` its tables'."""

    at: str
    version: str
    schema: int
    kdf: tuple[int, int, int] = _SCRYPT
    salt: bytes = b""
    nonce: bytes = b""
    length: int = 0  # of both lines


@dataclass(frozen=True, slots=True)
class Content:
    """`keys` are those of the secrets in the database."""

    database: bytes = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)


def seal(head: Head, content: Content, passphrase: str, *, salt: bytes, nonce: bytes) -> bytes:
    """The whole file. Raises StoreError when it would be too large."""
    n, r, p = head.kdf
    lines = MAGIC + f"{FORMAT}\n".encode()
    lines += json.dumps(
        {
            "at": head.at,
            "version": head.version,
            "schema": head.schema,
            "kdf": {"name": "scrypt", "n": n, "r": r, "p": p, "salt": salt.hex()},
            "cipher": {"name": "AES-256-GCM", "nonce": nonce.hex()},
        }
    ).encode()
    lines += b"\n"
    inner = json.dumps({"keys": content.keys}).encode() + b"\n" + content.database
    body = zlib.compress(inner, 6)
    if len(inner) > LARGEST_CONTENT or len(body) + LARGEST_HEAD > LARGEST_FILE:
        raise StoreError("The database is too large for a backup.", "Copy proxyd.db and proxyd.key by hand instead.")
    return lines + AESGCM(_derive(passphrase, salt, head.kdf)).encrypt(nonce, body, lines)


def read_head(data: bytes) -> Head:
    """Of the file's beginning (LARGEST_HEAD bytes are enough). Raises InvalidInput."""
    first, end, rest = data[:LARGEST_HEAD].partition(b"\n")
    if not end or not first.startswith(MAGIC):
        raise InvalidInput("This is no backup of onviftui.", "Choose a file that `onviftui backup create` made.")
    if first != MAGIC + str(FORMAT).encode():
        raise InvalidInput("This backup has a format that this version does not know.", "Update onviftui first.")
    text, end, _ = rest.partition(b"\n")
    try:
        if not end:
            raise ValueError
        return _head(json.loads(text), len(first) + len(text) + 2)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise damaged() from None


def open_sealed(data: bytes, passphrase: str) -> Content:
    """Raises InvalidInput when it is no backup, is damaged, or the passphrase is another one."""
    head = read_head(data)
    key = _derive(passphrase, head.salt, head.kdf)
    try:
        body = AESGCM(key).decrypt(head.nonce, data[head.length :], data[: head.length])
    except InvalidTag:
        raise InvalidInput(
            "The passphrase is wrong, or the backup is damaged.",
            "Capitals and spaces count; a damaged file must be copied again.",
            {"passphrase": "does not open this backup"},
        ) from None
    unpacking = zlib.decompressobj()
    try:
        inner = unpacking.decompress(body, LARGEST_CONTENT)
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise ValueError
        line, _, database = inner.partition(b"\n")
        keys = json.loads(line)["keys"]
        if not isinstance(keys, list) or len(keys) > MOST_KEYS or not all(isinstance(key, str) for key in keys):
            raise ValueError
    except (ValueError, KeyError, TypeError, zlib.error, RecursionError):
        raise damaged() from None
    return Content(database, tuple(keys))


def damaged() -> InvalidInput:
    return InvalidInput("The backup is damaged.", "Copy the file again, or take another backup.")


def _head(said: dict[str, Any], length: int) -> Head:
    kdf, cipher = said["kdf"], said["cipher"]
    cost = (kdf["n"], kdf["r"], kdf["p"])
    salt, nonce = bytes.fromhex(kdf["salt"]), bytes.fromhex(cipher["nonce"])
    known = (kdf["name"], cipher["name"]) == ("scrypt", "AES-256-GCM")
    bounded = all(type(value) is int and 0 < value <= most for value, most in zip(cost, _LARGEST_SCRYPT, strict=True))
    power = bounded and cost[0] >= 2 and cost[0] & (cost[0] - 1) == 0
    texts = all(type(said[name]) is str and len(said[name]) <= 64 for name in ("at", "version"))
    if not (known and power and texts and type(said["schema"]) is int):
        raise ValueError
    if len(salt) != _SALT or len(nonce) != _NONCE:
        raise ValueError
    return Head(said["at"], said["version"], said["schema"], cost, salt, nonce, length)


def _derive(passphrase: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    typed = unicodedata.normalize("NFC", passphrase)  # keyboards differ in how they make an "ü"
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(typed.encode())
