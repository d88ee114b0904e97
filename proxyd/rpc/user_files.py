"""The files of those who log in by SSH, as the daemon writes them: each whole or not at all, 0640, so that the SSH
server, a member of the folder's group, can read them. What an administrator wrote there by hand stays.
"""

from __future__ import annotations

import os
from pathlib import Path

from proxyd.api.ssh_users import KEYS_FILE, MAX_FILE, PASSWORDS_FILE, SshUsers
from proxyd.api.ssh_users_folder import read_users
from proxyd.durable import sync
from proxyd.errors import Conflict, StoreError


class UserFiles:
    """Blocking: a few file operations, to be called in a thread. Raises StoreError, and ProxyError as `read_users`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> SshUsers:
        """As they stand in the folder; nobody where there are no files."""
        return read_users(self.folder)

    def write(self, users: SshUsers) -> None:
        """Only what is different. Raises Conflict when it would be more than the SSH server reads."""
        texts = {KEYS_FILE: users.keys_text(), PASSWORDS_FILE: users.passwords_text()}
        for name, text in texts.items():
            if len(text.encode(errors="surrogateescape")) > MAX_FILE:
                raise Conflict(
                    f"{self.folder / name} would have more than {MAX_FILE // 1024} kB.",
                    "Remove users or keys that are not needed, and lines that do not belong there.",
                )
        try:
            self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            for name, text in texts.items():
                self._replace(self.folder / name, text.encode(errors="surrogateescape"))
        except OSError as error:
            raise StoreError(
                f"Cannot write to {self.folder}: {error.strerror}.",
                "The daemon's user must be able to write there; netsetup install makes it so.",
            ) from None

    def _replace(self, path: Path, data: bytes) -> None:
        if path.is_file() and path.read_bytes() == data:
            return
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            with os.fdopen(os.open(new, flags, 0o640), "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), 0o640)  # whatever the umask is: the group reads it
                os.fsync(file.fileno())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        sync(path.parent)
