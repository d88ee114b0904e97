"""The event and audit log: what happened to which subject, and who did it."""

from __future__ import annotations

from dataclasses import dataclass

import aiosqlite

from .rows import LogLevel, LogRow

MAX_ROWS = 10_000
_MAX_MESSAGE = 2000
_MAX_NAME = 200
_LEVELS: tuple[LogLevel, ...] = ("info", "warning", "error")


async def add(db: aiosqlite.Connection, at: str, level: LogLevel, subject: str, message: str, actor: str) -> LogRow:
    """Too long words are cut; beyond MAX_ROWS the oldest entry goes."""
    subject, message, actor = subject[:_MAX_NAME], message[:_MAX_MESSAGE], actor[:_MAX_NAME]
    rows = await db.execute_fetchall(
        "INSERT INTO log (at, level, subject, message, actor) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (at, level, subject, message, actor),
    )
    log_id = int(next(iter(rows))[0])
    # ids only grow, so this touches no more than the one row that falls off the end
    await db.execute_fetchall("DELETE FROM log WHERE id <= ?", (log_id - MAX_ROWS,))
    return LogRow(log_id, at, level, subject, message, actor)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: those with an id above `after`, and below `before` where that is not 0; "" matches all."""

    after: int = 0
    before: int = 0
    level: LogLevel = "info"
    subject: str = ""
    actor: str = ""
    text: str = ""


async def tail(db: aiosqlite.Connection, limit: int, wanted: Wanted) -> list[LogRow]:
    """The newest `limit` that match, oldest first."""
    levels = _LEVELS[_LEVELS.index(wanted.level) :]
    rows = await db.execute_fetchall(
        "SELECT id, at, level, subject, message, actor FROM log WHERE id > :after AND (:before = 0 OR id < :before)"
        " AND instr(:levels, level) AND (:subject = '' OR subject = :subject)"
        " AND (:actor = '' OR instr(lower(actor), lower(:actor)))"
        " AND (:text = '' OR instr(lower(message), lower(:text)) OR instr(lower(subject), lower(:text)))"
        " ORDER BY id DESC LIMIT :limit",
        {
            "after": wanted.after,
            "before": wanted.before,
            "levels": " ".join(levels),
            "subject": wanted.subject,
            "actor": wanted.actor,
            "text": wanted.text,
            "limit": limit,
        },
    )
    return [LogRow(*row) for row in reversed(list(rows))]
