"""Interfaces and who has them. UNIQUE (cameras.interface_id) is what makes sharing impossible; the order in
which they are given out is contract 1: never used ones first, then those freed longest ago."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import aiosqlite

from .rows import FoundInterface, InterfaceRow

_COLUMNS = "i.id, i.name, i.mac, i.address, i.prefix_length, i.kind, c.id, i.present"
_SELECT = f"SELECT {_COLUMNS} FROM interfaces i LEFT JOIN cameras c ON c.interface_id = i.id"  # noqa: S608 - our own names


async def register(db: aiosqlite.Connection, found: Sequence[FoundInterface], *, complete: bool) -> None:
    """Adds and updates by MAC; what a camera has it keeps. `complete`: all others are gone for now."""
    if complete:
        await db.execute_fetchall("UPDATE interfaces SET present = 0")
    cursor = await db.executemany(
        "INSERT INTO interfaces (name, mac, address, prefix_length, kind, port_offset) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (mac) DO UPDATE SET name = excluded.name, address = excluded.address, "
        "prefix_length = excluded.prefix_length, kind = excluded.kind, present = 1",
        [(one.name, one.mac.lower(), one.address, one.prefix_length, one.kind, one.port_offset) for one in found],
    )
    await cursor.close()


async def all_interfaces(db: aiosqlite.Connection) -> list[InterfaceRow]:
    """Absent ones, too, in the order of ids."""
    return [_row(row) for row in await db.execute_fetchall(f"{_SELECT} ORDER BY i.id")]


async def free(db: aiosqlite.Connection) -> list[InterfaceRow]:
    """Present and unused, the next to be given out first."""
    rows = await db.execute_fetchall(f"{_SELECT} WHERE c.id IS NULL AND i.present = 1 ORDER BY i.released, i.id")
    return [_row(row) for row in rows]


async def assign(db: aiosqlite.Connection) -> list[int]:
    """Gives free interfaces to cameras without one, in the order of camera ids. Returns those cameras."""
    waiting = await db.execute_fetchall("SELECT id FROM cameras WHERE interface_id IS NULL ORDER BY id")
    served = []
    for camera, interface in zip(waiting, await free(db), strict=False):
        await db.execute_fetchall("UPDATE cameras SET interface_id = ? WHERE id = ?", (interface.id, camera["id"]))
        served.append(int(camera["id"]))
    return served


async def mark_released(db: aiosqlite.Connection, interface_ids: Iterable[int]) -> None:
    """Puts just freed interfaces at the end of the line, in the order given."""
    for interface_id in interface_ids:
        await db.execute_fetchall(
            "UPDATE interfaces SET released = (SELECT max(released) + 1 FROM interfaces) WHERE id = ?",
            (interface_id,),
        )


def _row(row: aiosqlite.Row) -> InterfaceRow:
    id_, name, mac, address, prefix_length, kind, camera, present = row
    return InterfaceRow(id_, name, mac, address, prefix_length, kind, camera, bool(present))
