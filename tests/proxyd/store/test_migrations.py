"""Both roads to the newest schema meet; files that are not ours, newer or damaged stay as they are."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import stat
from pathlib import Path

import pytest

from proxyd.errors import Conflict, StoreError
from proxyd.store import migrations
from proxyd.store.connection import Connection
from proxyd.store.migrations import APPLICATION_ID, NEWEST, STEPS, schema_text, split_statements
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store


def normalised(sql: str) -> str:
    """Without comments and the quotes that RENAME puts round names, and with spaces only between words."""
    words = re.findall(r"\w+|[^\w\s]", re.sub(r"--[^\n]*|\"", "", sql))
    return " ".join(words).lower()


def schema_of(path: Path) -> dict[str, str]:
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    db.close()
    return {name: normalised(sql) for name, sql in rows}


def make_old(path: Path, version: int) -> None:
    """A file as the program of that time left it, with a row to keep."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    for step in range(1, version + 1):
        db.executescript(STEPS[step])
    db.execute(
        "INSERT INTO interfaces (name, mac, prefix_length, kind) VALUES ('a', '02:00:00:00:00:01', 8, 'loopback')"
    )
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
    db.close()


def user_version(path: Path) -> int:
    db = sqlite3.connect(path)
    try:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
    finally:
        db.close()


async def open_and_close(path: Path, secrets: Secrets) -> None:
    store = await Store.open(path, secrets)
    await store.close()


def test_steps_are_numbered_without_gaps() -> None:
    assert list(STEPS) == list(range(1, NEWEST + 1))


def test_statements_are_split_where_they_end() -> None:
    assert list(split_statements("CREATE TABLE a (b TEXT DEFAULT ';');\n-- x;\nSELECT 1;\n")) == [
        "CREATE TABLE a (b TEXT DEFAULT ';');",
        "-- x;\nSELECT 1;",
    ]
    assert sum(1 for _ in split_statements(schema_text())) >= 8


@pytest.mark.parametrize("version", range(1, NEWEST))
async def test_a_migrated_file_has_the_schema_of_a_fresh_one(tmp_path: Path, secrets: Secrets, version: int) -> None:
    fresh, old = tmp_path / "fresh.db", tmp_path / "old.db"
    make_old(old, version)
    await open_and_close(fresh, secrets)
    await open_and_close(old, secrets)
    assert schema_of(old) == schema_of(fresh)
    assert user_version(old) == user_version(fresh) == NEWEST


async def test_all_steps_from_nothing_give_the_same_schema(tmp_path: Path, secrets: Secrets) -> None:
    fresh, stepped = tmp_path / "fresh.db", tmp_path / "stepped.db"
    await open_and_close(fresh, secrets)
    connection = await Connection.open(stepped)
    try:
        for version, sql in STEPS.items():
            await migrations.run_step(connection, sql, version)
    finally:
        await connection.close()
    assert schema_of(stepped) == schema_of(fresh)


async def test_tables_made_anew_keep_their_rows_and_give_no_id_twice(tmp_path: Path, secrets: Secrets) -> None:
    path = tmp_path / "proxyd.db"
    make_old(path, 4)
    db = sqlite3.connect(path)
    token = secrets.encrypt("word")
    db.executescript(
        f"""
        INSERT INTO credentials (id, owner, username, secret) VALUES (3, 'nvr', 'admin', '{token}');
        INSERT INTO credentials (id, owner, username, secret) VALUES (7, 'camera', 'gone', '{token}');
        DELETE FROM credentials WHERE id = 7;
        INSERT INTO nvrs (id, name, host, port, credential_id) VALUES (5, 'Garage', '192.0.2.1', 80, 3);
        INSERT INTO nvrs (id, name, host, port, credential_id) VALUES (9, 'Gone', '192.0.2.2', 80, 4);
        DELETE FROM nvrs WHERE id = 9;
        INSERT INTO channels (id, nvr_id, key, number, name, state) VALUES (2, 5, 'a', 1, 'Door', 'online');
        INSERT INTO cameras (id, channel_id, name, uuid, serial, http_port, rtsp_port, enabled)
            VALUES (1, 2, 'Door', '0f0e0d0c-0b0a-4908-8706-050403020100', 'OT0123456789', 80, 554, 1);
        """
    )
    db.close()
    store = await Store.open(path, secrets)
    try:
        (camera,) = await store.cameras()
        assert (camera.id, camera.nvr_id, camera.nvr.name, camera.nvr.kind) == (1, 5, "Garage", "onvif")
        assert (camera.nvr.username, camera.nvr.password) == ("admin", "word")
        assert (await store.add_nvr(host="192.0.2.3", port=80, username="u", password="p")).id == 10
        with pytest.raises(Conflict):
            await store.add_nvr(host="192.0.2.1", port=80, username="u", password="p")
    finally:
        await store.close()
    db = sqlite3.connect(path)
    assert db.execute("SELECT max(id) FROM credentials").fetchone()[0] > 8  # 8: the default pair's
    db.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        db.execute("DELETE FROM nvrs WHERE id = 5")  # what refers to the table made anew still holds
    db.close()


async def test_a_backup_is_made_before_the_first_step(tmp_path: Path, secrets: Secrets) -> None:
    path = tmp_path / "proxyd.db"
    make_old(path, 1)
    before = schema_of(path)
    await open_and_close(path, secrets)
    backup = tmp_path / f"proxyd.db.before-version-{NEWEST}"
    assert schema_of(backup) == before
    assert user_version(backup) == 1
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    store = await Store.open(path, secrets)
    try:
        assert [row.mac for row in await store.free_interfaces()] == ["02:00:00:00:00:01"]
    finally:
        await store.close()


async def test_a_failing_step_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secrets: Secrets
) -> None:
    path = tmp_path / "proxyd.db"
    make_old(path, 1)
    before = schema_of(path)
    broken = {1: STEPS[1], 2: STEPS[2] + "CREATE TABLE half (a TEXT) STRICT;\nALTER TABLE nowhere ADD COLUMN b TEXT;\n"}
    monkeypatch.setattr(migrations, "STEPS", broken)
    with pytest.raises(StoreError):
        await Store.open(path, secrets)
    assert schema_of(path) == before
    assert user_version(path) == 1


async def test_a_newer_file_is_refused_and_untouched(tmp_path: Path, secrets: Secrets) -> None:
    path = tmp_path / "proxyd.db"
    await open_and_close(path, secrets)
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {NEWEST + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer proxyd") as caught:
        await Store.open(path, secrets)
    assert "backup" in caught.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"this is a text file, not a database" * 40, b"SQLite format 3\0" + b"\xff" * 4096]
)
async def test_a_file_that_is_no_database_is_refused(tmp_path: Path, secrets: Secrets, content: bytes) -> None:
    path = tmp_path / "proxyd.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        await Store.open(path, secrets)
    assert path.read_bytes() == content


async def test_a_damaged_page_is_noticed_at_start(tmp_path: Path, secrets: Secrets) -> None:
    path = tmp_path / "proxyd.db"
    store = await Store.open(path, secrets)
    for number in range(50):
        await store.log("info", "daemon", f"line {number} " + "x" * 500)
    await store.close()
    data = bytearray(path.read_bytes())
    data[-9000:] = b"\xa5" * 9000
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        await Store.open(path, secrets)


async def test_a_database_of_another_program_is_refused(tmp_path: Path, secrets: Secrets) -> None:
    path = tmp_path / "proxyd.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (a TEXT)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="no database of proxyd"):
        await Store.open(path, secrets)
    assert path.read_bytes() == before


async def test_a_directory_that_cannot_be_used_is_an_error_in_words(tmp_path: Path, secrets: Secrets) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        await Store.open(tmp_path / "file" / "proxyd.db", secrets)
    assert "directory" in caught.value.hint


async def test_files_are_private_and_pragmas_are_set(database: Path, secrets: Secrets) -> None:
    connection = await Connection.open(database)
    try:
        await migrations.migrate(connection)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in database.parent.iterdir()}
        assert len(list(database.parent.iterdir())) == 3, "database, -wal, -shm"
        assert modes == {0o600}
        assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700
        async with connection.reading() as db:
            values = {
                name: next(iter(await db.execute_fetchall(f"PRAGMA {name}")))[0]
                for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "busy_timeout")
            }
        assert values == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "trusted_schema": 0,
            "busy_timeout": 5000,
        }
    finally:
        await connection.close()


async def test_tables_are_strict(database: Path, secrets: Secrets) -> None:
    await open_and_close(database, secrets)
    with sqlite3.connect(database) as db:
        strict = dict(db.execute("SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'"))
    db.close()
    assert len(strict) >= 8
    assert all(strict.values())


async def test_two_opened_at_once_wait_for_each_other(tmp_path: Path, secrets: Secrets) -> None:
    """Not how it is meant to be run, but a second start by mistake must not spoil the file."""
    path = tmp_path / "proxyd.db"
    await open_and_close(path, secrets)
    stores = await asyncio.gather(*(Store.open(path, secrets) for _ in range(3)))
    try:
        assert len({await store.default_credentials() for store in stores}) == 1
    finally:
        for store in stores:
            await store.close()
