"""What the store does for the whole installation: settings, the log, copies, keys, and changes that are taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from . import accounts, credentials, log, nvrs, settings, undoing
from .backup import write_backup
from .connection import Connection
from .rows import LogLevel, LogRow
from .secrets import Secrets
from .undoing import RowChange


def utc_now() -> datetime:
    return datetime.now(UTC)


class Housekeeping:
    """The part of `Store` that knows nothing of NVRs, cameras and interfaces."""

    def __init__(self, connection: Connection, secrets: Secrets, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._secrets = secrets
        self._now = now

    async def close(self) -> None:
        """Waits for the transaction that is under way. Idempotent."""
        await self._connection.close()

    async def freeze(self) -> None:
        """Nothing is written from now on: who wants to, waits for `thaw`. Raises StoreError, thawed again, when another
        program is in the middle of something in this database."""
        await self._connection.freeze()
        try:
            await self._connection.require_alone()
        except BaseException:
            self._connection.thaw()
            raise

    def thaw(self) -> None:
        """After `freeze`: whoever waits may write again."""
        self._connection.thaw()

    def retire(self) -> None:
        """Another database takes the place of this one: writing raises StoreError from now on."""
        self._connection.retire()

    async def default_credentials(self) -> tuple[str, str]:
        """User and password of all cameras without own ones; made once, when the database was made."""
        async with self._connection.reading() as db:
            pair = await credentials.default_pair(db, self._secrets)
            assert pair is not None, "open() makes it"
            return pair

    async def set_default_credentials(self, username: str | None, password: str | None) -> None:
        """Of all cameras without own ones. None leaves as it is."""
        async with self._connection.transaction() as db:
            await credentials.change_default(db, self._secrets, username, password)

    async def take_back(self, changes: Sequence[RowChange]) -> None:
        """What `undoing.recording` saw, all or nothing. Raises Conflict when something of it is not what it was."""
        async with self._connection.transaction() as db:
            await undoing.take_back(db, changes)
            if any(change.table == "streams" for change in changes):
                return  # their addresses are among what was brought back
            for change in changes:
                if change.table == "nvrs" and change.before is not None and change.after is not None:
                    await nvrs.follow_address(db, self._secrets, change.key[0], change.after)

    async def setting(self, key: str) -> str | None:
        """A named text of this installation; None: it was never set."""
        async with self._connection.reading() as db:
            return await settings.get(db, key)

    async def set_setting(self, key: str, value: str) -> None:
        """Raises StoreError."""
        async with self._connection.transaction() as db:
            await settings.put(db, key, value)

    async def log(self, level: LogLevel, subject: str, message: str, actor: str = "") -> LogRow:
        """The newest 10,000 entries are kept."""
        at = self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        async with self._connection.transaction() as db:
            return await log.add(db, at, level, subject, message, actor)

    async def log_tail(
        self,
        limit: int = 100,
        after: int = 0,
        *,
        before: int = 0,
        level: LogLevel = "info",
        subject: str = "",
        actor: str = "",
        text: str = "",
    ) -> list[LogRow]:
        """The newest `limit` entries with an id above `after` (and below `before`, where that is not 0) that match,
        oldest first. `level` is the least; `actor` and `text` are parts."""
        wanted = log.Wanted(after, before, level, subject, actor, text)
        async with self._connection.reading() as db:
            return await log.tail(db, limit, wanted)

    async def backup(self, path: Path) -> None:
        """A complete copy in one file (0600). The key file is not in it: keep that apart."""
        await write_backup(self._connection, path)

    async def last_ids(self) -> dict[str, int]:
        """The greatest id that each table ever gave out."""
        async with self._connection.reading() as db:
            rows = await db.execute_fetchall("SELECT name, seq FROM sqlite_sequence")
            return {str(row["name"]): int(row["seq"]) for row in rows}

    async def rotate_secrets(self, secrets: Secrets) -> None:
        """Re-encrypts everything under the first key of `secrets`, which must know the present key too."""
        async with self._connection.transaction() as db:
            await settings.check_key(db, secrets)
            await credentials.renew_all(db, secrets)
            await accounts.renew_all(db, secrets)
            await settings.mark_key(db, secrets)
        self._secrets = secrets
