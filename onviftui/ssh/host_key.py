"""The server's own key: made once, ed25519, for nobody else to read."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

import asyncssh

from proxyd.errors import ProxyError


def load_or_make(path: Path) -> asyncssh.SSHKey:
    """Raises ProxyError with what to do about it."""
    try:
        with path.open("rb") as file:
            _check(path, os.fstat(file.fileno()))
            return asyncssh.import_private_key(file.read(64 * 1024))
    except FileNotFoundError:
        return _make(path)
    except OSError as error:
        raise ProxyError(
            f"The server's key {path} cannot be read: {error.strerror}.", "Is it this user's? ls -l shows it."
        ) from None
    except asyncssh.KeyImportError:
        raise ProxyError(
            f"{path} is not a private key that can be used.",
            "Put the right one back; or move it away, and a new one is made (clients will warn of the change).",
        ) from None


def _check(path: Path, state: os.stat_result) -> None:
    if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ProxyError(f"The server's key {path} can be read by others.", f"chmod 600 {path}")


def _make(path: Path) -> asyncssh.SSHKey:
    """Whole or not at all: the name appears with the finished file behind it."""
    key = asyncssh.generate_private_key("ssh-ed25519", comment="onviftui")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.export_private_key())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # another server that was quicker keeps its own
    except FileExistsError:
        return load_or_make(path)
    except OSError as error:
        raise ProxyError(
            f"The server's key cannot be kept at {path}: {error.strerror}.", "Name another place with --host-key."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return key
