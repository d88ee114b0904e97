"""The interfaces in proxyd's database, read beside a running proxyd; nothing is written.

Only what is needed is asked for, so that a newer database with the same columns can be read, too.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import stat
from pathlib import Path

from .errors import NetsetupError
from .known import Known

DEFAULT_DATABASE = Path("/var/lib/proxyd/proxyd.db")
APPLICATION_ID = 0x4F54756E  # proxyd marks its file so (PRAGMA application_id)
_WITHOUT = "To plan without it: --database /dev/null"
_MOST = 20_000  # rows
_PATIENCE_S = 5.0
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_INTERFACES = (
    "SELECT i.mac, i.name, coalesce(c.name, '') FROM interfaces i LEFT JOIN cameras c ON c.interface_id = i.id "
    "ORDER BY i.id LIMIT ?"
)


def known_interfaces(file: Path) -> dict[str, Known]:
    """By MAC; none where there is no database yet. Raises NetsetupError when it cannot be read."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(file, str(error.strerror)) from None
    if not stat.S_ISDIR(status.st_mode) and status.st_size == 0:
        return {}  # proxyd has just made it, or it is /dev/null
    try:
        with contextlib.closing(sqlite3.connect(_address(file), uri=True, timeout=_PATIENCE_S)) as db:
            return _read(db, file)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise _foreign(file) from None
        raise _unreadable(file, str(error)) from None


def _address(file: Path) -> str:
    """Without a log of changes nobody has it open, and SQLite need not make its helper files beside it."""
    in_use = any(file.with_name(file.name + end).exists() for end in ("-wal", "-journal"))
    return f"{file.absolute().as_uri()}?mode=ro" + ("" if in_use else "&immutable=1")


def _read(db: sqlite3.Connection, file: Path) -> dict[str, Known]:
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise _foreign(file)
    try:
        rows = db.execute(_INTERFACES, (_MOST,)).fetchall()
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):  # table, column
            raise
        version = db.execute("PRAGMA user_version").fetchone()[0]
        raise NetsetupError(
            f"The database {file} was written by another version of proxyd (schema {version}), and netsetup does not "
            "understand it.",
            f"Install netsetup and proxyd of the same version. {_WITHOUT}",
        ) from None
    return {
        str(mac): Known(_printable(name), _printable(camera)) for mac, name, camera in rows if _MAC.fullmatch(str(mac))
    }


def _printable(value: object) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(value)[:300])


def _unreadable(file: Path, why: str) -> NetsetupError:
    return NetsetupError(f"The database {file} cannot be read: {why}.", f"Try it as root. {_WITHOUT}")


def _foreign(file: Path) -> NetsetupError:
    return NetsetupError(
        f"The database {file} is damaged or is no database of proxyd.",
        f"Put a backup in its place (docs/install.md). {_WITHOUT}",
    )
