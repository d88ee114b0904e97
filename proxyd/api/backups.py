"""Backups: models and parameters of the noun backup."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from .fields import typeable
from .model import Model
from .params import Params

PIECE = 96 * 1024  # bytes of a file in one message, which is 128 KiB of base64
SHORTEST_PASSPHRASE = 8

BackupName = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Passphrase = Annotated[SecretStr, AfterValidator(typeable), Field(min_length=SHORTEST_PASSPHRASE, max_length=256)]
_Offset = Annotated[int, Field(ge=0, le=2**40)]


class BackupCreate(Params):
    """The passphrase is needed to restore it; nobody can tell it again."""

    passphrase: Passphrase


class BackupByName(Params):
    name: BackupName


class BackupOpen(Params):
    name: BackupName
    passphrase: Annotated[SecretStr, Field(min_length=1, max_length=256)]


class BackupRead(Params):
    name: BackupName
    offset: _Offset = 0


class BackupWrite(Params):
    """The pieces of a file from its beginning on, one after another; `last` makes it a backup."""

    name: BackupName
    offset: _Offset
    data: Annotated[str, Field(max_length=180_000)]  # base64
    last: bool = False


class Backup(Model):
    """A file in the daemon's folder of backups. `problem`: why it cannot be used."""

    name: str
    size: int
    at: str = ""
    version: str = ""  # of the proxyd that made it
    schema_version: int = 0
    problem: str = ""


class BackupPiece(Model):
    """`data` is base64; at the end `offset` and its length give `size`."""

    name: str
    offset: int
    size: int
    data: str


class BackupWritten(Model):
    """How much has come; `backup` once it is whole."""

    size: int
    backup: Backup | None = None


class BackupContents(Model):
    """What is in a backup. `warnings` are sentences for people about restoring it here."""

    name: str
    at: str
    version: str
    schema_version: int
    nvrs: list[str]
    cameras: list[str]
    warnings: list[str]


class Restored(Model):
    """`safety` is the backup that was made before; the daemon starts anew right after this answer."""

    contents: BackupContents
    safety: str
