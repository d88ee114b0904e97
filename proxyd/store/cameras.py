"""Virtual cameras: made by scans, kept for ever, removed only on purpose."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import aiosqlite

from proxyd.camera.features import ChannelFeatures
from proxyd.camera.settings import CameraSettings
from proxyd.errors import NotFound
from proxyd.nvr.result import ScannedStream

from . import accounts, credentials, interfaces, nvrs, streams
from .documents import parse_features, parse_settings, settings_text
from .rows import CameraRow, InterfaceRow, NvrRow, Ports
from .secrets import Secrets

_SELECT = """
SELECT k.id, k.name, k.uuid, k.serial, k.enabled, k.discovery, k.settings, k.adopted_by,
    k.http_port, k.rtsp_port,
    c.id AS channel_id, c.nvr_id, c.number, c.name AS channel_name, c.state, c.snapshot_uri, c.features,
    i.id AS interface_id, i.name AS interface_name, i.mac, i.address, i.prefix_length, i.kind, i.present, i.port_offset,
    k.credential_id, coalesce(a.username, d.username) AS username, coalesce(a.secret, d.secret) AS secret
FROM cameras k
JOIN channels c ON c.id = k.channel_id
LEFT JOIN interfaces i ON i.id = k.interface_id
LEFT JOIN credentials a ON a.id = k.credential_id
LEFT JOIN credentials d ON d.owner = 'default'
ORDER BY k.id
"""


async def all_cameras(db: aiosqlite.Connection, secrets: Secrets) -> list[CameraRow]:
    """In the order of ids; five queries, whatever their number."""
    nvr_rows = {row.id: row for row in await nvrs.all_nvrs(db, secrets)}
    known = await streams.known(db, secrets)
    users = await accounts.users(db, secrets)
    certificates = await accounts.certificates(db, secrets)
    rows = await db.execute_fetchall(_SELECT)
    return [
        replace(
            _row(row, secrets, nvr_rows[row["nvr_id"]], known.get(row["channel_id"], ())),
            users=users.get(row["id"], ()),
            certificate=certificates.get(row["id"]),
        )
        for row in rows
    ]


async def get(db: aiosqlite.Connection, secrets: Secrets, camera_ids: Collection[int]) -> list[CameraRow]:
    """Those cameras in the order asked for. Raises NotFound when one is not there."""
    found = {row.id: row for row in await all_cameras(db, secrets)}
    absent = [camera_id for camera_id in camera_ids if camera_id not in found]
    if absent:
        what = "is no camera" if len(absent) == 1 else "are no cameras"
        raise NotFound(f"There {what} {', '.join(map(str, absent))}.", "See: onviftui camera list")
    return [found[camera_id] for camera_id in dict.fromkeys(camera_ids)]


async def channels_without(db: aiosqlite.Connection) -> dict[int, list[ChannelFeatures]]:
    """Features of the channels whose camera the user removed, by NVR."""
    found: dict[int, list[ChannelFeatures]] = {}
    for row in await db.execute_fetchall(
        "SELECT nvr_id, features FROM channels WHERE id NOT IN (SELECT channel_id FROM cameras) ORDER BY id"
    ):
        found.setdefault(row["nvr_id"], []).append(parse_features(row["features"]))
    return found


async def add(db: aiosqlite.Connection, channel_id: int, *, name: str, ports: Ports, enabled: bool) -> int:
    """A camera with a new identity, without an interface yet."""
    identity = uuid.uuid4()
    rows = await db.execute_fetchall(
        "INSERT INTO cameras (channel_id, name, uuid, serial, http_port, rtsp_port, enabled) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (channel_id, name, str(identity), await _new_serial(db), ports.http, ports.rtsp, enabled),
    )
    return int(next(iter(rows))[0])


async def names(db: aiosqlite.Connection) -> dict[int, str]:
    """What each camera is called, by id."""
    return {row["id"]: row["name"] for row in await db.execute_fetchall("SELECT id, name FROM cameras ORDER BY id")}


async def rename(db: aiosqlite.Connection, camera_id: int, name: str) -> None:
    """The name must be free."""
    await db.execute_fetchall("UPDATE cameras SET name = ? WHERE id = ?", (name, camera_id))


async def set_enabled(db: aiosqlite.Connection, camera_ids: Iterable[int], enabled: bool) -> None:
    for camera_id in camera_ids:
        await db.execute_fetchall("UPDATE cameras SET enabled = ? WHERE id = ?", (enabled, camera_id))


async def set_discovery(db: aiosqlite.Connection, camera_id: int, on: bool) -> None:
    await db.execute_fetchall("UPDATE cameras SET discovery = ? WHERE id = ?", (on, camera_id))


async def set_settings(db: aiosqlite.Connection, camera_id: int, settings: CameraSettings) -> None:
    await db.execute_fetchall("UPDATE cameras SET settings = ? WHERE id = ?", (settings_text(settings), camera_id))


async def set_adopted_by(db: aiosqlite.Connection, camera_id: int, recorder: str) -> None:
    """`recorder` is its address; "": nobody has the camera."""
    await db.execute_fetchall("UPDATE cameras SET adopted_by = ? WHERE id = ?", (recorder, camera_id))


async def set_credentials(
    db: aiosqlite.Connection, secrets: Secrets, camera_id: int, username: str, password: str
) -> None:
    """The camera leaves the default pair and has its own account from now on."""
    rows = await db.execute_fetchall("SELECT credential_id FROM cameras WHERE id = ?", (camera_id,))
    own = next((row["credential_id"] for row in rows), None)
    if own is not None:
        await credentials.change(db, secrets, own, username, password)
        return
    own = await credentials.add(db, secrets, "camera", username, password)
    await db.execute_fetchall("UPDATE cameras SET credential_id = ? WHERE id = ?", (own, camera_id))


async def remove(db: aiosqlite.Connection, cameras: Sequence[CameraRow]) -> None:
    """Their interfaces go to the end of the line; their channels are ignored by later scans."""
    for camera in cameras:
        rows = await db.execute_fetchall("DELETE FROM cameras WHERE id = ? RETURNING credential_id", (camera.id,))
        for row in rows:
            await credentials.remove(db, row["credential_id"])
        await db.execute_fetchall("UPDATE channels SET ignored = 1 WHERE id = ?", (camera.channel_id,))
    await interfaces.mark_released(db, (c.interface.id for c in cameras if c.interface is not None))


async def _new_serial(db: aiosqlite.Connection) -> str:
    """OT and ten hexadecimal digits, never used before on this installation's cameras."""
    while True:
        serial = f"OT{uuid.uuid4().hex[:10].upper()}"
        if not await db.execute_fetchall("SELECT 1 FROM cameras WHERE serial = ?", (serial,)):
            return serial


def _row(row: aiosqlite.Row, secrets: Secrets, nvr: NvrRow, known: Sequence[ScannedStream]) -> CameraRow:
    interface = None
    if row["interface_id"] is not None:
        interface = InterfaceRow(
            id=row["interface_id"],
            name=row["interface_name"],
            mac=row["mac"],
            address=row["address"],
            prefix_length=row["prefix_length"],
            kind=row["kind"],
            camera=row["id"],
            present=bool(row["present"]),
        )
    return CameraRow(
        id=row["id"],
        name=row["name"],
        uuid=row["uuid"],
        serial=row["serial"],
        nvr_id=row["nvr_id"],
        channel_id=row["channel_id"],
        channel_number=row["number"],
        channel_name=row["channel_name"],
        channel_state=row["state"],
        enabled=bool(row["enabled"]),
        discovery=bool(row["discovery"]),
        settings=parse_settings(row["settings"]),
        adopted_by=row["adopted_by"],
        features=parse_features(row["features"]),
        interface=interface,
        http_port=row["http_port"] + (row["port_offset"] or 0),
        rtsp_port=row["rtsp_port"] + (row["port_offset"] or 0),
        username=row["username"],
        password=secrets.decrypt(row["secret"]),
        own_credentials=row["credential_id"] is not None,
        streams=tuple(replace(stream.spec, upstream_profile=stream.profile_token) for stream in known),
        snapshot_upstream=streams.decrypted(secrets, row["snapshot_uri"]),
        nvr=nvr,
    )
