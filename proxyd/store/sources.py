"""Sources that are not ONVIF: rows of NVRs of kind rtsp, whose channels the user names instead of a scan."""

from __future__ import annotations

from collections.abc import Sequence

import aiosqlite

from proxyd.errors import Conflict
from proxyd.sources.source import KnownSource, NewSource

from . import nvrs, scan, streams
from .rows import NvrRow, Ports
from .secrets import Secrets


async def add(
    db: aiosqlite.Connection, secrets: Secrets, sources: Sequence[NewSource], *, start: bool, ports: Ports
) -> list[int]:
    """Ids of the NVRs that have them now, each once. One whose camera was removed comes back as a new camera.

    Raises Conflict for one that is there already, and for another password of a known account."""
    rows = {place(row): row for row in await nvrs.all_nvrs(db, secrets) if row.kind == "rtsp"}
    touched: dict[int, None] = {}
    for source in sources:
        row = rows.get(source.place)
        if row is None:
            row = rows[source.place] = await _add_row(db, secrets, source)
        elif row.password != source.password:
            raise Conflict(
                f"NVR {row.id} “{row.name}” has another password for user {row.username!r}.",
                f"Change it there if it is wrong: onviftui nvr edit {row.id} --password-stdin",
            )
        touched[row.id] = None
        await _add_channel(db, secrets, row, source, start=start, ports=ports)
    return list(touched)


def place(row: NvrRow) -> tuple[str, int, str]:
    """As NewSource.place."""
    return row.host, row.port, row.username


async def known(db: aiosqlite.Connection, secrets: Secrets, nvr_id: int) -> list[KnownSource]:
    """In the order of their numbers."""
    all_streams = await streams.known(db, secrets, nvr_id)
    rows = await db.execute_fetchall(
        "SELECT id, key, number, name, ignored, snapshot_uri FROM channels WHERE nvr_id = ? ORDER BY number, id",
        (nvr_id,),
    )
    return [
        KnownSource(
            row["key"],
            row["number"],
            row["name"],
            all_streams.get(row["id"], ()),
            streams.decrypted(secrets, row["snapshot_uri"]),
            bool(row["ignored"]),
        )
        for row in rows
    ]


async def _add_row(db: aiosqlite.Connection, secrets: Secrets, source: NewSource) -> NvrRow:
    host, port, username = source.place
    nvr_id = await nvrs.add(
        db, secrets, host=host, port=port, username=username, password=source.password, name=None, kind="rtsp"
    )
    return await nvrs.get(db, secrets, nvr_id)


async def _add_channel(
    db: aiosqlite.Connection, secrets: Secrets, row: NvrRow, source: NewSource, *, start: bool, ports: Ports
) -> None:
    there = await known(db, secrets, row.id)
    old = next((one for one in there if one.key == source.key), None)
    if old is not None and not old.ignored:
        raise Conflict(f"“{old.name}” shows that stream already.", f"Scan it again: onviftui nvr scan {row.id}")
    number = old.number if old else max((one.number for one in there), default=0) + 1
    plain = f"Camera {row.host}" if number == 1 else f"Camera {row.host} {number}"
    await scan.apply(
        db,
        secrets,
        row.id,
        [source.channel(number, source.name or plain)],
        complete=False,
        start=start,
        restore=True,
        ports=ports,
    )
