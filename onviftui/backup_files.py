"""Files of backups, to the daemon and from it, piece by piece: what command line and UI share."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO

from proxyd.api.backups import PIECE, Backup, BackupPiece, BackupWritten
from proxyd.errors import ProxyError

ENDING = ".backup"
_LONGEST_NAME = 60
Call = Callable[[str, dict[str, Any]], Awaitable[Any]]  # a method of the daemon; raises ProxyError


async def pieces(call: Call, name: str) -> AsyncIterator[bytes]:
    """The file of a backup. Raises ProxyError."""
    offset, size = 0, 1
    while offset < size:
        piece: BackupPiece = await call("backup.read", {"name": name, "offset": offset})
        data = base64.b64decode(piece.data)
        if not data and offset < piece.size:
            raise ProxyError("The backup ended before its end.", "Is it being removed? Try again.")
        yield data
        offset, size = offset + len(data), piece.size


async def bring(call: Call, source: Path, opened: BinaryIO) -> Backup:
    """`opened` becomes one of the daemon's backups, under a name like `source` that is free. It is read in a thread.
    Raises ProxyError, and OSError when it cannot be read."""
    wish = _wish(source)
    names = {one.name for one in await call("backup.list", {})}
    name = next(n for n in (wish, *(f"{wish}-{number}" for number in range(2, 1000))) if n not in names)
    offset, data = 0, await asyncio.to_thread(opened.read, PIECE)
    while True:
        following = await asyncio.to_thread(opened.read, PIECE) if data else b""
        params = {"name": name, "offset": offset, "data": base64.b64encode(data).decode()}
        written: BackupWritten = await call("backup.write", params | {"last": not following})
        if written.backup is not None:
            return written.backup
        offset, data = written.size, following


def _wish(source: Path) -> str:
    wish = "brought" if str(source) == "-" else re.sub(r"[^A-Za-z0-9._-]", "-", source.name.removesuffix(ENDING))
    return wish.lstrip("._-")[:_LONGEST_NAME] or "brought"
