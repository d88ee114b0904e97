"""Makes backups of the running daemon's database, looks into them, and gets one ready to take its place.

The blocking work (scrypt, compression, files) is done in threads. One thing at a time: a backup needs some 100 MB for a
moment. Passphrases are in no log, and are forgotten with the call.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from proxyd import __version__
from proxyd.errors import Conflict, InvalidInput, StoreError
from proxyd.store import restoring
from proxyd.store.housekeeping import utc_now
from proxyd.store.log import MAX_ROWS
from proxyd.store.migrations import NEWEST
from proxyd.store.restoring import Judged
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store

from .folder import AUTOMATIC, Folder, Known
from .sealed import Content, Head, open_sealed, read_head, seal

FOLDER = "backups"
_COPY = "backup.tmp"
_INSTANCE_ID = "discovery.instance_id"


@dataclass(frozen=True, slots=True)
class Looked:
    """What is in a backup. `strange` are interfaces that its cameras stand on and that this machine does not have."""

    head: Head
    judged: Judged
    strange: tuple[str, ...]


class Backups:
    """`ready` is told when the staged database may take its place: it ends the daemon's parts and starts them anew."""

    def __init__(self, store: Store, secrets: Secrets, data: Path, ready: Callable[[], None]) -> None:
        self.folder = Folder(data / FOLDER)
        self._store = store
        self._secrets = secrets
        self._data = data
        self._ready = ready
        self._lock = asyncio.Lock()
        self._restoring = False
        with suppress(OSError):  # they are in nobody's way
            self.folder.forget_parts()
            for left in (data / _COPY, *data.glob(f".{_COPY}.*")):
                left.unlink(missing_ok=True)

    async def create(self, passphrase: str) -> Known:
        """Raises Conflict, StoreError."""
        async with self._lock:
            self._refuse_while_restoring()
            return await self._create(passphrase)

    async def look(self, name: str, passphrase: str) -> Looked:
        """All that a restore would look at, without changing anything. Raises Conflict, InvalidInput, NotFound,
        StoreError."""
        async with self._lock:
            self._refuse_while_restoring()
            try:
                return await self._stage(name, passphrase)
            finally:
                await asyncio.to_thread(restoring.forget_staged, self._data)

    async def restore(self, name: str, passphrase: str, who: str) -> tuple[Looked, Known]:
        """What was restored, and the backup that was made before, with the same passphrase. It is restored when this
        returns, also after a crash; the daemon starts anew right after, and until then nothing can be changed, for it
        would be lost. Raises Conflict, InvalidInput, NotFound, StoreError; nothing was changed then."""
        async with self._lock:
            self._refuse_while_restoring()
            looked = await self._stage(name, passphrase)
            try:
                await self._store.freeze()  # what is said of the present must be true to its end
                try:
                    safety = await self._create(passphrase, AUTOMATIC, spare=name)
                    said = f"Restored the backup {name} of {looked.head.at}; what was before is in {safety.name}."
                    await restoring.finish(self._data, self._secrets, await self._present(), [(said, who)])
                    restoring.decide(self._data)
                except BaseException:
                    self._store.thaw()
                    raise
            except BaseException:
                restoring.forget_staged(self._data)
                raise
            self._store.retire()
            self._restoring = True
            self._ready()
            return looked, safety

    def _refuse_while_restoring(self) -> None:
        if self._restoring:
            raise Conflict("A backup is being restored.", "Try again in a moment, when proxyd has started anew.")

    async def _present(self) -> restoring.Present:
        instance = int(await self._store.setting(_INSTANCE_ID) or 0)
        log = await self._store.log_tail(MAX_ROWS)
        return restoring.Present(log, await self._store.last_ids(), {_INSTANCE_ID: instance})

    async def _create(self, passphrase: str, ending: str = "", spare: str = "") -> Known:
        copy = self._data / _COPY
        await self._store.backup(copy)
        try:
            return await asyncio.to_thread(self._seal, copy, passphrase, ending, spare)
        finally:
            copy.unlink(missing_ok=True)

    def _seal(self, copy: Path, passphrase: str, ending: str, spare: str) -> Known:
        now = utc_now()
        head = Head(now.strftime("%Y-%m-%dT%H:%M:%SZ"), __version__, NEWEST)
        try:
            content = Content(copy.read_bytes(), tuple(self._secrets.exported()))
        except OSError as error:
            raise StoreError(f"The copy of the database cannot be read: {error.strerror}.", "Try again.") from None
        data = seal(head, content, passphrase, salt=os.urandom(16), nonce=os.urandom(12))
        return self.folder.put(self.folder.free_name(now.strftime("%Y-%m-%d-%H%M%S") + ending), data, spare=spare)

    async def _stage(self, name: str, passphrase: str) -> Looked:
        data = await asyncio.to_thread(self.folder.read, name)
        head = read_head(data)
        if head.schema > NEWEST:
            raise InvalidInput(
                f"This backup was made by a newer proxyd ({head.version}); this one is {__version__}.",
                "Update onviftui on this machine, then restore it.",
            )
        content = await asyncio.to_thread(open_sealed, data, passphrase)
        del data
        judged = await restoring.stage(self._data, content.database, content.keys, self._secrets)
        known = {row.mac for row in await self._store.interfaces()}
        strange = tuple(f"{row.name} {row.mac}" for row in judged.interfaces if row.mac not in known)
        return Looked(head, judged, strange)
