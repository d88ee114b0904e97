"""All or nothing, also when the task is cancelled; closing; backups."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from proxyd.errors import Conflict, StoreError
from proxyd.store.connection import Connection
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store

from .builders import add_nvr, channels, interfaces, scan


@pytest_asyncio.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    connection = await Connection.open(tmp_path / "t.db")
    try:
        async with connection.transaction() as db:
            await db.execute_fetchall("CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT")
        yield connection
    finally:
        await connection.close()


async def rows(connection: Connection) -> list[int]:
    async with connection.reading() as db:
        return [row[0] for row in await db.execute_fetchall("SELECT a FROM t ORDER BY a")]


async def test_an_error_in_the_middle_leaves_nothing(connection: Connection) -> None:
    with pytest.raises(ZeroDivisionError):
        async with connection.transaction() as db:
            await db.execute_fetchall("INSERT INTO t VALUES (1)")
            raise ZeroDivisionError
    with pytest.raises(Conflict):
        async with connection.transaction() as db:
            await db.execute_fetchall("INSERT INTO t VALUES (1)")
            await db.execute_fetchall("INSERT INTO t VALUES (1)")
    assert await rows(connection) == []


async def test_a_cancelled_transaction_is_rolled_back_before_the_next_begins(connection: Connection) -> None:
    inside = asyncio.Event()

    async def write_and_hang() -> None:
        async with connection.transaction() as db:
            await db.execute_fetchall("INSERT INTO t VALUES (1)")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_hang(), name="writer")
    await inside.wait()
    task.cancel()
    async with connection.transaction() as db:
        await db.execute_fetchall("INSERT INTO t VALUES (2)")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await rows(connection) == [2]


class Brake:
    """An SQL function that holds the connection's worker thread, so that what comes next is surely under way."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self.release = threading.Event()

    def __call__(self) -> int:
        self._reached.set()
        self.release.wait(10)
        return 1

    async def reached(self) -> None:
        await asyncio.to_thread(self._reached.wait, 10)


@pytest.mark.parametrize("under_way", ["BEGIN", "statement", "COMMIT"])
@pytest.mark.parametrize("cancellations", [1, 3])
async def test_cancelled_while_sqlite_works_it_is_whole_or_absent(
    connection: Connection, under_way: str, cancellations: int
) -> None:
    brake = Brake()
    async with connection.reading() as db:
        await db.create_function("brake", 0, brake)

    async def hold() -> None:
        await db.execute_fetchall("SELECT brake()")

    async def write() -> None:
        async with connection.transaction() as own:
            await own.execute_fetchall("INSERT INTO t VALUES (1)")
            await own.execute_fetchall(f"INSERT INTO t VALUES ({'1 + brake()' if under_way == 'statement' else '2'})")
            if under_way == "COMMIT":
                holding.append(asyncio.create_task(hold(), name="brake"))
                await brake.reached()

    holding: list[asyncio.Task[None]] = []
    if under_way == "BEGIN":
        holding.append(asyncio.create_task(hold(), name="brake"))
        await brake.reached()
    writer = asyncio.create_task(write(), name="writer")
    await brake.reached()
    for _ in range(cancellations):
        await asyncio.wait({writer}, timeout=0.01)
        writer.cancel()
    waiting = asyncio.create_task(rows(connection), name="next in line")
    await asyncio.wait({waiting}, timeout=0.01)
    assert not writer.done(), "the transaction has to be over first"
    assert not waiting.done()
    brake.release.set()
    assert await waiting == ([1, 2] if under_way == "COMMIT" else [])
    with pytest.raises(asyncio.CancelledError):
        await writer
    await asyncio.gather(*holding)


async def test_readers_do_not_see_half_a_transaction(connection: Connection) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with connection.transaction() as db:
            await db.execute_fetchall("INSERT INTO t VALUES (1)")
            inside.set()
            await go_on.wait()
            await db.execute_fetchall("INSERT INTO t VALUES (2)")

    writer = asyncio.create_task(write(), name="writer")
    await inside.wait()
    reader = asyncio.create_task(rows(connection), name="reader")
    go_on.set()
    assert await reader == [1, 2]
    await writer


async def test_a_database_held_by_another_program_is_an_error_in_words(connection: Connection) -> None:
    async with connection.reading() as db:
        await db.execute_fetchall("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(connection.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="Another program holds"):
        async with connection.transaction():
            pass
    other.execute("ROLLBACK")
    other.close()
    async with connection.transaction() as db:
        await db.execute_fetchall("INSERT INTO t VALUES (1)")


async def test_a_full_disk_is_an_error_in_words_and_changes_nothing(connection: Connection) -> None:
    async with connection.transaction() as db:
        await db.execute_fetchall("CREATE TABLE big (a BLOB) STRICT")
        pages = next(iter(await db.execute_fetchall("PRAGMA page_count")))[0]
        await db.execute_fetchall(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="disk is full"):
        async with connection.transaction() as db:
            await db.execute_fetchall("INSERT INTO t VALUES (1)")
            await db.execute_fetchall("INSERT INTO big VALUES (zeroblob(1000000))")
    assert await rows(connection) == []
    async with connection.transaction() as db:
        await db.execute_fetchall("INSERT INTO t VALUES (2)")


async def test_closing_waits_and_may_be_repeated(store: Store) -> None:
    nvr = await add_nvr(store)
    writing = asyncio.create_task(scan(store, nvr.id, channels(range(1, 33))), name="scan")
    await asyncio.wait({writing}, timeout=0.001)
    await store.close()
    await store.close()
    assert len((await writing).new) == 32
    with pytest.raises(StoreError, match="closed"):
        await store.cameras()


def test_a_program_that_forgets_to_close_still_ends(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom proxyd.store.store import Store\n"
        "from proxyd.store.secrets import Secrets\n"
        "async def main():\n    global store\n"
        "    store = await Store.open(Path(sys.argv[1]) / 'd.db', Secrets.load(Path(sys.argv[1]) / 'k'))\n"
        "    await store.set_setting('a', 'b')\nasyncio.run(main())\nprint('ended')\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.stdout == "ended\n", done.stderr


async def test_a_backup_is_a_whole_database(store: Store, tmp_path: Path, secrets: Secrets) -> None:
    nvr = await add_nvr(store)
    await store.register_interfaces(interfaces(2))
    await scan(store, nvr.id, channels([1, 2]))
    target = tmp_path / "copy.db"
    target.write_text("an older copy")
    await store.backup(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    copy = await Store.open(target, secrets)
    try:
        assert await copy.cameras() == await store.cameras()
        assert await copy.default_credentials() == await store.default_credentials()
    finally:
        await copy.close()


async def test_a_backup_that_fails_leaves_the_older_one(store: Store, database: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="overwrite the database"):
        await store.backup(database)
    with pytest.raises(StoreError):
        await store.backup(tmp_path / "nowhere" / "copy.db")
    assert [path.name for path in database.parent.iterdir() if path.name.endswith(".tmp")] == []


async def insert(connection: Connection, value: int) -> None:
    async with connection.transaction() as db:
        await db.execute_fetchall("INSERT INTO t VALUES (?)", (value,))


async def test_who_writes_waits_while_it_is_frozen_and_who_reads_does_not(connection: Connection) -> None:
    await connection.freeze()
    writer = asyncio.create_task(insert(connection, 1))
    assert [await rows(connection) for _ in range(20)] == [[]] * 20 and not writer.done()
    connection.thaw()
    await writer
    assert await rows(connection) == [1]


async def test_once_it_is_retired_every_writer_is_refused_also_those_who_waited(connection: Connection) -> None:
    await connection.freeze()
    writer = asyncio.create_task(insert(connection, 1))
    await rows(connection)
    connection.retire()
    for refused in (writer, insert(connection, 2)):
        with pytest.raises(StoreError, match="taking the place"):
            await refused
    assert await rows(connection) == []


async def test_another_program_in_the_file_is_noticed(connection: Connection) -> None:
    await connection.use_wal()
    await insert(connection, 1)
    await connection.require_alone()
    with contextlib.closing(sqlite3.connect(connection.path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM t").fetchall()
        await insert(connection, 2)
        with pytest.raises(StoreError, match="Another program"):
            await connection.require_alone()
