"""Methods of the noun undo: what was changed, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from proxyd.api import models as m
from proxyd.api.undo import Undoable, UndoApply, Undone
from proxyd.camera.spec import NvrAccess
from proxyd.errors import NotFound
from proxyd.journal import Entry
from proxyd.store.rows import NvrRow

from .access import Caller
from .parts import Parts


class UndoMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def undo_list(self, p: m.NoParams, who: Caller) -> list[Undoable]:
        return [
            Undoable(number=entry.number, at=entry.at, who=entry.who, role=entry.role, what=entry.what)
            for entry in self._parts.journal.entries()
        ]

    async def undo_apply(self, p: UndoApply, who: Caller) -> Undone:
        entry = self._parts.journal.entry(p.number)
        who.require(entry.role, f"taking back “{entry.what}”")
        before = {row.id: row for row in await self._parts.store.nvrs()}
        for nvr in entry.sources:
            await self._parts.jobs.cancel_for(nvr)  # what it read of these addresses must not be stored later
        await self._parts.store.take_back(entry.changes)
        self._parts.journal.drop(entry)
        await self._follow(entry, before)
        await self._parts.log("info", "daemon", f"Took back: {entry.what}", who)
        return Undone(number=entry.number, what=entry.what)

    async def _follow(self, entry: Entry, before: Mapping[int, NvrRow]) -> None:
        """What runs becomes what is stored again."""
        parts = self._parts
        if entry.brings_cameras:
            await parts.store.assign_interfaces()
        rows = await parts.store.nvrs()
        for gone in before.keys() - {row.id for row in rows}:
            parts.monitor.forget(gone)
            parts.hub.removed("nvr", gone)
        changed = [row for row in rows if _settings(row) != _settings(before.get(row.id))]
        for row in changed:
            if row.auth_failed:  # the account is another one again
                await parts.store.set_auth_failed(row.id, False)
            parts.cameras.know_account(row.id, row.access)
            parts.watch(replace(row, auth_failed=False))
        await parts.cameras.refresh()
        sources = [row for row in rows if row.id in entry.sources]
        for row in sources:
            parts.jobs.start_scan(row, start=True, restore=False, again=True)
        for row in changed:
            await parts.cameras.try_account_again(row.id)
        for row in {row.id: row for row in (*changed, *sources)}.values():
            with suppress(NotFound):  # removed meanwhile
                parts.show_nvr(await parts.store.nvr(row.id))


def _settings(row: NvrRow | None) -> tuple[str, NvrAccess] | None:
    """What a person sets of an NVR."""
    return None if row is None else (row.name, row.access)
