"""The event and audit log: what happened to which subject, and who did it."""

from __future__ import annotations

import aiosqlite

from .rows import LogLevel, LogRow

MAX_ROWS = 10_000
_MAX_MESSAGE = 2000
_MAX_NAME = 200


async def add(db: aiosqlite.Connection, at: str, level: LogLevel, subject: str, message: str, actor: str) -> LogRow:
    subject, message, actor = subject[:_MAX_NAME], message[:_MAX_MESSAGE], actor[:_MAX_NAME]
    rows = await db.execute_fetchall(
        "INSERT INTO log (at, level, subject, message, actor) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (at, level, subject, message, actor),
    )
    log_id = int(next(iter(rows))[0])
    # ids only grow, so this touches no more than the one row that falls off the end
    await db.execute_fetchall("DELETE FROM log WHERE id <= ?", (log_id - MAX_ROWS,))
    return LogRow(log_id, at, level, subject, message, actor)


async def tail(db: aiosqlite.Connection, limit: int, after: int) -> list[LogRow]:
    """The newest `limit` entries with an id above `after`, oldest first."""
    rows = await db.execute_fetchall(
        "SELECT id, at, level, subject, message, actor FROM log WHERE id > ? ORDER BY id DESC LIMIT ?",
        (after, limit),
    )
    return [LogRow(*row) for row in reversed(list(rows))]
