"""Accounts: of NVRs, of single cameras, and the default pair of all other cameras."""

from __future__ import annotations

import secrets as randomness
from typing import Literal

import aiosqlite

from .secrets import Secrets

DEFAULT_USERNAME = "onvif"
# Without characters that are mistaken for each other: installers type this into recorders by hand.
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_PASSWORD_LENGTH = 12

Owner = Literal["nvr", "camera", "default"]


def generate_password() -> str:
    """12 characters, always with a small letter, a capital and a digit: some recorders insist on it."""
    while True:
        word = "".join(randomness.choice(_ALPHABET) for _ in range(_PASSWORD_LENGTH))
        if any(c.islower() for c in word) and any(c.isupper() for c in word) and any(c.isdigit() for c in word):
            return word


async def add(db: aiosqlite.Connection, secrets: Secrets, owner: Owner, username: str, password: str) -> int:
    """Returns the id. The password is stored encrypted."""
    rows = await db.execute_fetchall(
        "INSERT INTO credentials (owner, username, secret) VALUES (?, ?, ?) RETURNING id",
        (owner, username, secrets.encrypt(password)),
    )
    return int(next(iter(rows))[0])


async def change(
    db: aiosqlite.Connection, secrets: Secrets, credential_id: int, username: str | None, password: str | None
) -> None:
    """What is None stays."""
    await db.execute_fetchall(
        "UPDATE credentials SET username = coalesce(?, username), secret = coalesce(?, secret) WHERE id = ?",
        (username, None if password is None else secrets.encrypt(password), credential_id),
    )


async def remove(db: aiosqlite.Connection, credential_id: int | None) -> None:
    """None, or what is not there: nothing happens."""
    await db.execute_fetchall("DELETE FROM credentials WHERE id = ?", (credential_id,))


async def default_pair(db: aiosqlite.Connection, secrets: Secrets) -> tuple[str, str] | None:
    """User and password of cameras without own ones. Raises StoreError when the key file does not fit."""
    for row in await db.execute_fetchall("SELECT username, secret FROM credentials WHERE owner = 'default'"):
        return row["username"], secrets.decrypt(row["secret"])
    return None


async def change_default(
    db: aiosqlite.Connection, secrets: Secrets, username: str | None, password: str | None
) -> None:
    """What is None stays."""
    rows = await db.execute_fetchall("SELECT id FROM credentials WHERE owner = 'default'")
    await change(db, secrets, int(next(iter(rows))[0]), username, password)


async def renew_all(db: aiosqlite.Connection, secrets: Secrets) -> None:
    """Every token in the database under the first key."""
    for table, column in (
        ("credentials", "secret"),
        ("channels", "snapshot_uri"),
        ("streams", "uri"),
    ):
        rows = await db.execute_fetchall(f"SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL")  # noqa: S608 - our own names
        for row in rows:
            await db.execute_fetchall(
                f"UPDATE {table} SET {column} = ? WHERE id = ?",  # noqa: S608 - our own names
                (secrets.renew(row[column]), row["id"]),
            )
