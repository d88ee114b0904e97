"""Sources that are not ONVIF: rows of NVRs of kind rtsp, whose channels the user names instead of a scan."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import aiosqlite

from proxyd.errors import Conflict
from proxyd.nvr.result import ScannedChannel
from proxyd.sources.source import KnownSource, NewSource

from . import nvrs, scan, streams
from .rows import NvrRow, Ports
from .secrets import Secrets


async def add(
    db: aiosqlite.Connection, secrets: Secrets, sources: Sequence[NewSource], *, start: bool, ports: Ports
) -> list[int]:
    """Ids of the NVRs that have them now, each once. One whose camera was removed comes back as a new camera.

    Raises Conflict for one that is there already, and for another password of a known account."""
    rows = {row.place: row for row in await nvrs.all_nvrs(db, secrets) if row.kind == "rtsp"}
    by_place: dict[tuple[str, int, str], list[NewSource]] = {}
    for source in sources:
        by_place.setdefault(source.place, []).append(source)
    touched = []
    for where, new in by_place.items():
        row = rows.get(where) or await _add_row(db, secrets, new[0])
        if any(source.password != row.password for source in new):
            raise Conflict(
                f"NVR {row.id} “{row.name}” has another password for user {row.username!r}.",
                f"Change it there if it is wrong: onviftui nvr edit {row.id} --password-stdin",
            )
        channels = await _new_channels(db, row, new)
        await scan.apply(db, secrets, row.id, channels, complete=False, start=start, restore=True, ports=ports)
        touched.append(row.id)
    return touched


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


async def _new_channels(db: aiosqlite.Connection, row: NvrRow, new: Sequence[NewSource]) -> list[ScannedChannel]:
    """With the numbers that follow those that are there; a removed one keeps its number. Raises Conflict."""
    rows = await db.execute_fetchall("SELECT key, number, name, ignored FROM channels WHERE nvr_id = ?", (row.id,))
    numbers = {there["key"]: there["number"] for there in rows}
    names = {there["key"]: there["name"] for there in rows if not there["ignored"]}
    taken = {there["name"] for there in await db.execute_fetchall("SELECT name FROM channels")}
    channels = []
    for source in new:
        if source.key in names:
            raise Conflict(
                f"“{names[source.key]}” shows that stream already.", f"Scan it again: onviftui nvr scan {row.id}"
            )
        number = numbers.setdefault(source.key, max(numbers.values(), default=0) + 1)
        name = names[source.key] = source.name or _unused_name(taken)
        taken.add(name)
        channels.append(source.channel(number, name))
    return channels


def _unused_name(taken: Collection[str]) -> str:
    """Nothing of the device's address is in it: recorders see the name."""
    return next(name for n in range(1, len(taken) + 2) if (name := f"Camera {n}") not in taken)
