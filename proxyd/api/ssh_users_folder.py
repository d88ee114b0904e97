"""Where the files of those who log in by SSH are, and reading them. Daemon and SSH server ask the same place, so that
neither needs to be told: it goes with the daemon's socket. The daemon writes there, the SSH server only reads.
"""

from __future__ import annotations

import os
from pathlib import Path

from proxyd.errors import ProxyError

from .paths import SYSTEM_SOCKET, user_socket
from .ssh_users import KEYS_FILE, MAX_FILE, PASSWORDS_FILE, SshUsers, parse_users

SYSTEM_USERS = Path("/var/lib/onviftui")  # group proxyd may read


def users_dir(socket: Path) -> Path:
    """For the daemon at that socket: $ONVIFTUI_USERS, else /var/lib/onviftui for the system's, the data folder (XDG)
    for an ordinary user's own, and beside any other socket."""
    if named := os.environ.get("ONVIFTUI_USERS"):
        return Path(named)
    if socket == SYSTEM_SOCKET:
        return SYSTEM_USERS
    if socket == user_socket():
        return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "onviftui"
    return socket.parent / "users"


def read_users(folder: Path) -> SshUsers:
    """Files that are not there yet are empty. A few hundred kilobytes: quick enough for an event loop. Raises
    ProxyError when a file cannot be read or is no text of ours."""
    return parse_users(_read(folder / KEYS_FILE), _read(folder / PASSWORDS_FILE))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ProxyError(
            f"Cannot read {path}: {error.strerror}.", "The group proxyd must be able to read it, and enter its folder."
        ) from None
    if len(raw) > MAX_FILE:
        raise ProxyError(f"{path} has more than {MAX_FILE // 1024} kB.", "Take out what does not belong there.")
    return raw.decode(errors="surrogateescape")  # others' lines are written back as they were
