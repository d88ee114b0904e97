"""From any older file to the newest schema: steps by PRAGMA user_version, each in one transaction with its
version. A new file takes schema.sql at once; a test proves that both roads meet. A step is never changed
after it was released, and never uses executescript (that commits first)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiosqlite

from proxyd.errors import StoreError

from .backup import write_backup
from .connection import Connection, damaged

APPLICATION_ID = 0x4F54756E  # marks the file as ours (PRAGMA application_id)

# Version 1, as first released.
_FIRST = """
CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 64),
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE credentials (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    owner    TEXT NOT NULL CHECK (owner IN ('nvr', 'camera', 'default')),
    username TEXT NOT NULL CHECK (length(username) BETWEEN 1 AND 64),
    secret   TEXT NOT NULL CHECK (length(secret) > 0)
) STRICT;
CREATE UNIQUE INDEX credentials_one_default ON credentials (owner) WHERE owner = 'default';
CREATE TABLE nvrs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 300),
    host            TEXT NOT NULL CHECK (length(host) BETWEEN 1 AND 255),
    port            INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    credential_id   INTEGER NOT NULL UNIQUE REFERENCES credentials (id) ON DELETE RESTRICT,
    manufacturer    TEXT NOT NULL DEFAULT '',
    model           TEXT NOT NULL DEFAULT '',
    firmware        TEXT NOT NULL DEFAULT '',
    serial          TEXT NOT NULL DEFAULT '',
    clock_offset_s  REAL,
    channel_count   INTEGER,
    last_scan       TEXT,
    auth_failed     INTEGER NOT NULL DEFAULT 0 CHECK (auth_failed IN (0, 1)),
    UNIQUE (host, port)
) STRICT;
CREATE TABLE channels (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    nvr_id       INTEGER NOT NULL REFERENCES nvrs (id) ON DELETE CASCADE,
    key          TEXT NOT NULL,
    number       INTEGER NOT NULL,
    name         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('online', 'offline', 'missing')),
    ignored      INTEGER NOT NULL DEFAULT 0 CHECK (ignored IN (0, 1)),
    snapshot_uri TEXT,
    UNIQUE (nvr_id, key)
) STRICT;
CREATE TABLE streams (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id            INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    name                  TEXT NOT NULL CHECK (name IN ('main', 'sub')),
    profile_token         TEXT NOT NULL,
    codec                 TEXT NOT NULL CHECK (codec IN ('H264', 'H265', 'JPEG', 'MPEG4')),
    width                 INTEGER NOT NULL CHECK (width >= 0),
    height                INTEGER NOT NULL CHECK (height >= 0),
    fps                   INTEGER NOT NULL CHECK (fps >= 0),
    bitrate_kbps          INTEGER NOT NULL CHECK (bitrate_kbps >= 0),
    uri                   TEXT,
    gov_length            INTEGER NOT NULL CHECK (gov_length >= 0),
    codec_profile         TEXT NOT NULL,
    quality               REAL NOT NULL,
    audio_codec           TEXT CHECK (audio_codec IN ('G711', 'G726', 'AAC')),
    audio_bitrate_kbps    INTEGER,
    audio_sample_rate_khz INTEGER,
    UNIQUE (channel_id, name),
    CHECK ((audio_codec IS NULL) = (audio_bitrate_kbps IS NULL)),
    CHECK ((audio_codec IS NULL) = (audio_sample_rate_khz IS NULL))
) STRICT;
CREATE TABLE interfaces (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    mac           TEXT NOT NULL UNIQUE CHECK (length(mac) = 17 AND mac = lower(mac)),
    address       TEXT,
    prefix_length INTEGER NOT NULL CHECK (prefix_length BETWEEN 0 AND 128),
    kind          TEXT NOT NULL CHECK (kind IN ('loopback', 'netlink', 'shared')),
    released      INTEGER NOT NULL DEFAULT 0 CHECK (released >= 0)
) STRICT;
CREATE TABLE cameras (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id    INTEGER NOT NULL UNIQUE REFERENCES channels (id) ON DELETE RESTRICT,
    interface_id  INTEGER UNIQUE REFERENCES interfaces (id) ON DELETE RESTRICT,
    credential_id INTEGER UNIQUE REFERENCES credentials (id) ON DELETE RESTRICT,
    name          TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    uuid          TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
    serial        TEXT NOT NULL UNIQUE CHECK (length(serial) = 12),
    http_port     INTEGER NOT NULL CHECK (http_port BETWEEN 1 AND 65535),
    rtsp_port     INTEGER NOT NULL CHECK (rtsp_port BETWEEN 1 AND 65535),
    enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1))
) STRICT;
CREATE TABLE log (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      TEXT NOT NULL,
    level   TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    actor   TEXT NOT NULL DEFAULT ''
) STRICT;
"""

# Version 2: interfaces that are gone for now are remembered but not given out.
_INTERFACES_PRESENT = """
ALTER TABLE interfaces ADD COLUMN present INTEGER NOT NULL DEFAULT 1 CHECK (present IN (0, 1));
"""

# Version 3: whether a camera may be found by searching (WS-Discovery).
_CAMERAS_DISCOVERY = """
ALTER TABLE cameras ADD COLUMN discovery INTEGER NOT NULL DEFAULT 1 CHECK (discovery IN (0, 1));
"""

# Version 4: cameras that share an address differ by their ports.
_INTERFACES_PORT_OFFSET = """
ALTER TABLE interfaces ADD COLUMN port_offset INTEGER NOT NULL DEFAULT 0 CHECK (port_offset BETWEEN 0 AND 1023);
"""

# Version 5: what a channel can do beyond its picture, what is set per camera, sources that are not ONVIF. Those may
# share an address and need no account, which the constraints of two tables did not allow; SQLite changes a constraint
# only by making the table anew (sqlite.org/lang_altertable.html section 7). The sequence goes along: no id comes twice.
_FEATURES_AND_SETTINGS = """
CREATE TABLE credentials_anew (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    owner    TEXT NOT NULL CHECK (owner IN ('nvr', 'camera', 'default')),
    username TEXT NOT NULL CHECK (length(username) <= 64 AND (length(username) > 0 OR owner = 'nvr')),
    secret   TEXT NOT NULL CHECK (length(secret) > 0)
) STRICT;
INSERT INTO credentials_anew SELECT * FROM credentials;
DELETE FROM sqlite_sequence WHERE name = 'credentials_anew';
INSERT INTO sqlite_sequence SELECT 'credentials_anew', seq FROM sqlite_sequence WHERE name = 'credentials';
DROP TABLE credentials;
ALTER TABLE credentials_anew RENAME TO credentials;
CREATE UNIQUE INDEX credentials_one_default ON credentials (owner) WHERE owner = 'default';
CREATE TABLE nvrs_anew (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 300),
    host            TEXT NOT NULL CHECK (length(host) BETWEEN 1 AND 255),
    port            INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    credential_id   INTEGER NOT NULL UNIQUE REFERENCES credentials (id) ON DELETE RESTRICT,
    manufacturer    TEXT NOT NULL DEFAULT '',
    model           TEXT NOT NULL DEFAULT '',
    firmware        TEXT NOT NULL DEFAULT '',
    serial          TEXT NOT NULL DEFAULT '',
    clock_offset_s  REAL,
    channel_count   INTEGER,
    last_scan       TEXT,
    auth_failed     INTEGER NOT NULL DEFAULT 0 CHECK (auth_failed IN (0, 1)),
    kind            TEXT NOT NULL DEFAULT 'onvif' CHECK (kind IN ('onvif', 'rtsp'))
) STRICT;
INSERT INTO nvrs_anew SELECT *, 'onvif' FROM nvrs;
DELETE FROM sqlite_sequence WHERE name = 'nvrs_anew';
INSERT INTO sqlite_sequence SELECT 'nvrs_anew', seq FROM sqlite_sequence WHERE name = 'nvrs';
DROP TABLE nvrs;
ALTER TABLE nvrs_anew RENAME TO nvrs;
CREATE UNIQUE INDEX nvrs_one_address ON nvrs (host, port) WHERE kind = 'onvif';
ALTER TABLE channels ADD COLUMN features TEXT NOT NULL DEFAULT '{}';
ALTER TABLE cameras ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE cameras ADD COLUMN adopted_by TEXT NOT NULL DEFAULT '';
CREATE TABLE camera_users (
    camera_id INTEGER NOT NULL REFERENCES cameras (id) ON DELETE CASCADE,
    username  TEXT NOT NULL CHECK (length(username) BETWEEN 1 AND 64),
    secret    TEXT NOT NULL CHECK (length(secret) > 0),
    level     TEXT NOT NULL CHECK (level IN ('Administrator', 'Operator', 'User')),
    PRIMARY KEY (camera_id, username)
) STRICT, WITHOUT ROWID;
CREATE TABLE camera_certificates (
    camera_id INTEGER NOT NULL PRIMARY KEY REFERENCES cameras (id) ON DELETE CASCADE,
    chain     TEXT NOT NULL,
    secret    TEXT NOT NULL
) STRICT;
"""

# Version 6: how streams come from an NVR.
_NVRS_TRANSPORT = """
ALTER TABLE nvrs ADD COLUMN transport TEXT NOT NULL DEFAULT 'auto' CHECK (transport IN ('auto', 'tcp', 'udp'));
"""

STEPS: Mapping[int, str] = {
    1: _FIRST,
    2: _INTERFACES_PRESENT,
    3: _CAMERAS_DISCOVERY,
    4: _INTERFACES_PORT_OFFSET,
    5: _FEATURES_AND_SETTINGS,
    6: _NVRS_TRANSPORT,
}
NEWEST = max(STEPS)


def schema_text() -> str:
    """schema.sql: inside the installed package, or at the top of a checkout."""
    packaged = Path(__file__).with_name("schema.sql")
    return (packaged if packaged.exists() else Path(__file__).parents[2] / "schema.sql").read_text("utf-8")


def split_statements(sql: str) -> Iterator[str]:
    """The single statements of a script, so that they can run inside our own transaction."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""


async def migrate(connection: Connection) -> None:
    """Brings the file to the newest version; a backup is made before the first step.

    Raises StoreError for a newer, foreign or damaged file, which stays untouched.
    """
    async with connection.reading() as db:
        version = await _check(db, connection.path)
        empty = not await db.execute_fetchall("SELECT 1 FROM sqlite_schema LIMIT 1")
    if version == 0 and not empty:
        raise damaged(connection.path)
    await connection.use_wal()
    if version == 0:
        await run_step(connection, schema_text(), NEWEST)
        return
    if version < NEWEST:
        name = f"{connection.path.name}.before-version-{NEWEST}"
        await write_backup(connection, connection.path.with_name(name))
    for step in range(version + 1, NEWEST + 1):
        await run_step(connection, STEPS[step], step)


async def run_step(connection: Connection, sql: str, version: int) -> None:
    """The statements and the new version number, all or nothing."""
    async with connection.rebuilding() as db:
        for statement in split_statements(sql):
            await db.execute_fetchall(statement)
        await db.execute_fetchall(f"PRAGMA application_id = {APPLICATION_ID}")
        await db.execute_fetchall(f"PRAGMA user_version = {version}")
        if await db.execute_fetchall("PRAGMA foreign_key_check"):
            raise damaged(connection.path)


async def _check(db: aiosqlite.Connection, path: Path) -> int:
    version = await _pragma(db, "user_version")
    application = await _pragma(db, "application_id")
    if application not in (0, APPLICATION_ID) or version < 0:
        raise damaged(path)
    if version > NEWEST:
        raise StoreError(
            f"The database {path} was written by a newer proxyd (schema {version}, this program knows {NEWEST}).",
            "Install that version again, or put back the backup that was made before the update.",
        )
    if [row[0] for row in await db.execute_fetchall("PRAGMA quick_check(1)")] != ["ok"]:
        raise damaged(path)
    return version


async def _pragma(db: aiosqlite.Connection, name: str) -> int:
    return int(next(iter(await db.execute_fetchall(f"PRAGMA {name}")))[0])
