"""A database from a backup: judged and made ready beside the present one, then put in its place in one step.

Each step is one rename. `decide` gives the staged database the name of one that shall be the database: from then on it
is, whatever happens, for `put_in_place` is what the end of a daemon does and, after a crash, the next start. So a crash
before `decide` leaves the old state and a crash after it the new one, each whole.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from proxyd.durable import sync
from proxyd.errors import InvalidInput, ProxyError, StoreError

from .connection import Connection, damaged, errors_in_words, make_private_file
from .rows import InterfaceRow, LogRow
from .secrets import Secrets
from .store import Store

STAGED = "restore.db"
DECIDED = "restored.db"
_COMPANIONS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Judged:
    """What a good backup holds."""

    nvrs: tuple[str, ...]
    cameras: tuple[str, ...]
    interfaces: tuple[InterfaceRow, ...]  # that its cameras stand on


@dataclass(frozen=True, slots=True)
class Present:
    """What this machine keeps when it becomes another: its log, and the last ids that were given out."""

    log: Sequence[LogRow]
    sequences: Mapping[str, int]
    counters: Mapping[str, int] = field(default_factory=dict)  # settings that may only grow


def forget_staged(folder: Path) -> None:
    """What a crash left behind; what is decided stays."""
    for name in (STAGED, *(STAGED + end for end in _COMPANIONS)):
        (folder / name).unlink(missing_ok=True)
    for file in folder.glob(f"{STAGED}.before-version-*"):
        file.unlink(missing_ok=True)


async def stage(folder: Path, database: bytes, keys: Sequence[str], present: Secrets) -> Judged:
    """Writes it to `folder`/STAGED, brings it to the newest tables and this machine's key, and reads all of it. Raises
    InvalidInput saying why it cannot be used; nothing is left then."""
    path = folder / STAGED
    forget_staged(folder)
    try:
        with errors_in_words(path):
            make_private_file(path)
            await asyncio.to_thread(path.write_bytes, database)
        if not database.startswith(b"SQLite format 3\0"):
            raise StoreError("There is no database in it.", "Take another backup.")
        old = _known_keys(keys)
        await _check_integrity(path)
        store = await Store.open(path, old)
        try:
            await store.rotate_secrets(Secrets([*present.exported(), *old.exported()]))
        finally:
            await store.close()
        store = await Store.open(path, present)
        try:
            cameras = await store.cameras()
            for nvr in await store.nvrs():
                await store.sources(nvr.id)
            stood = tuple(row.interface for row in cameras if row.interface is not None)
            await store.default_credentials()
            return Judged(tuple(row.name for row in await store.nvrs()), tuple(row.name for row in cameras), stood)
        finally:
            await store.close()
    except ProxyError as error:
        forget_staged(folder)
        if error.message == damaged(path).message:
            error = _damaged()
        raise InvalidInput(f"This backup cannot be used: {error.message}", error.hint) from None
    except BaseException:
        forget_staged(folder)
        raise


async def finish(folder: Path, secrets: Secrets, present: Present, say: Sequence[tuple[str, str]]) -> None:
    """The staged database gets this machine's log, continued by `say` (message and who), and never gives an id again
    that was given out here."""
    path = folder / STAGED
    connection = await Connection.open(path)
    try:
        async with connection.transaction() as db:
            await db.execute_fetchall("DELETE FROM log")
            await db.executemany(
                "INSERT INTO log (id, at, level, subject, message, actor) VALUES (?, ?, ?, ?, ?, ?)",
                [(row.id, row.at, row.level, row.subject, row.message, row.actor) for row in present.log],
            )
            for key, least in present.counters.items():
                await db.execute_fetchall(
                    "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE "
                    "SET value = max(CAST(value AS INTEGER), ?3)",
                    (key, str(least), least),
                )
            for table, last in present.sequences.items():
                await db.execute_fetchall("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table))
                await db.execute_fetchall(
                    "INSERT INTO sqlite_sequence (name, seq) "
                    "SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
                    (table, last),
                )
    finally:
        await connection.close()
    store = await Store.open(path, secrets)
    try:
        for message, who in say:
            await store.log("warning", "daemon", message, who)
    finally:
        await store.close()
    sync(path)


def decide(folder: Path) -> None:
    """The finished database shall be the one. Durable when this returns. Raises StoreError, and nothing is decided."""
    with errors_in_words(folder / DECIDED):
        try:
            (folder / STAGED).replace(folder / DECIDED)
            sync(folder)
        except OSError:
            take_back_decision(folder)
            raise


def take_back_decision(folder: Path) -> None:
    """The present database stays."""
    (folder / DECIDED).unlink(missing_ok=True)


def put_in_place(folder: Path, database: Path) -> bool:
    """The decided database, if there is one, instead of the present one, which nobody of us has open (any more). Raises
    StoreError: the old one is still there then, and nothing is decided any more."""
    if not (folder / DECIDED).exists():
        return False
    try:
        _put_in_place(folder, database)
    except StoreError:
        take_back_decision(folder)
        raise
    return True


def _put_in_place(folder: Path, database: Path) -> None:
    with errors_in_words(database):
        if any((database.with_name(database.name + end)).exists() for end in _COMPANIONS):
            _write_back(database)
        log = database.with_name(database.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise StoreError(
                f"Another program has the database {database} open; nothing was restored.",
                "End it (sqlite3?), then restore again.",
            )
        for end in _COMPANIONS:
            database.with_name(database.name + end).unlink(missing_ok=True)
        (folder / DECIDED).replace(database)
        sync(database.parent)


def _write_back(database: Path) -> None:
    """What another program's open file kept us from writing back at the end."""
    connection = sqlite3.connect(database, timeout=2)
    try:
        with suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


async def _check_integrity(path: Path) -> None:
    connection = await Connection.open(path)
    try:
        async with connection.reading() as db:
            said = [str(row[0]) for row in await db.execute_fetchall("PRAGMA integrity_check(5)")]
            broken = bool(await db.execute_fetchall("PRAGMA foreign_key_check"))
    finally:
        await connection.close()
    if said != ["ok"] or broken:
        raise _damaged()


def _damaged() -> StoreError:
    return StoreError("Its database is damaged.", "Take another backup.")


def _known_keys(keys: Sequence[str]) -> Secrets:
    try:
        return Secrets(list(keys))
    except ValueError:
        raise StoreError("Its key is damaged.", "Take another backup.") from None
