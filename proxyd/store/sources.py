"""Sources that are not ONVIF: rows of NVRs of kind rtsp, whose channels the user names instead of a scan."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

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
        _refuse_other_password(row, new)
        channels = await _new_channels(db, row, new)
        await scan.apply(db, secrets, row.id, channels, complete=False, start=start, restore=True, ports=ports)
        touched.append(row.id)
    return touched


async def change(
    db: aiosqlite.Connection, secrets: Secrets, nvr_id: int, channel_id: int, new: NewSource
) -> int | None:
    """The camera of this channel shows `new` from now on and stays who it is. The id of its row of NVRs when that
    went, because the camera moved to another and nothing was left in it. A password counts for all cameras of the row.

    Raises Conflict when another camera shows that stream, or has another password for that account."""
    old = await nvrs.get(db, secrets, nvr_id)
    to = next((r for r in await nvrs.all_nvrs(db, secrets) if r.kind == "rtsp" and r.place == new.place), None)
    emptied = None
    if to is None and await _is_last(db, nvr_id, channel_id):
        host, port, username = new.place
        await nvrs.update(
            db, secrets, nvr_id, host=host, port=port, username=username, password=new.password, name=None
        )
        to = old
    elif to is None:
        to = await _add_row(db, secrets, new)
    elif to.id == nvr_id:
        if new.password != old.password:
            await nvrs.update(
                db, secrets, nvr_id, host=None, port=None, username=None, password=new.password, name=None
            )
    else:
        _refuse_other_password(to, [new])
        emptied = nvr_id if await _is_last(db, nvr_id, channel_id) else None
    await _change_channel(db, secrets, to, channel_id, new)
    if emptied is not None:
        await nvrs.remove(db, emptied)
    return emptied


async def _is_last(db: aiosqlite.Connection, nvr_id: int, channel_id: int) -> bool:
    """Whether no other camera is left in the row."""
    return not await db.execute_fetchall(
        "SELECT 1 FROM channels WHERE nvr_id = ? AND id <> ? AND ignored = 0", (nvr_id, channel_id)
    )


async def _change_channel(
    db: aiosqlite.Connection, secrets: Secrets, row: NvrRow, channel_id: int, new: NewSource
) -> None:
    others = await db.execute_fetchall(
        "SELECT id, key, number, name, ignored FROM channels WHERE nvr_id = ? AND id <> ?", (row.id, channel_id)
    )
    for there in others:
        if there["key"] == new.key and not there["ignored"]:
            raise Conflict(f"“{there['name']}” shows that stream already.", "Remove one of the two cameras.")
        if there["key"] == new.key:  # its camera was removed, and this one takes its place
            await db.execute_fetchall("DELETE FROM channels WHERE id = ?", (there["id"],))
    numbers = {there["number"] for there in others}
    rows = await db.execute_fetchall("SELECT number FROM channels WHERE id = ?", (channel_id,))
    number = int(next(iter(rows))["number"])
    if number in numbers:
        number = max(numbers) + 1
    channel = new.channel(number, new.name)
    await db.execute_fetchall(
        "UPDATE channels SET nvr_id = ?, key = ?, number = ?, name = ?, snapshot_uri = ? WHERE id = ?",
        (row.id, new.key, number, new.name, streams.encrypted(secrets, channel.snapshot_uri), channel_id),
    )
    before = {s.spec.name: s for s in (await streams.known(db, secrets, row.id)).get(channel_id, ())}
    after = {s.spec.name: s for s in channel.streams}
    for name, stream in after.items():
        # Recorders keep what they were told of a stream: its numbers stay until it is read anew.
        spec = before.get(name, stream).spec
        spec = replace(spec, upstream_url=stream.spec.upstream_url)
        await streams.put(db, secrets, channel_id, replace(stream, spec=spec))
    for name in before.keys() - after.keys():
        await db.execute_fetchall("DELETE FROM streams WHERE channel_id = ? AND name = ?", (channel_id, name))


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


def _refuse_other_password(row: NvrRow, new: Sequence[NewSource]) -> None:
    if any(source.password != row.password for source in new):
        raise Conflict(
            f"NVR {row.id} “{row.name}” has another password for user {row.username!r}.",
            f"Change it there if it is wrong: onviftui nvr edit {row.id} --password-stdin",
        )


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
