"""Named texts that belong to this installation."""

from __future__ import annotations

import aiosqlite

from .secrets import Secrets, wrong_key

_KEY_CHECK = "key_check"


async def get(db: aiosqlite.Connection, key: str) -> str | None:
    """None: it was never put."""
    for row in await db.execute_fetchall("SELECT value FROM settings WHERE key = ?", (key,)):
        return str(row["value"])
    return None


async def put(db: aiosqlite.Connection, key: str, value: str) -> None:
    """In place of what was there."""
    await db.execute_fetchall(
        "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


async def check_key(db: aiosqlite.Connection, secrets: Secrets) -> None:
    """The first opening leaves a token; each later one must be able to read it. Raises StoreError."""
    token = await get(db, _KEY_CHECK)
    if token is None:
        await mark_key(db, secrets)
    elif secrets.decrypt(token) != _KEY_CHECK:
        raise wrong_key()


async def mark_key(db: aiosqlite.Connection, secrets: Secrets) -> None:
    """The key of `secrets` is the one of this database from now on."""
    await put(db, _KEY_CHECK, secrets.encrypt(_KEY_CHECK))
