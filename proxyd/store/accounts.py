"""What recorders keep on a camera: more accounts, and an HTTPS certificate. Secrets are encrypted."""

from __future__ import annotations

from collections.abc import Sequence

import aiosqlite

from proxyd.camera.settings import CameraUser, Certificate

from .secrets import Secrets


async def users(db: aiosqlite.Connection, secrets: Secrets) -> dict[int, tuple[CameraUser, ...]]:
    """By camera id, in the order of names."""
    found: dict[int, tuple[CameraUser, ...]] = {}
    for row in await db.execute_fetchall("SELECT * FROM camera_users ORDER BY camera_id, username"):
        user = CameraUser(row["username"], secrets.decrypt(row["secret"]), row["level"])
        found[row["camera_id"]] = (*found.get(row["camera_id"], ()), user)
    return found


async def set_users(db: aiosqlite.Connection, secrets: Secrets, camera_id: int, users: Sequence[CameraUser]) -> None:
    """Exactly these from now on."""
    await db.execute_fetchall("DELETE FROM camera_users WHERE camera_id = ?", (camera_id,))
    for user in users:
        await db.execute_fetchall(
            "INSERT INTO camera_users (camera_id, username, secret, level) VALUES (?, ?, ?, ?)",
            (camera_id, user.username, secrets.encrypt(user.password), user.level),
        )


async def certificates(db: aiosqlite.Connection, secrets: Secrets) -> dict[int, Certificate]:
    """Those brought or made, by camera. Raises StoreError when the key file does not fit."""
    rows = await db.execute_fetchall("SELECT * FROM camera_certificates")
    return {row["camera_id"]: Certificate(row["chain"], secrets.decrypt(row["secret"])) for row in rows}


async def set_certificate(
    db: aiosqlite.Connection, secrets: Secrets, camera_id: int, certificate: Certificate | None
) -> None:
    """None: it has none from now on. The private key is stored encrypted."""
    if certificate is None:
        await db.execute_fetchall("DELETE FROM camera_certificates WHERE camera_id = ?", (camera_id,))
        return
    await db.execute_fetchall(
        "INSERT INTO camera_certificates (camera_id, chain, secret) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (camera_id) DO UPDATE SET chain = ?2, secret = ?3",
        (camera_id, certificate.chain, secrets.encrypt(certificate.key)),
    )


async def renew_all(db: aiosqlite.Connection, secrets: Secrets) -> None:
    """Re-encrypts everything here under the first key of `secrets`."""
    for table, key in (("camera_users", "camera_id, username"), ("camera_certificates", "camera_id")):
        for row in await db.execute_fetchall(f"SELECT {key}, secret FROM {table}"):  # noqa: S608 - our own names
            where = " AND ".join(f"{name.strip()} = ?" for name in key.split(","))
            await db.execute_fetchall(
                f"UPDATE {table} SET secret = ? WHERE {where}",  # noqa: S608 - our own names
                (secrets.renew(row["secret"]), *tuple(row)[:-1]),
            )
