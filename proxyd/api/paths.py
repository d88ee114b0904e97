"""Where the daemon's socket is. Daemon and clients ask the same place, so that neither needs to be told.

Reads the environment and looks whether files exist; touches nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

SYSTEM_SOCKET = Path("/run/proxyd/proxyd.sock")


def user_socket() -> Path:
    """The socket of an ordinary user's daemon: in XDG_RUNTIME_DIR, else in ~/.local/share/proxyd."""
    runtime_dir = os.environ.get("XDG_RUNTIME_DIR")
    if runtime_dir:
        return Path(runtime_dir) / "proxyd" / "proxyd.sock"
    return Path.home() / ".local" / "share" / "proxyd" / "proxyd.sock"


def daemon_socket() -> Path:
    """Where a daemon without --socket listens: $ONVIFTUI_SOCKET, else /run/proxyd when it may write there,
    else the user's own place."""
    named = os.environ.get("ONVIFTUI_SOCKET")
    if named:
        return Path(named)
    if os.geteuid() == 0 or os.access(SYSTEM_SOCKET.parent, os.W_OK):
        return SYSTEM_SOCKET
    return user_socket()


def default_socket() -> Path:
    """Where a client without --socket looks: $ONVIFTUI_SOCKET, else the first of system and user socket that
    exists, else the place where a daemon started now would listen."""
    named = os.environ.get("ONVIFTUI_SOCKET")
    if named:
        return Path(named)
    for candidate in (SYSTEM_SOCKET, user_socket()):
        if _exists(candidate):
            return candidate
    return daemon_socket()


def _exists(path: Path) -> bool:
    """Also true for a folder that may not be searched: "not allowed" helps more than "not found"."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True
