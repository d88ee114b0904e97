"""Several changes of several cameras in one transaction: all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import aiosqlite

from proxyd.api.renaming import name_problems
from proxyd.errors import Conflict

from . import accounts, cameras
from .rows import CameraRow
from .secrets import Secrets

_MOST_PROBLEMS = 6


@dataclass(frozen=True, slots=True)
class CameraChange:
    """What is None stays. `settings` are fields of CameraSettings. `drop_users`: the accounts that recorders made."""

    id: int
    name: str | None = None
    discovery: bool | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    drop_users: bool = False


async def apply(db: aiosqlite.Connection, secrets: Secrets, changes: Sequence[CameraChange]) -> list[CameraRow]:
    """The cameras as they are then, in the order of the changes. Raises NotFound, and Conflict for a name that another
    camera has, before anything is changed."""
    ids = [change.id for change in changes]
    rows = {row.id: row for row in await cameras.get(db, secrets, ids)}
    wanted = {change.id: change.name for change in changes if change.name is not None}
    await require_names(db, {id_: name for id_, name in wanted.items() if name != rows[id_].name})
    for change in changes:
        row = rows[change.id]
        if change.name is not None:
            await cameras.rename(db, row.id, change.name)
        if change.discovery is not None:
            await cameras.set_discovery(db, row.id, change.discovery)
        if change.username is not None or change.password is not None:
            username = row.username if change.username is None else change.username
            password = row.password if change.password is None else change.password
            await cameras.set_credentials(db, secrets, row.id, username, password)
        if change.settings:
            await cameras.set_settings(db, row.id, replace(row.settings, **change.settings))
        if change.drop_users:
            await accounts.set_users(db, secrets, row.id, ())
    return await cameras.get(db, secrets, ids)


async def require_names(db: aiosqlite.Connection, names: Mapping[int, str]) -> None:
    """New names by camera, seen inside the transaction that gives them: of two renames at one moment one is refused.
    Names that NVRs gave their channels may be the same; a person's choice is not. Raises Conflict."""
    if not names:
        return
    if problems := name_problems(names, await cameras.names(db)):
        raise Conflict(f"Nothing was changed. {' '.join(problems[:_MOST_PROBLEMS])}", "Choose another name.")
