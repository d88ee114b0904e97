"""Writes the result of a scan: adds, updates, marks missing; never deletes, renumbers or renames (contract 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import aiosqlite

from proxyd.api.models import ScanDiff
from proxyd.camera.features import with_kept
from proxyd.errors import Conflict
from proxyd.nvr.result import ScannedChannel

from . import cameras, interfaces, nvrs, streams
from .documents import features_text, parse_features
from .matching import KnownChannel, Match, camera_name, match_channels, merge_streams
from .rows import ChannelState, Ports
from .scan_words import change_words
from .secrets import Secrets

_MAX_NAME = 256


class OnlyTried(Exception):
    """No error: it takes back the transaction of a dry run."""

    def __init__(self, diff: ScanDiff) -> None:
        super().__init__("only tried")
        self.diff = diff


def require(diff: ScanDiff, expected: ScanDiff | None) -> None:
    """Warnings apart. Raises Conflict."""
    if expected is not None and diff.model_copy(update={"warnings": expected.warnings}) != expected:
        raise Conflict(
            "What the scan found would change other things than were shown: cameras were changed meanwhile.",
            "Nothing was changed. Scan again with a preview.",
        )


async def apply(
    db: aiosqlite.Connection,
    secrets: Secrets,
    nvr_id: int,
    scanned: Sequence[ScannedChannel],
    *,
    complete: bool,
    start: bool,
    restore: bool,
    ports: Ports,
) -> ScanDiff:
    """Runs inside the caller's transaction. The diff names what became different; cameras that the user
    removed are not in it, unless `restore` brings them back (with a new identity)."""
    await nvrs.get(db, secrets, nvr_id)
    known = await _known_channels(db, secrets, nvr_id)
    known_streams = await streams.known(db, secrets, nvr_id)
    diff = ScanDiff()
    matches = match_channels(known, scanned, complete=complete)
    for match in sorted(matches, key=lambda match: match.scanned.number):
        channel = await _store_channel(db, secrets, nvr_id, match)
        before = known_streams.get(channel.id, ())
        other_features = await _store_features(db, channel.id, match.scanned)
        after = merge_streams(before, match.scanned, complete=complete)
        for stream in after:
            if stream not in before:
                await streams.put(db, secrets, channel.id, stream)
        if channel.ignored and not restore:
            continue
        if match.known is None or channel.ignored:
            await _add_camera(db, channel, match.scanned, ports, start)
            diff.new.append(channel.number)
            diff.words[channel.number] = camera_name(match.scanned)
        elif channel != match.known or list(before) != after or other_features:
            diff.changed.append(channel.number)
            diff.words[channel.number] = change_words(
                match.known, channel, before, after, other_features=other_features
            )
        if channel.state == "offline" and (match.known is None or match.known.state != "offline"):
            diff.offline.append(channel.number)
    if complete:
        seen = {match.known.id for match in matches if match.known is not None}
        gone = [channel for channel in known if channel.id not in seen]
        diff.missing.extend(await _mark_missing(db, gone))
        diff.words.update({channel.number: channel.name for channel in gone if channel.number in diff.missing})
    # In the order of camera ids: cameras that have waited longer come first, new ones follow their numbers.
    await interfaces.assign(db)
    twice = len(scanned) - len(matches)
    if twice:
        diff.warnings.append(f"The NVR named {twice} channel(s) twice; the first of each was taken.")
    without = await _count_without_interface(db, nvr_id)
    if without:
        diff.warnings.append(f"{without} camera(s) wait for an interface: add interfaces to run them.")
    return diff


async def _store_channel(db: aiosqlite.Connection, secrets: Secrets, nvr_id: int, match: Match) -> KnownChannel:
    """The channel as it is after the scan. Its number is the one it was first seen with."""
    scanned, old = match.scanned, match.known
    state: ChannelState = "online" if scanned.online else "offline"
    name = scanned.name[:_MAX_NAME]
    if old is None:
        rows = await db.execute_fetchall(
            "INSERT INTO channels (nvr_id, key, number, name, state, snapshot_uri) VALUES (?, ?, ?, ?, ?, ?) "
            "RETURNING id",
            (
                nvr_id,
                scanned.key,
                scanned.number,
                name,
                state,
                streams.encrypted(secrets, scanned.snapshot_uri),
            ),
        )
        channel_id = int(next(iter(rows))[0])
        return KnownChannel(channel_id, scanned.key, scanned.number, name, state, False, scanned.snapshot_uri)
    # An offline channel often has neither name nor picture address: what was known is worth more.
    name = (name or old.name) if scanned.online else old.name
    snapshot_uri = scanned.snapshot_uri if scanned.online else old.snapshot_uri
    new = KnownChannel(old.id, scanned.key, old.number, name, state, old.ignored, snapshot_uri)
    if new != old:
        await db.execute_fetchall(
            "UPDATE channels SET key = ?, name = ?, state = ? WHERE id = ?", (new.key, new.name, new.state, new.id)
        )
    if new.snapshot_uri != old.snapshot_uri:
        await db.execute_fetchall(
            "UPDATE channels SET snapshot_uri = ? WHERE id = ?",
            (streams.encrypted(secrets, new.snapshot_uri), new.id),
        )
    return new


async def _store_features(db: aiosqlite.Connection, channel_id: int, scanned: ScannedChannel) -> bool:
    """Whether something became different. What an offline channel can do is not known, only what the NVR calls it:
    without that its events could be taken for another's."""
    rows = await db.execute_fetchall("SELECT features FROM channels WHERE id = ?", (channel_id,))
    known = parse_features(next(iter(rows))["features"])
    features = scanned.features
    if not scanned.online:
        features = replace(known, tokens=known.tokens if known.tokens.profiles else features.tokens)
    text = features_text(with_kept(features, known))
    rows = await db.execute_fetchall(
        "UPDATE channels SET features = ?1 WHERE id = ?2 AND features <> ?1 RETURNING id", (text, channel_id)
    )
    return bool(list(rows))


async def _add_camera(
    db: aiosqlite.Connection, channel: KnownChannel, scanned: ScannedChannel, ports: Ports, start: bool
) -> None:
    await db.execute_fetchall("UPDATE channels SET ignored = 0 WHERE id = ?", (channel.id,))
    await cameras.add(db, channel.id, name=camera_name(scanned), ports=ports, enabled=start)


async def _mark_missing(db: aiosqlite.Connection, gone: Sequence[KnownChannel]) -> list[int]:
    for channel in gone:
        await db.execute_fetchall("UPDATE channels SET state = 'missing' WHERE id = ?", (channel.id,))
    return sorted(c.number for c in gone if c.state != "missing" and not c.ignored)


async def _count_without_interface(db: aiosqlite.Connection, nvr_id: int) -> int:
    rows = await db.execute_fetchall(
        "SELECT count(*) FROM cameras k JOIN channels c ON c.id = k.channel_id "
        "WHERE c.nvr_id = ? AND k.interface_id IS NULL",
        (nvr_id,),
    )
    return int(next(iter(rows))[0])


async def _known_channels(db: aiosqlite.Connection, secrets: Secrets, nvr_id: int) -> list[KnownChannel]:
    rows = await db.execute_fetchall(
        "SELECT id, key, number, name, state, ignored, snapshot_uri FROM channels WHERE nvr_id = ? ORDER BY id",
        (nvr_id,),
    )
    return [
        KnownChannel(
            row["id"],
            row["key"],
            row["number"],
            row["name"],
            row["state"],
            bool(row["ignored"]),
            streams.decrypted(secrets, row["snapshot_uri"]),
        )
        for row in rows
    ]
