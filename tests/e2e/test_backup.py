"""Backups of the real daemon: made, carried to another machine, restored with every identity; and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from proxyd.api import models as m
from proxyd.api.backups import Backup, BackupContents, Restored
from proxyd.api.client import RpcClient
from proxyd.api.dial import bound
from proxyd.api.states import Role
from proxyd.backup.sealed import Content, Head, open_sealed, seal
from proxyd.errors import DaemonUnreachable, InvalidInput, NotAllowed, NotFound, StoreError
from tests.e2e.stack import Stack, credentials, running_stack, wait_for_states
from tests.e2e.test_undo import onviftui, scanned, without_moment
from tests.player.client import RtspClientError
from tests.player.play import Player, play

PASSPHRASE = "correct horse battery"


async def restored(stack: Stack, client: RpcClient, name: str, passphrase: str = PASSPHRASE) -> Restored:
    """Also waits until the old daemon is gone."""
    async with asyncio.timeout(60):
        done: Restored = await client.call("backup.restore", {"name": name, "passphrase": passphrase})
        while True:
            try:
                await client.call("status")
                await asyncio.sleep(0.02)
            except DaemonUnreachable:
                return done


def folder_of(stack: Stack) -> Path:
    return stack.workplace.folder / "data" / "backups"


async def test_a_restore_brings_everything_back_in_the_same_process() -> None:
    async with running_stack("--channels", "3") as stack:
        async with stack.client() as client:
            await scanned(stack, client)
            await client.call("camera.update", {"id": 1, "name": "Gate", "username": "own", "password": "own-password"})
            await client.call("camera.update", {"id": 2, "https": True, "audio": False})
            before: list[m.Camera] = await client.call("camera.list")
            secrets = [await credentials(client, camera) for camera in before]
            status: m.Status = await client.call("status")
            made: Backup = await client.call("backup.create", {"passphrase": PASSPHRASE})
            assert made.size > 1000 and not made.problem

            await client.call("camera.remove", {"ids": [3]})
            await client.call("camera.update", {"id": 1, "name": "Other", "password": "changed-password"})
            found: BackupContents = await client.call("backup.check", {"name": made.name, "passphrase": PASSPHRASE})
            assert (found.nvrs, found.warnings) == (["Garage"], [])
            assert found.cameras == [camera.name for camera in before]
            done = await restored(stack, client, made.name)
        async with stack.client() as client:
            assert (await client.call("status")).pid == status.pid
            after = await wait_for_states(client, m.CameraState.RUNNING)
            assert without_moment(after) == without_moment(before)
            assert [camera.onvif_url for camera in after] == [camera.onvif_url for camera in before]
            assert [await credentials(client, camera) for camera in after] == secrets
            log: list[m.LogEntry] = await client.call("log.tail", {"limit": 200})
            said = next(entry for entry in log if entry.message.startswith("Restored the backup"))
            assert said.actor and done.safety in said.message
            assert any("Removed" in entry.message for entry in log)  # the log is this machine's, not the backup's
            # the way back: what was before is a backup, too
            await restored(stack, client, done.safety)
        async with stack.client() as client:
            assert [camera.name for camera in await client.call("camera.list")] == ["Other", before[1].name]


async def test_another_machine_becomes_the_first_one_by_the_command_line(tmp_path: Path) -> None:
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            await scanned(stack, client)
            before: list[m.Camera] = await client.call("camera.list")
            secrets = [await credentials(client, camera) for camera in before]
        file = tmp_path / "garage.backup"
        words = ("backup", "create", "--passphrase-stdin", "-o", str(file))
        assert "Made the backup" in await onviftui(stack, *words, stdin=PASSPHRASE + "\n")
        assert file.stat().st_mode & 0o777 == 0o600
        name = json.loads(await onviftui(stack, "backup", "list", "--json"))[0]["name"]
        assert name in await onviftui(stack, "backup", "list")
        shown = await onviftui(stack, "backup", "check", name, "--passphrase-stdin", stdin=PASSPHRASE + "\n")
        assert "1 NVR, 2 cameras" in shown and before[0].name in shown
        again = tmp_path / "again"
        await onviftui(stack, "backup", "fetch", name, str(again))
        assert again.read_bytes() == file.read_bytes()
        stack.kill_daemon()

        old_data = stack.workplace.folder / "data"
        old_data.rename(stack.workplace.folder / "old machine")  # another key, another database
        stack.start_daemon()
        async with stack.client() as client:
            assert await client.call("camera.list") == []
        words = ("backup", "restore", "--file", str(file), "--passphrase-stdin")
        assert "Nobody is there" in await onviftui(stack, *words, stdin=PASSPHRASE + "\n", code=2)
        assert "wrong" in await onviftui(stack, *words, "--yes", stdin="another phrase\n", code=2)
        said = json.loads(await onviftui(stack, *words, "--yes", "--json", stdin=PASSPHRASE + "\n"))
        assert said["contents"]["cameras"] == [camera.name for camera in before]
        async with asyncio.timeout(60):
            while True:
                try:
                    async with stack.client() as client:
                        if await client.call("camera.list"):
                            break
                except DaemonUnreachable:
                    pass
        async with stack.client() as client:
            after = await wait_for_states(client, m.CameraState.RUNNING)
            assert without_moment(after) == without_moment(before)
            assert [await credentials(client, camera) for camera in after] == secrets
        # the key of this machine opens all of it: a start from nothing but its own files
        stack.kill_daemon()
        stack.start_daemon()
        async with stack.client() as client:
            assert [await credentials(client, camera) for camera in before] == secrets


async def test_what_cannot_be_restored_changes_nothing(tmp_path: Path) -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        before = await scanned(stack, client)
        made: Backup = await client.call("backup.create", {"passphrase": PASSPHRASE})
        good = (folder_of(stack) / f"{made.name}.backup").read_bytes()
        content = open_sealed(good, PASSPHRASE)

        def put(name: str, database: bytes, *, schema: int = made.schema_version, keys: tuple[str, ...] = ()) -> None:
            sealed = seal(
                Head(made.at, "9.9.9", schema, kdf=(2, 8, 1)),
                Content(database, keys or content.keys),
                PASSPHRASE,
                salt=os.urandom(16),
                nonce=os.urandom(12),
            )
            (folder_of(stack) / f"{name}.backup").write_bytes(sealed)

        torn = bytearray(content.database)
        torn[8192:12288] = os.urandom(4096)
        newer = tmp_path / "newer.db"
        newer.write_bytes(content.database)
        with sqlite3.connect(newer) as db:
            db.execute("PRAGMA user_version = 999")
        db.close()
        put("newer", content.database, schema=999)
        put("newer-inside", newer.read_bytes())
        put("torn", bytes(torn))
        put("no-pages", b"SQLite format 3\0" + bytes(8192))
        put("no-database", b"nothing of that kind" * 100)
        put("empty", b"")
        put("other-key", content.database, keys=("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",))
        put("no-key", content.database, keys=("short",))
        (folder_of(stack) / "odd.backup").write_bytes(b"odd")
        for name, words in {
            "newer": "made by a newer proxyd",
            "newer-inside": "newer proxyd",
            "torn": "damaged",
            "no-pages": "cannot be used: Its database is damaged. Take another backup",
            "no-database": "no database",
            "empty": "no database",
            "other-key": "key",
            "no-key": "key is damaged",
            "odd": "no backup of onviftui",
        }.items():
            for method in ("backup.check", "backup.restore"):
                with pytest.raises(InvalidInput, match=words):
                    await client.call(method, {"name": name, "passphrase": PASSPHRASE})
        with pytest.raises(InvalidInput, match="passphrase is wrong"):
            await client.call("backup.restore", {"name": made.name, "passphrase": "wrong words"})
        with pytest.raises(NotFound):
            await client.call("backup.restore", {"name": "nowhere", "passphrase": PASSPHRASE})
        with pytest.raises(InvalidInput):
            await client.call("backup.restore", {"name": "../../etc/passwd", "passphrase": PASSPHRASE})
        with pytest.raises(InvalidInput, match="at least 8"):
            await client.call("backup.create", {"passphrase": "short"})
        assert without_moment(await client.call("camera.list")) == without_moment(before)
        left = [entry.name for entry in (stack.workplace.folder / "data").iterdir()]
        assert not [name for name in left if name.startswith(("restore", "backup."))]
        log = await client.call("log.tail", {"limit": 200})
        assert PASSPHRASE not in "".join(entry.model_dump_json() for entry in log)


async def test_only_admins_have_to_do_with_backups() -> None:
    async with running_stack("--channels", "1") as stack, stack.client():
        sock = await bound(stack.socket, "otto", Role.OPERATOR)

        async def dial() -> socket.socket:
            return sock

        async with RpcClient(dial) as operator:
            calls: dict[str, dict[str, Any]] = {
                "backup.create": {"passphrase": PASSPHRASE},
                "backup.list": {},
                "backup.read": {"name": "x"},
                "backup.write": {"name": "x", "offset": 0, "data": ""},
                "backup.restore": {"name": "x", "passphrase": PASSPHRASE},
                "backup.remove": {"name": "x"},
            }
            for method, params in calls.items():
                with pytest.raises(NotAllowed):
                    await operator.call(method, params)
        assert not folder_of(stack).exists()


async def test_while_another_program_is_in_the_database_nothing_is_restored() -> None:
    async with running_stack("--channels", "1") as stack:
        async with stack.client() as client:
            await scanned(stack, client)
            made: Backup = await client.call("backup.create", {"passphrase": PASSPHRASE})
            await client.call("camera.update", {"id": 1, "name": "Since then"})
            stranger = sqlite3.connect(stack.database)  # another program that is in the middle of reading
            stranger.execute("BEGIN")
            stranger.execute("SELECT * FROM cameras").fetchone()
            with pytest.raises(StoreError, match="Another program is using the database"):
                await client.call("backup.restore", {"name": made.name, "passphrase": PASSPHRASE})
            assert (await client.call("camera.get", {"id": 1})).name == "Since then"
            await client.call("camera.update", {"id": 1, "name": "And on it goes"})
            stranger.close()
            await restored(stack, client, made.name)
        async with stack.client() as client:
            assert (await client.call("camera.get", {"id": 1})).name == "Channel 1"


async def test_what_was_said_to_be_restored_is_so_after_a_crash() -> None:
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            await scanned(stack, client)
            made: Backup = await client.call("backup.create", {"passphrase": PASSPHRASE})
            before: list[m.Camera] = await client.call("camera.list")
        for round_ in range(3):
            async with stack.client() as client:
                await client.call("camera.update", {"id": 1, "name": f"Since then {round_}"})
                await client.call("camera.remove", {"ids": [2]})
                await client.call("backup.restore", {"name": made.name, "passphrase": PASSPHRASE})
                with pytest.raises((StoreError, DaemonUnreachable)):  # it would be lost
                    await client.call("camera.update", {"id": 1, "name": "Too late"})
                stack.kill_daemon()  # before the old daemon has ended
            stack.start_daemon()
            async with stack.client() as client:
                assert without_moment(await client.call("camera.list")) == without_moment(before)
                log: list[m.LogEntry] = await client.call("log.tail", {"limit": 100})
                assert sum(entry.message.startswith("Restored the backup") for entry in log) == round_ + 1
                assert any(f"Since then {round_}" in entry.message for entry in log)


async def test_recorders_that_stream_get_their_pictures_again_after_a_restore() -> None:
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            cameras = await scanned(stack, client)
            plays = [(camera.streams[0].url, await credentials(client, camera)) for camera in cameras]
            made: Backup = await client.call("backup.create", {"passphrase": PASSPHRASE})
            await client.call("camera.update", {"id": 1, "password": "since-then"})
            plays[0] = (plays[0][0], (plays[0][1][0], "since-then"))
            players = [Player(url, *account) for url, account in plays]
            for player in players:
                await player.__aenter__()
                await player.play(0, frames=1)
            watching = [asyncio.create_task(player.play(60)) for player in players]
            await restored(stack, client, made.name)
            async with asyncio.timeout(30):  # they are told, and do not wait in vain
                ended = await asyncio.gather(*watching, return_exceptions=True)
            assert all(isinstance(one, RtspClientError | OSError) for one in ended), ended
        async with stack.client() as client:
            for camera in await wait_for_states(client, m.CameraState.RUNNING):
                account = await credentials(client, camera)
                assert account[1] != "since-then"
                assert camera.streams[0].url in {url for url, _ in plays}
                await play(camera.streams[0].url, account, 0.2)
        for player in players:
            with contextlib.suppress(RtspClientError, OSError):
                await player.__aexit__(None, None, None)
