"""Methods of the noun backup."""

from __future__ import annotations

import asyncio
import base64
import binascii

from proxyd.api import models as m
from proxyd.api.backups import (
    PIECE,
    Backup,
    BackupByName,
    BackupContents,
    BackupCreate,
    BackupOpen,
    BackupPiece,
    BackupRead,
    BackupWrite,
    BackupWritten,
    Restored,
)
from proxyd.backup.folder import Known
from proxyd.backup.service import Backups, Looked
from proxyd.errors import Conflict, InvalidInput

from .access import Caller
from .parts import Parts, listed

_MOST_INTERFACES = 8  # in one sentence


class BackupMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def _backups(self) -> Backups:
        if self._parts.backups is None:
            raise Conflict("This daemon cannot make backups: nothing would start it anew.", "Run: proxyd run")
        return self._parts.backups

    async def backup_create(self, p: BackupCreate, who: Caller) -> Backup:
        made = await self._backups.create(p.passphrase.get_secret_value())
        await self._parts.log("info", "daemon", f"Made the backup {made.name}.", who)
        return _model(made)

    async def backup_list(self, p: m.NoParams, who: Caller) -> list[Backup]:
        return [_model(known) for known in await asyncio.to_thread(self._backups.folder.known)]

    async def backup_check(self, p: BackupOpen, who: Caller) -> BackupContents:
        return _contents(p.name, await self._backups.look(p.name, p.passphrase.get_secret_value()))

    async def backup_restore(self, p: BackupOpen, who: Caller) -> Restored:
        looked, safety = await self._backups.restore(p.name, p.passphrase.get_secret_value(), who.name)
        return Restored(contents=_contents(p.name, looked), safety=safety.name)

    async def backup_remove(self, p: BackupByName, who: Caller) -> Backup:
        known = await asyncio.to_thread(self._backups.folder.known)
        removed = next((one for one in known if one.name == p.name), Known(p.name, 0, None))
        await asyncio.to_thread(self._backups.folder.remove, p.name)
        await self._parts.log("warning", "daemon", f"Removed the backup {p.name}.", who)
        return _model(removed)

    async def backup_read(self, p: BackupRead, who: Caller) -> BackupPiece:
        data, size = await asyncio.to_thread(self._backups.folder.piece, p.name, p.offset, PIECE)
        if p.offset == 0:
            await self._parts.log("warning", "daemon", f"The backup {p.name} is fetched.", who)
        return BackupPiece(name=p.name, offset=p.offset, size=size, data=base64.b64encode(data).decode())

    async def backup_write(self, p: BackupWrite, who: Caller) -> BackupWritten:
        try:
            data = base64.b64decode(p.data, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidInput("This piece is no base64.", fields={"data": "must be base64"}) from None
        made = await asyncio.to_thread(self._backups.folder.add_piece, p.name, p.offset, data, last=p.last)
        if made is not None:
            await self._parts.log("info", "daemon", f"The backup {p.name} was brought.", who)
        return BackupWritten(size=p.offset + len(data), backup=_model(made) if made else None)


def _model(known: Known) -> Backup:
    if known.head is None:
        return Backup(name=known.name, size=known.size, problem=known.problem)
    head = known.head
    return Backup(name=known.name, size=known.size, at=head.at, version=head.version, schema_version=head.schema)


def _contents(name: str, looked: Looked) -> BackupContents:
    return BackupContents(
        name=name,
        at=looked.head.at,
        version=looked.head.version,
        schema_version=looked.head.schema,
        nvrs=list(looked.judged.nvrs),
        cameras=list(looked.judged.cameras),
        warnings=[_about_interfaces(looked.strange)] if looked.strange else [],
    )


def _about_interfaces(strange: tuple[str, ...]) -> str:
    names = listed(strange, _MOST_INTERFACES)
    return (
        f"Its cameras stand on interfaces that this machine does not have: {names}. They wait for these after the "
        "restore; copy /var/lib/netsetup/plans.json from the old machine, too, and run netsetup apply. "
        "The old machine must not run any more then."
    )
