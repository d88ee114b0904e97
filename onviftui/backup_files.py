"""Files of backups, to the daemon and from it, piece by piece: what command line and UI share."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import select
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from proxyd.api.backups import PIECE, Backup, BackupPiece, BackupWritten
from proxyd.errors import ProxyError

ENDING = ".backup"
_LONGEST_NAME = 60
_LOOK_S = 0.2  # how long a thread reads on after everybody has left
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


class Patient:
    """A descriptor that may be a pipe on which nothing comes yet: the thread that reads of it goes on when it is left,
    so that nobody who gives up has to wait for it. It is closed then."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._left = threading.Event()
        self._reading = threading.Lock()

    def __enter__(self) -> Patient:
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        with self._reading:
            os.close(self._descriptor)

    def read(self, size: int) -> bytes:
        """That many bytes, or fewer at the end. Raises OSError."""
        data = b""
        with self._reading:
            while len(data) < size and not self._left.is_set():
                if select.select([self._descriptor], [], [], _LOOK_S)[0]:
                    piece = os.read(self._descriptor, size - len(data))
                    if not piece:
                        break
                    data += piece
        return data


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


async def bring(call: Call, source: Path, opened: Readable) -> Backup:
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
