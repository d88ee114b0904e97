"""The folder of backups: names, sizes, pieces that come and go. Plain blocking calls; files are 0600.

Names are made of letters, digits, dots, dashes and underscores, so none leads out of the folder. Only so many are kept:
when one more comes the oldest goes. Those that were made by themselves, before a restore, are counted apart, so that
they never push out one that somebody made.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from proxyd.durable import sync
from proxyd.errors import Conflict, InvalidInput, NotFound, StoreError

from .sealed import LARGEST_FILE, LARGEST_HEAD, Head, read_head

MOST_BACKUPS = 20
MOST_AUTOMATIC = 5
AUTOMATIC = "-before-restore"  # how their names end
SUFFIX = ".backup"
_PART = ".part"


_AUTOMATIC_NAME = re.compile(rf".*{re.escape(AUTOMATIC)}(-\d{{1,3}})?")


def is_automatic(name: str) -> bool:
    """It was made before a restore; whatever else has such a name is counted among those."""
    return _AUTOMATIC_NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Known:
    """A file of the folder. `head` is None when it cannot be used; `problem` says why."""

    name: str
    size: int
    head: Head | None
    problem: str = ""


class Folder:
    """`path` is made (0700) when the first backup comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writes = threading.RLock()  # several threads come, and names, pieces and files to come belong together

    def known(self) -> list[Known]:
        """Newest first; those that cannot be read last."""
        files = sorted(self.path.glob(f"*{SUFFIX}")) if self.path.is_dir() else []
        found = [self._look(file) for file in files if file.is_file()]  # to open a FIFO would never end
        return sorted(found, key=lambda one: one.head.at if one.head else "", reverse=True)

    def free_name(self, wish: str) -> str:
        names = (wish, *(f"{wish}-{number}" for number in range(2, 1000)))
        return next(name for name in names if not self._file(name).exists())

    def put(self, name: str, data: bytes, spare: str = "") -> Known:
        """Whole or not at all, durable; the oldest of its sort go when there are too many, but not `spare`. Raises
        StoreError."""
        file = self._file(name)
        with self._writes, self._errors():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".new-", dir=self.path)  # 0600
            try:
                with os.fdopen(handle, "wb") as new:
                    new.write(data)
                    new.flush()
                    os.fsync(new.fileno())
                Path(temporary).replace(file)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            sync(self.path)
            self._forget_oldest(name, spare)
            return self._look(file)

    def read(self, name: str) -> bytes:
        """Raises NotFound, StoreError."""
        with self._errors(name):
            with self._file(name).open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
            if len(data) > LARGEST_FILE:
                raise InvalidInput("This file is too large for a backup.")
            return data

    def piece(self, name: str, offset: int, length: int) -> tuple[bytes, int]:
        """A part of the file, and the size of the whole. Raises NotFound, StoreError."""
        with self._errors(name), self._file(name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(offset)
            return file.read(length), size

    def add_piece(self, name: str, offset: int, data: bytes, *, last: bool) -> Known | None:
        """What somebody uploads, from the beginning to the end without a gap; with the last piece it becomes a backup.
        Raises InvalidInput, Conflict, StoreError."""
        with self._writes:
            return self._add_piece(name, offset, data, last=last)

    def _add_piece(self, name: str, offset: int, data: bytes, *, last: bool) -> Known | None:
        part = self._file(name).with_suffix(_PART)
        if self._file(name).exists():
            raise Conflict(f"There is a backup {name} already.", "Give the new one another name, or remove that one.")
        with self._errors():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if offset == 0:  # whoever began before has given up: there is one upload at a time
                self.forget_parts()
            flags = os.O_WRONLY | os.O_NOFOLLOW | (os.O_CREAT | os.O_EXCL if offset == 0 else os.O_APPEND)
            try:
                with os.fdopen(os.open(part, flags, 0o600), "wb" if offset == 0 else "ab") as file:
                    if os.fstat(file.fileno()).st_size != offset:
                        raise InvalidInput("A piece of the backup is missing.", "Send it again from its beginning.")
                    if offset + len(data) > LARGEST_FILE:
                        raise InvalidInput("This file is too large for a backup.")
                    file.write(data)
            except FileNotFoundError:
                raise InvalidInput(
                    "The upload was given up, or another one began.", "Send the file again from its beginning."
                ) from None
            if not last:
                return None
            data = part.read_bytes()
            part.unlink()
        read_head(data)
        return self.put(name, data)

    def remove(self, name: str) -> None:
        """Raises NotFound, StoreError."""
        with self._errors(name):
            self._file(name).unlink()
            sync(self.path)

    def forget_parts(self) -> None:
        """What uploads and a sudden end left behind."""
        for pattern in (f"*{_PART}", ".new-*"):
            for file in self.path.glob(pattern) if self.path.is_dir() else ():
                file.unlink(missing_ok=True)

    def _forget_oldest(self, new: str, spare: str) -> None:
        sort = is_automatic(new)
        kept = [one for one in self.known() if is_automatic(one.name) is sort and one.name not in (new, spare)]
        for one in kept[(MOST_AUTOMATIC if sort else MOST_BACKUPS) - 1 :]:
            with suppress(FileNotFoundError), self._errors():
                self._file(one.name).unlink()

    def _look(self, file: Path) -> Known:
        name = file.name.removesuffix(SUFFIX)
        try:
            size = file.stat().st_size
            with file.open("rb") as opened:
                return Known(name, size, read_head(opened.read(LARGEST_HEAD)))
        except InvalidInput as error:
            return Known(name, size, None, error.message)
        except OSError as error:
            return Known(name, 0, None, f"It cannot be read: {error.strerror}.")

    def _file(self, name: str) -> Path:
        return self.path / f"{name}{SUFFIX}"

    @contextmanager
    def _errors(self, name: str = "") -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            if not name:
                raise
            raise NotFound(f"There is no backup {name}.", "See: onviftui backup list") from None
        except OSError as error:
            raise StoreError(
                f"The folder of backups {self.path} cannot be used: {error.strerror}.",
                "Check the free space, and that it belongs to the user who runs proxyd.",
            ) from None
