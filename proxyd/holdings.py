"""What the daemon takes of its machine before anything starts: descriptors, folders, and the data folder for itself."""

from __future__ import annotations

import contextlib
import fcntl
import resource
from pathlib import Path

from proxyd.errors import Conflict, StoreError

_DESCRIPTORS = 16_384  # as the unit has it


def allow_descriptors() -> None:
    """Each camera listens on several sockets, each stream and recorder is a connection: a shell's 1024 are soon used
    up. Media processes inherit the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # a sandbox may not allow it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def make_folder(folder: Path, mode: int) -> None:
    """Raises StoreError."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"Cannot create {folder}: {error.strerror}.", "Choose another place with --data or --socket."
        ) from None


def lock(data: Path) -> Lock:
    """One daemon per data folder: two would fight over the addresses and the database. Raises Conflict, StoreError."""
    make_folder(data, 0o700)
    try:
        return Lock(data / "lock")
    except BlockingIOError:
        raise Conflict(f"Another proxyd already uses {data}.", "Stop it first, or choose another --data.") from None
    except OSError as error:
        raise StoreError(f"Cannot use {data}: {error.strerror}.", "Check its owner, its rights and the disk.") from None


class Lock:
    """flock(2): gone with the process, however it ends."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()
