"""The one SQLite connection: settings, the lock, transactions that survive cancellation, errors in words."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiosqlite

from proxyd.errors import Conflict, StoreError

from .undoing import active_recorder

BUSY_TIMEOUT_MS = 5000

_OLDEST_SQLITE = (3, 38, 0)  # STRICT tables, RETURNING

# Kept by the connection, not by the file: they must be set on every open. FULL, because what was acknowledged
# has to survive a power cut, not only the end of the process.
_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
)


class Connection:
    """Serialises everything: readers wait for the writer, so nobody sees half a transaction."""

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()
        self._closed = False
        self._retired = False
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.path = path

    @classmethod
    async def open(cls, path: Path) -> Connection:
        """Opens or creates the file (0600, its directory 0700 when new); changes nothing in it. Raises StoreError."""
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old.", "Use a Python that brings SQLite 3.38 or newer."
            )
        with errors_in_words(path):
            make_private_file(path)
            connection = aiosqlite.connect(path, isolation_level=None)
            # aiosqlite's worker is not a daemon thread: a program that dies before close() would never end.
            connection._thread.daemon = True
            await connection
            try:
                connection.row_factory = sqlite3.Row
                for pragma in _PRAGMAS:
                    await connection.execute_fetchall(pragma)
            except BaseException:
                await _to_the_end(connection.close())
                raise
            return cls(connection, path)

    async def use_wal(self) -> None:
        """Once the file is known to be ours: the mode is written into it."""
        async with self.reading() as db:
            await db.execute_fetchall("PRAGMA journal_mode = WAL")

    async def close(self) -> None:
        """Waits for what is under way. Idempotent."""
        async with self._lock:
            if not self._closed:
                self._closed = True
                with errors_in_words(self.path):
                    await _to_the_end(self._connection.close())

    async def freeze(self) -> None:
        """Returns when nothing is being written; whoever wants to write waits for `thaw`, or is refused by `retire`."""
        async with self._lock:
            self._may_write.clear()

    def thaw(self) -> None:
        """Whoever waits may write again."""
        self._may_write.set()

    def retire(self) -> None:
        """For good: another database is about to take this one's place, and what was written here would be lost."""
        self._retired = True
        self._may_write.set()

    async def require_alone(self) -> None:
        """While it is frozen. Raises StoreError when another program is in the middle of something in this file."""
        async with self.reading() as db:
            ((busy, *_),) = await db.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise StoreError(
                f"Another program is using the database {self.path}.", "End it (sqlite3?), then try again."
            )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """The connection outside a transaction; no write may be done with it."""
        async with self._lock:
            self._check_open()
            with errors_in_words(self.path):
                yield self._connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """All or nothing. Once the body has ended, COMMIT runs to its end even if the task is cancelled;
        any exception in the body, also CancelledError, rolls back before the lock is given to the next."""
        async with self._writing():
            self._check_open()
            recorder, changes = active_recorder(), []
            with errors_in_words(self.path):
                try:
                    await self._connection.execute_fetchall("BEGIN IMMEDIATE")
                    if recorder is not None:
                        await recorder.begin(self._connection)
                    yield self._connection
                    if recorder is not None:
                        changes = await recorder.end(self._connection)
                except BaseException:
                    await _to_the_end(self._roll_back())
                    raise
                try:
                    await _to_the_end(self._connection.execute_fetchall("COMMIT"))
                except sqlite3.Error:
                    await _to_the_end(self._roll_back())
                    raise
            if recorder is not None:
                recorder.keep(changes)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        while True:
            await self._may_write.wait()
            async with self._lock:
                if self._may_write.is_set():  # not frozen while it waited for the lock
                    if self._retired:
                        raise StoreError(
                            "A backup is taking the place of everything; this was not changed any more.",
                            "Try again in a moment, when proxyd has started anew.",
                        )
                    yield
                    return

    @asynccontextmanager
    async def rebuilding(self) -> AsyncIterator[aiosqlite.Connection]:
        """A transaction in which tables may be dropped and made anew: what refers to their rows is not touched. The
        caller must look at PRAGMA foreign_key_check. (The setting has no effect inside a transaction.)"""
        async with self.reading() as db:
            await db.execute_fetchall("PRAGMA foreign_keys = OFF")
        try:
            async with self.transaction() as db:
                yield db
        finally:
            await _to_the_end(self._connection.execute_fetchall("PRAGMA foreign_keys = ON"))

    async def _roll_back(self) -> None:
        # The statement that was cancelled still runs in the worker; the queue puts ROLLBACK behind it. There
        # is nothing to roll back when BEGIN failed or SQLite has already done it (disk full, I/O error).
        with suppress(sqlite3.OperationalError):
            await self._connection.execute_fetchall("ROLLBACK")

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("The database is closed.", "proxyd is ending; try again when it runs.")


async def _to_the_end(work: Coroutine[Any, Any, Any]) -> None:
    """Awaits `work` whatever happens to the calling task; a cancellation is passed on afterwards."""
    task = asyncio.get_running_loop().create_task(work, name="store: finish a transaction")
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.done() and task.cancelled():
                raise
            cancelled = error
        except Exception:  # noqa: S110 - raised below by result()
            pass
    task.result()
    if cancelled is not None:
        raise cancelled


def make_private_file(path: Path) -> None:
    """Creates an empty 0600 file (SQLite gives its -wal and -shm the same mode) unless it is there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextmanager
def errors_in_words(path: Path) -> Iterator[None]:
    """sqlite3's and the file system's errors as Conflict or StoreError. SQLite's texts hold no values."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Conflict(
            f"The change contradicts what is stored ({error}).", "Look at the current state and try again."
        ) from error
    except sqlite3.Error as error:
        raise _store_error(path, error) from error
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be opened: {error.strerror}.",
            "Check that its directory exists and belongs to the user who runs proxyd.",
        ) from error


def _store_error(path: Path, error: sqlite3.Error) -> StoreError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return damaged(path)
    if name.startswith("SQLITE_FULL"):
        return StoreError(
            f"The disk is full: {path} cannot grow; nothing was changed.", "Free some space and try again."
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(
            f"Another program holds the database {path}; nothing was changed.",
            "End the other proxyd or sqlite3 that has it open and try again.",
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StoreError(
            f"The database {path} cannot be opened for writing.",
            "Check that it and its directory belong to the user who runs proxyd.",
        )
    return StoreError(f"The database {path} reports: {error}.", "Check the disk; the log of the system may say more.")


def damaged(path: Path) -> StoreError:
    return StoreError(
        f"The database {path} is damaged or is no database of proxyd.",
        "Stop proxyd, move the file away and put a backup in its place.",
    )
