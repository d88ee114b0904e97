"""The table of NVRs with their accounts."""

from __future__ import annotations

from collections.abc import Mapping

import aiosqlite

from proxyd.camera.spec import StreamTransport
from proxyd.errors import Conflict, NotFound
from proxyd.nvr.result import DeviceIdentity

from . import credentials, streams
from .rows import NvrKind, NvrRow
from .secrets import Secrets

_SELECT = """
SELECT n.*, a.username, a.secret,
    (SELECT count(*) FROM channels c WHERE c.nvr_id = n.id AND c.state <> 'missing') AS channels,
    (SELECT count(*) FROM channels c WHERE c.nvr_id = n.id AND c.state = 'online') AS online
FROM nvrs n JOIN credentials a ON a.id = n.credential_id
"""


async def all_nvrs(db: aiosqlite.Connection, secrets: Secrets) -> list[NvrRow]:
    """In the order of ids. Raises StoreError when the key file does not fit."""
    return [_row(row, secrets) for row in await db.execute_fetchall(f"{_SELECT} ORDER BY n.id")]


async def get(db: aiosqlite.Connection, secrets: Secrets, nvr_id: int) -> NvrRow:
    """Raises NotFound, and StoreError when the key file does not fit."""
    for row in await db.execute_fetchall(f"{_SELECT} WHERE n.id = ?", (nvr_id,)):
        return _row(row, secrets)
    raise no_such_nvr(nvr_id)


async def add(
    db: aiosqlite.Connection,
    secrets: Secrets,
    *,
    host: str,
    port: int,
    username: str,
    password: str,
    name: str | None,
    kind: NvrKind = "onvif",
) -> int:
    await _refuse_same_address(db, kind, host, port, username, 0)
    if name is None:
        name = await _unused_name(db, f"{'NVR' if kind == 'onvif' else 'RTSP'} {host}")
    else:
        await _refuse_same_name(db, name, 0)
    credential_id = await credentials.add(db, secrets, "nvr", username, password)
    rows = await db.execute_fetchall(
        "INSERT INTO nvrs (name, host, port, credential_id, kind) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (name, host, port, credential_id, kind),
    )
    return int(next(iter(rows))[0])


async def update(
    db: aiosqlite.Connection,
    secrets: Secrets,
    nvr_id: int,
    *,
    host: str | None,
    port: int | None,
    username: str | None,
    password: str | None,
    name: str | None,
    transport: StreamTransport | None = None,
) -> None:
    """What is None stays. A new address or account makes another try worth while: auth_failed is cleared."""
    old = await get(db, secrets, nvr_id)
    new_host, new_port = host or old.host, port or old.port
    await _refuse_same_address(db, old.kind, new_host, new_port, username or old.username, nvr_id)
    if name is not None:
        await _refuse_same_name(db, name, nvr_id)
    reachable_anew = any(value is not None for value in (host, port, username, password))
    await db.execute_fetchall(
        "UPDATE nvrs SET host = ?, port = ?, name = coalesce(?, name), transport = coalesce(?, transport), "
        "auth_failed = CASE WHEN ? THEN 0 ELSE auth_failed END WHERE id = ?",
        (new_host, new_port, name, transport, reachable_anew, nvr_id),
    )
    if username is not None or password is not None:
        rows = await db.execute_fetchall("SELECT credential_id FROM nvrs WHERE id = ?", (nvr_id,))
        await credentials.change(db, secrets, int(next(iter(rows))[0]), username, password)
    if (new_host, new_port) != (old.host, old.port):
        await streams.move_uris(db, secrets, nvr_id, old=(old.host, old.port), new=(new_host, new_port))


async def follow_address(db: aiosqlite.Connection, secrets: Secrets, nvr_id: int, before: Mapping[str, object]) -> None:
    """Upstream URIs move from where the NVR stood `before` (columns that have changed) to where it stands now."""
    now = await get(db, secrets, nvr_id)
    old = (str(before.get("host", now.host)), int(str(before.get("port", now.port))))
    if old != (now.host, now.port):
        await streams.move_uris(db, secrets, nvr_id, old=old, new=(now.host, now.port))


async def set_auth_failed(db: aiosqlite.Connection, nvr_id: int, failed: bool) -> None:
    """Raises NotFound."""
    rows = await db.execute_fetchall("UPDATE nvrs SET auth_failed = ? WHERE id = ? RETURNING id", (failed, nvr_id))
    if not rows:
        raise no_such_nvr(nvr_id)


async def set_identity(db: aiosqlite.Connection, nvr_id: int, identity: DeviceIdentity, at: str) -> None:
    """What a scan at `at` (RFC 3339) read of the device. Raises NotFound."""
    rows = await db.execute_fetchall(
        "UPDATE nvrs SET manufacturer = ?, model = ?, firmware = ?, serial = ?, clock_offset_s = ?, "
        "channel_count = ?, last_scan = ? WHERE id = ? RETURNING id",
        (
            identity.manufacturer,
            identity.model,
            identity.firmware,
            identity.serial,
            identity.clock_offset_s,
            identity.channels,
            at,
            nvr_id,
        ),
    )
    if not rows:
        raise no_such_nvr(nvr_id)


async def remove(db: aiosqlite.Connection, nvr_id: int) -> None:
    """Its cameras must be gone already (RESTRICT); channels and streams go with it."""
    rows = await db.execute_fetchall("DELETE FROM nvrs WHERE id = ? RETURNING credential_id", (nvr_id,))
    for row in rows:
        await credentials.remove(db, row["credential_id"])


def no_such_nvr(nvr_id: int) -> NotFound:
    return NotFound(f"There is no NVR {nvr_id}.", "See: onviftui nvr list")


async def _refuse_same_address(
    db: aiosqlite.Connection, kind: NvrKind, host: str, port: int, username: str, own_id: int
) -> None:
    """One NVR per address; of sources that are not ONVIF one per address and account."""
    rows = await db.execute_fetchall(
        "SELECT n.id, n.name FROM nvrs n JOIN credentials a ON a.id = n.credential_id "
        "WHERE n.kind = ?1 AND n.host = ?2 AND n.port = ?3 AND n.id <> ?4 AND (?1 = 'onvif' OR a.username = ?5)",
        (kind, host, port, own_id, username),
    )
    for row in rows:
        raise Conflict(
            f"NVR {row['id']} “{row['name']}” already stands at {host} port {port}.",
            f"Change or scan that one: onviftui nvr show {row['id']}",
        )


async def _refuse_same_name(db: aiosqlite.Connection, name: str, own_id: int) -> None:
    rows = await db.execute_fetchall("SELECT id FROM nvrs WHERE name = ? AND id <> ?", (name, own_id))
    for row in rows:
        raise Conflict(f"NVR {row['id']} is already called “{name}”.", "Choose another name.")


async def _unused_name(db: aiosqlite.Connection, wish: str) -> str:
    taken = {row["name"] for row in await db.execute_fetchall("SELECT name FROM nvrs")}
    candidates = (f"{wish} ({number})" for number in range(2, len(taken) + 2))
    return next((name for name in (wish, *candidates) if name not in taken), wish)


def _row(row: aiosqlite.Row, secrets: Secrets) -> NvrRow:
    identity = DeviceIdentity(
        manufacturer=row["manufacturer"],
        model=row["model"],
        firmware=row["firmware"],
        serial=row["serial"],
        clock_offset_s=row["clock_offset_s"],
        channels=row["channel_count"],
    )
    return NvrRow(
        id=row["id"],
        name=row["name"],
        host=row["host"],
        port=row["port"],
        username=row["username"],
        password=secrets.decrypt(row["secret"]),
        identity=identity,
        channels=row["channels"],
        online=row["online"],
        last_scan=row["last_scan"],
        auth_failed=bool(row["auth_failed"]),
        kind=row["kind"],
        transport=row["transport"],
    )
