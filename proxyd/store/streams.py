"""The streams of channels, and everything that holds an upstream URI (encrypted: some hold a password)."""

from __future__ import annotations

from dataclasses import replace

import aiosqlite

from proxyd.camera.spec import AudioSpec, StreamSpec
from proxyd.nvr.result import ScannedStream

from .secrets import Secrets
from .uris import Address, move_uri

_MAX_NUMBER = 2**31 - 1
_MAX_TEXT = 256


async def known(
    db: aiosqlite.Connection, secrets: Secrets, nvr_id: int | None = None
) -> dict[int, tuple[ScannedStream, ...]]:
    """By channel id, main before sub; of one NVR or of all."""
    rows = await db.execute_fetchall(
        "SELECT s.* FROM streams s JOIN channels c ON c.id = s.channel_id "
        "WHERE ?1 IS NULL OR c.nvr_id = ?1 ORDER BY s.channel_id, s.name",
        (nvr_id,),
    )
    found: dict[int, tuple[ScannedStream, ...]] = {}
    for row in rows:
        stream = ScannedStream(_spec(row, secrets), row["profile_token"])
        found[row["channel_id"]] = (*found.get(row["channel_id"], ()), stream)
    return found


async def put(db: aiosqlite.Connection, secrets: Secrets, channel_id: int, stream: ScannedStream) -> None:
    """Adds the stream, or changes what the NVR says about the one of that name."""
    spec = stream.spec
    there = await db.execute_fetchall(
        "SELECT uri FROM streams WHERE channel_id = ? AND name = ?", (channel_id, spec.name)
    )
    token = next((row["uri"] for row in there), None)
    audio = spec.audio
    values = {
        "channel_id": channel_id,
        "name": spec.name,
        "profile_token": stream.profile_token,
        "codec": spec.codec,
        "width": spec.width,
        "height": spec.height,
        "fps": spec.fps,
        "bitrate_kbps": spec.bitrate_kbps,
        "uri": encrypted(secrets, spec.upstream_url, token),
        "gov_length": spec.gov_length,
        "codec_profile": spec.codec_profile,
        "quality": spec.quality,
        "audio_codec": audio and audio.codec,
        "audio_bitrate_kbps": audio and audio.bitrate_kbps,
        "audio_sample_rate_khz": audio and audio.sample_rate_khz,
    }
    columns = ", ".join(values)
    marks = ", ".join("?" for _ in values)
    updates = ", ".join(f"{column} = excluded.{column}" for column in values)
    await db.execute_fetchall(
        f"INSERT INTO streams ({columns}) VALUES ({marks}) "  # noqa: S608 - our own column names
        f"ON CONFLICT (channel_id, name) DO UPDATE SET {updates}",
        tuple(values.values()),
    )


def within_limits(scanned: ScannedStream) -> ScannedStream:
    """What a scan says, held inside the limits of the table: an odd device must not spoil a whole scan."""
    spec = scanned.spec
    audio = spec.audio
    if audio is not None:
        audio = replace(
            audio, bitrate_kbps=_bounded(audio.bitrate_kbps), sample_rate_khz=_bounded(audio.sample_rate_khz)
        )
    bounded = replace(
        spec,
        width=_bounded(spec.width),
        height=_bounded(spec.height),
        fps=_bounded(spec.fps),
        bitrate_kbps=_bounded(spec.bitrate_kbps),
        gov_length=_bounded(spec.gov_length),
        codec_profile=spec.codec_profile[:_MAX_TEXT],
        quality=min(max(float(spec.quality), 0.0), 1e6),
        audio=audio,
    )
    return replace(scanned, spec=bounded)


async def move_uris(db: aiosqlite.Connection, secrets: Secrets, nvr_id: int, *, old: Address, new: Address) -> None:
    """After an NVR's address changed: its streams and snapshots are asked there too, also before a rescan."""
    selections = (
        ("channels", "snapshot_uri", "SELECT id, snapshot_uri FROM channels WHERE nvr_id = ?"),
        (
            "streams",
            "uri",
            "SELECT s.id, s.uri FROM streams s JOIN channels c ON c.id = s.channel_id WHERE c.nvr_id = ?",
        ),
    )
    for table, column, select in selections:
        for row in await db.execute_fetchall(select, (nvr_id,)):
            if row[column] is not None:
                uri = move_uri(secrets.decrypt(row[column]), old=old, new=new)
                await db.execute_fetchall(
                    f"UPDATE {table} SET {column} = ? WHERE id = ?",  # noqa: S608 - our own names
                    (secrets.encrypt(uri), row["id"]),
                )


def encrypted(secrets: Secrets, text: str | None, before: str | None = None) -> str | None:
    """`before`: the token that stands there; it stays when it says the same, so that who looks sees no change."""
    if text is not None and before is not None and secrets.decrypt(before) == text:
        return before
    return None if text is None else secrets.encrypt(text)


def decrypted(secrets: Secrets, token: str | None) -> str | None:
    return None if token is None else secrets.decrypt(token)


def _bounded(value: float) -> int:
    return min(max(int(value), 0), _MAX_NUMBER)


def _spec(row: aiosqlite.Row, secrets: Secrets) -> StreamSpec:
    audio = None
    if row["audio_codec"] is not None:
        audio = AudioSpec(row["audio_codec"], row["audio_bitrate_kbps"], row["audio_sample_rate_khz"])
    return StreamSpec(
        name=row["name"],
        codec=row["codec"],
        width=row["width"],
        height=row["height"],
        fps=row["fps"],
        bitrate_kbps=row["bitrate_kbps"],
        upstream_url=decrypted(secrets, row["uri"]),
        gov_length=row["gov_length"],
        codec_profile=row["codec_profile"],
        quality=row["quality"],
        audio=audio,
    )
