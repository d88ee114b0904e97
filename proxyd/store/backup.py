"""A copy of the database in one file, complete or absent. It holds tokens but no key."""

from __future__ import annotations

import os
from pathlib import Path

from proxyd.durable import sync
from proxyd.errors import StoreError

from .connection import Connection, errors_in_words


async def write_backup(connection: Connection, target: Path) -> None:
    """The committed state as of now in `target` (0600), which is replaced only when the copy is whole.

    Raises StoreError; an older file at `target` is then still there.
    """
    if target.absolute() == connection.path.absolute():
        raise StoreError("The backup would overwrite the database itself.", "Name another file.")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with errors_in_words(target):
        temporary.unlink(missing_ok=True)
        # VACUUM INTO writes into an existing file only when it is empty; so ours decides the mode.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        async with connection.reading() as db:
            await db.execute_fetchall("VACUUM INTO ?", (str(temporary),))
        with errors_in_words(target):
            _make_durable(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _make_durable(temporary: Path, target: Path) -> None:
    sync(temporary)
    temporary.replace(target)
    sync(target.parent)
