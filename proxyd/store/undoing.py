"""Which rows a change of the configuration touched, as they were before and after, and how to bring them back.

Rows are kept as they stand in the database: secrets stay tokens. A row is brought back only where what the change set
is still what it set; what others changed of the same row meanwhile (a recorder, a scan) stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import aiosqlite

from proxyd.errors import Conflict

Row = dict[str, Any]
_Snapshot = dict[str, dict[Any, Row]]

# Parents before children, which is the order in which rows can be made.
_KEYS: dict[str, tuple[str, ...]] = {
    "settings": ("key",),
    "credentials": ("id",),
    "nvrs": ("id",),
    "channels": ("id",),
    "streams": ("id",),
    "interfaces": ("id",),
    "cameras": ("id",),
    "camera_users": ("camera_id", "username"),
    "camera_certificates": ("camera_id",),
}
CAMERA_TABLES = ("credentials", "channels", "interfaces", "cameras", "camera_users", "camera_certificates")
NVR_TABLES = ("credentials", "nvrs", "channels", "streams")
SOURCE_TABLES = (*NVR_TABLES, *CAMERA_TABLES)
# What belongs to the moment, and not to the change.
_PASSING = {"interfaces": {"name", "address", "prefix_length", "present"}, "nvrs": {"auth_failed", "last_scan"}}
# What of a row that was made may have become different since: what is read of the device itself.
_READ = {
    "nvrs": {*_PASSING["nvrs"], "manufacturer", "model", "firmware", "serial", "clock_offset_s", "channel_count"},
    "streams": {
        *("codec", "width", "height", "fps", "bitrate_kbps", "gov_length", "codec_profile", "quality"),
        *("profile_token", "audio_codec", "audio_bitrate_kbps", "audio_sample_rate_khz"),
    },
}


@dataclass(frozen=True, slots=True)
class RowChange:
    """Without `before` the row was made, without `after` it was deleted; else they hold what changed of it."""

    table: str
    key: tuple[Any, ...]
    before: Row | None = field(repr=False)
    after: Row | None = field(repr=False)


class Recorder:
    """Keeps the changes of the one transaction that this task makes while it records."""

    def __init__(self, tables: Sequence[str]) -> None:
        self.tables = [table for table in _KEYS if table in tables]
        self.active = True  # tasks that begin meanwhile inherit it, and must not go on with it
        self.changes: list[RowChange] = []
        self._before: _Snapshot = {}

    async def begin(self, db: aiosqlite.Connection) -> None:
        """Before the transaction's first change."""
        self._before = await self._rows(db)

    async def end(self, db: aiosqlite.Connection) -> list[RowChange]:
        """What the transaction changed; to be kept by `keep` once it is committed."""
        return _differences(self._before, await self._rows(db))

    def keep(self, changes: Sequence[RowChange]) -> None:
        """After it is committed; nothing is recorded any more."""
        self.changes = list(changes)
        self.active = False
        self._before = {}

    async def _rows(self, db: aiosqlite.Connection) -> _Snapshot:
        found: _Snapshot = {}
        for table in self.tables:
            rows = [dict(row) for row in await db.execute_fetchall(f"SELECT * FROM {table}")]  # noqa: S608 - our own names
            found[table] = {tuple(row[name] for name in _KEYS[table]): row for row in rows}
        return found


_RECORDER: ContextVar[Recorder | None] = ContextVar("recorder of changes", default=None)


def active_recorder() -> Recorder | None:
    """That of the calling task; None when nobody records."""
    recorder = _RECORDER.get()
    return recorder if recorder is not None and recorder.active else None


@contextmanager
def recording(tables: Sequence[str]) -> Iterator[Recorder]:
    """What the calling task's next transaction changes in these tables; it must be one that holds the whole change."""
    recorder = Recorder(tables)
    token = _RECORDER.set(recorder)
    try:
        yield recorder
    finally:
        recorder.active = False
        _RECORDER.reset(token)


async def take_back(db: aiosqlite.Connection, changes: Sequence[RowChange]) -> None:
    """All of them, newest first, inside the caller's transaction. Raises Conflict when one is not what it was."""
    await db.execute_fetchall("PRAGMA defer_foreign_keys = ON")
    order = list(_KEYS)
    made = [change for change in changes if change.before is None]
    other = [change for change in changes if change.before is not None]
    # Children go before their parents, and come after them.
    for change in sorted(other, key=lambda change: order.index(change.table)):
        if change.after is None:
            await _insert(db, change)
        else:
            await _update(db, change)
    for change in sorted(made, key=lambda change: order.index(change.table), reverse=True):
        await _delete(db, change)


def _differences(before: _Snapshot, after: _Snapshot) -> list[RowChange]:
    found: list[RowChange] = []
    for table, rows in after.items():
        olds = before[table]
        passing = _PASSING.get(table, set())
        for key, old in olds.items():
            new = rows.get(key)
            if new is None:
                found.append(RowChange(table, key, old, None))
            elif names := {name for name in old if old[name] != new[name]} - passing:
                found.append(
                    RowChange(table, key, {name: old[name] for name in names}, {name: new[name] for name in names})
                )
        found += [RowChange(table, key, None, row) for key, row in rows.items() if key not in olds]
    return found


def _where(table: str) -> str:
    return " AND ".join(f"{name} = ?" for name in _KEYS[table])


async def _row(db: aiosqlite.Connection, change: RowChange) -> Row | None:
    sql = f"SELECT * FROM {change.table} WHERE {_where(change.table)}"  # noqa: S608 - our own names
    rows = [dict(row) for row in await db.execute_fetchall(sql, change.key)]
    return rows[0] if rows else None


async def _update(db: aiosqlite.Connection, change: RowChange) -> None:
    assert change.before is not None and change.after is not None
    row = await _row(db, change)
    if row is None or any(row[name] != value for name, value in change.after.items()):
        raise changed_since()
    names = list(change.before)
    settings = ", ".join(f"{name} = ?" for name in names)
    sql = f"UPDATE {change.table} SET {settings} WHERE {_where(change.table)}"  # noqa: S608 - our own names
    await db.execute_fetchall(sql, (*change.before.values(), *change.key))


async def _insert(db: aiosqlite.Connection, change: RowChange) -> None:
    assert change.before is not None
    if await _row(db, change) is not None:
        raise changed_since()
    row = dict(change.before)
    if change.table == "cameras":
        await _refuse_other_camera(db, row)
        taken = await db.execute_fetchall("SELECT 1 FROM cameras WHERE interface_id = ?", (row["interface_id"],))
        if taken:  # another camera waited for it; this one gets one of those that are free
            row["interface_id"] = None
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    sql = f"INSERT INTO {change.table} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
    await db.execute_fetchall(sql, tuple(row.values()))


async def _refuse_other_camera(db: aiosqlite.Connection, row: Row) -> None:
    for other in await db.execute_fetchall("SELECT name FROM cameras WHERE channel_id = ?", (row["channel_id"],)):
        raise Conflict(
            f"The channel of {row['name']} has a camera again: {other['name']}.",
            "Remove that one first, then try again.",
        )


async def _delete(db: aiosqlite.Connection, change: RowChange) -> None:
    assert change.after is not None
    row = await _row(db, change)
    read = _READ.get(change.table, set())
    if row is None or any(row[name] != value for name, value in change.after.items() if name not in read):
        raise changed_since()
    if change.table == "nvrs" and await db.execute_fetchall("SELECT 1 FROM channels WHERE nvr_id = ?", change.key):
        raise changed_since()  # others have come to it, and would go with it
    await db.execute_fetchall(f"DELETE FROM {change.table} WHERE {_where(change.table)}", change.key)  # noqa: S608 - our own names


def changed_since() -> Conflict:
    return Conflict(
        "This was changed again since, so it cannot be taken back.", "Look at how it is now, and change it by hand."
    )
