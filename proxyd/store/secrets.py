"""Encryption of what is stored: Fernet tokens under keys that live beside the database, not in it.

A copy or backup of the database alone gives nothing away; it does not protect against root on this machine.
The key file holds one key per line; the first encrypts, all decrypt.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from proxyd.durable import sync
from proxyd.errors import StoreError

CREDENTIAL_NAME = "proxyd.key"  # of systemd's LoadCredential=
_MAX_KEY_FILE = 16 * 1024
_MAX_REMEMBERED = 8192


class Secrets:
    """Turns texts into tokens and back."""

    def __init__(self, keys: list[str]) -> None:
        """`keys` as Fernet wants them (44 characters of URL-safe base64). Raises ValueError for others."""
        if not keys:
            raise ValueError("no key")
        self._keys = tuple(keys)
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        # Decrypting costs ~30 µs and the list of cameras holds hundreds of tokens: remember, within limits.
        self._remembered: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Secrets({len(self._keys)} keys)"

    @classmethod
    def load(cls, key_file: Path, *, create: bool = True, credentials_directory: Path | None = None) -> Secrets:
        """Keys from systemd's `credentials_directory` when it has one for us, else from `key_file` (0600).

        A missing key file is made when `create`; pass False when a database already exists, because a new
        key cannot open it. Raises StoreError in words.
        """
        if credentials_directory is not None and (credentials_directory / CREDENTIAL_NAME).exists():
            return cls(_read_keys(credentials_directory / CREDENTIAL_NAME, private=False))
        try:
            return cls(_read_keys(key_file, private=True))
        except FileNotFoundError:
            if not create:
                raise StoreError(
                    f"The key file {key_file} is missing, so the stored passwords cannot be read.",
                    "Put the key file back from your backup, or move the database away and add the NVRs again.",
                ) from None
        _write_keys(key_file, [Fernet.generate_key().decode()], replace=False)
        return cls(_read_keys(key_file, private=True))

    def add_key(self, key_file: Path) -> Secrets:
        """First half of a key change: a new first key is on disk when this returns, old keys still decrypt.

        Follow with Store.rotate_secrets(the result), then `forget_old_keys`.
        """
        keys = [Fernet.generate_key().decode(), *self._keys]
        _write_keys(key_file, keys, replace=True)
        return Secrets(keys)

    def forget_old_keys(self, key_file: Path) -> Secrets:
        """Last half of a key change: only the first key stays. Older backups need their older key file."""
        _write_keys(key_file, [self._keys[0]], replace=True)
        return Secrets([self._keys[0]])

    def exported(self) -> list[str]:
        """The keys themselves, for a backup that is encrypted itself."""
        return list(self._keys)

    def encrypt(self, text: str) -> str:
        """A token under the first key; a new one each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Raises StoreError when no key fits."""
        known = self._remembered.get(token)
        if known is not None:
            return known
        try:
            text = self._fernet.decrypt(token.encode()).decode()
        except (InvalidToken, ValueError):
            raise wrong_key() from None
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[token] = text
        return text

    def renew(self, token: str) -> str:
        """The same text under the first key. Raises StoreError when no key fits."""
        return self.encrypt(self.decrypt(token))


def wrong_key() -> StoreError:
    return StoreError(
        "The key file does not fit the database, so the stored passwords cannot be read.",
        "Put back the key file that belongs to this database, or move the database away and add the NVRs again.",
    )


def _read_keys(path: Path, *, private: bool) -> list[str]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(_MAX_KEY_FILE + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(
            f"The key file {path} cannot be read: {error.strerror}.",
            "Check that it belongs to the user who runs proxyd.",
        ) from None
    if private and mode & 0o077:
        raise StoreError(f"Others may read the key file {path}.", f"Run: chmod 600 {path}")
    lines = [line.strip() for line in raw.decode("ascii", "replace").splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    try:
        if len(raw) > _MAX_KEY_FILE:
            raise ValueError
        Secrets(keys)
    except ValueError:
        raise StoreError(
            f"The key file {path} is damaged.",
            "Put it back from your backup; without it the stored passwords are lost.",
        ) from None
    return keys


def _write_keys(path: Path, keys: list[str], *, replace: bool) -> None:
    """Durable before it returns: a token must never outlive its key. A file someone else just made wins."""
    text = "# Keys of proxyd's stored passwords. Keep a copy apart from the database's backups.\n"
    data = (text + "".join(f"{key}\n" for key in keys)).encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                temporary.replace(path)
            else:
                os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink(missing_ok=True)
        sync(path.parent)
    except OSError as error:
        raise StoreError(
            f"The key file {path} cannot be written: {error.strerror}.",
            "Check the free space and that the directory belongs to the user who runs proxyd.",
        ) from None
