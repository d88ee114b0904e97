"""Backups by SSH: the file comes and goes on the streams of the command, nothing of the box's files is named."""

from __future__ import annotations

import asyncio
from pathlib import Path

from proxyd.api import models as m
from proxyd.errors import DaemonUnreachable
from tests.e2e.ssh_box import SshBox
from tests.e2e.stack import running_stack
from tests.e2e.test_undo import scanned, without_moment

PASSPHRASE = b"correct horse battery\n"


async def test_a_backup_comes_and_goes_by_ssh(tmp_path: Path) -> None:
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            before = await scanned(stack, client)
        box = SshBox(tmp_path, stack.socket)
        try:
            made = await asyncio.to_thread(box.run, "anna", "backup create -o - --passphrase-stdin", stdin=PASSPHRASE)
            assert made.code == 0 and made.out.startswith(b"onviftui-backup 1\n"), made.err
            async with stack.client() as client:
                await client.call("camera.remove", {"ids": [1, 2]})
            refused = await asyncio.to_thread(box.run, "olga", "backup list")
            assert refused.code == 4 and "admin" in refused.err
            junk = await asyncio.to_thread(box.run, "anna", "backup bring -", stdin=b"not a backup")
            assert junk.code != 0 and junk.err
            brought = await asyncio.to_thread(box.run, "anna", "backup bring -", stdin=made.out)
            assert brought.code == 0 and b"Brought the backup brought " in brought.out, brought.err
            words = "backup restore brought --passphrase-stdin --yes"
            done = await asyncio.to_thread(box.run, "anna", words, stdin=PASSPHRASE)
            assert done.code == 0 and b"proxyd starts anew" in done.out, done.err
            file = await asyncio.to_thread(box.run, "anna", "backup restore --file /etc/passwd --yes", stdin=PASSPHRASE)
            assert file.code == 4 and "by SSH" in file.err
            async with asyncio.timeout(60):
                while True:
                    try:
                        async with stack.client() as client:
                            after: list[m.Camera] = await client.call("camera.list")
                            if len(after) == 2:
                                break
                    except DaemonUnreachable:
                        pass
            assert without_moment(after) == without_moment(before)
            async with stack.client() as client:
                log: list[m.LogEntry] = await client.call("log.tail", {"limit": 50})
            restored = next(entry for entry in log if entry.message.startswith("Restored the backup"))
            assert restored.actor.startswith("anna via ")
        finally:
            box.stop()
