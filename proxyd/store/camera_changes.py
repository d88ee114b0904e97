"""Several changes of several cameras in one transaction: all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import aiosqlite

from . import accounts, cameras
from .rows import CameraRow
from .secrets import Secrets


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
    """The cameras as they are then, in the order of the changes. Raises NotFound before anything is changed."""
    ids = [change.id for change in changes]
    rows = {row.id: row for row in await cameras.get(db, secrets, ids)}
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
