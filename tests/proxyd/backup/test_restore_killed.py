"""kill -9 at each step of a restore: what is there afterwards is the old state or the new one, whole; and the new one,
once somebody was told that it is restored."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from proxyd.backup.service import Backups
from proxyd.store import restoring
from proxyd.store.camera_changes import CameraChange
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store
from tests.proxyd.store.builders import add_nvr, channels, interfaces, scan

PASSPHRASE = "right words"
_MOST_STEPS = 400

# Each event that the interpreter tells of and that changes files is a step; the process ends itself before the n-th.
_RESTORER = """
import asyncio, os, signal, sys
from pathlib import Path
from proxyd.backup.service import Backups
from proxyd.store import restoring
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store

folder, left = Path(sys.argv[1]), int(sys.argv[2])
counting = False

def step(event, arguments):
    global left
    if not counting or event not in ("os.rename", "os.remove", "os.link", "open", "sqlite3.connect", "os.truncate"):
        return
    synced = event == "open" and str(arguments[0]) == str(folder)  # between a rename and the next word
    writes = event != "open" or (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR))
    if not (writes or synced):
        return
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(step)

async def main():
    global counting
    secrets = Secrets.load(folder / "proxyd.key", create=False)
    store = await Store.open(folder / "proxyd.db", secrets)
    counting = True
    await Backups(store, secrets, folder, lambda: None).restore("old", "right words", "anna")
    print("Restored", flush=True)
    await store.close()
    restoring.put_in_place(folder, folder / "proxyd.db")

asyncio.run(main())
"""


async def _opened(folder: Path) -> tuple[Store, Secrets]:
    """As the daemon opens it at its start."""
    restoring.put_in_place(folder, folder / "proxyd.db")
    restoring.forget_staged(folder)
    secrets = Secrets.load(folder / "proxyd.key", create=not (folder / "proxyd.db").exists())
    return await Store.open(folder / "proxyd.db", secrets), secrets


async def test_a_crash_leaves_the_old_or_the_new_state_whole(tmp_path: Path) -> None:
    store, secrets = await _opened(tmp_path)
    await store.register_interfaces(interfaces(3))
    nvr = await add_nvr(store)
    await scan(store, nvr.id, channels([1, 2, 3]))
    await store.assign_interfaces()
    backups = Backups(store, secrets, tmp_path, lambda: None)
    await backups.create(PASSPHRASE)
    old = await store.cameras()
    made = backups.folder.known()[0].name
    (backups.folder.path / f"{made}.backup").rename(backups.folder.path / "old.backup")
    await store.close()

    seen = set()
    for step in range(1, _MOST_STEPS):
        store, _ = await _opened(tmp_path)
        if [row.name for row in await store.cameras()] != ["renamed", "Camera 2"]:
            await store.change_camera(CameraChange(1, name="renamed"))
            await store.remove_camera([3])
        new = await store.cameras()
        await store.close()
        command = [sys.executable, "-c", _RESTORER, str(tmp_path), str(step)]
        ended = subprocess.run(command, timeout=120, stdout=subprocess.PIPE, check=False)
        code, told = ended.returncode, b"Restored" in ended.stdout
        store, _ = await _opened(tmp_path)
        try:
            after = await store.cameras()
            assert after in (old, new), step
            seen.add(("restored" if after == old else "as it was", "told" if told else "not told"))
            await store.set_setting("writable", str(step))
        finally:
            await store.close()
        for file in backups.folder.path.glob("*-before-restore*"):  # else "old" goes as the oldest of too many
            file.unlink()
        Backups(store, secrets, tmp_path, lambda: None)  # as each start does
        assert not [*tmp_path.glob("restore*"), *tmp_path.glob("*.tmp*"), *tmp_path.glob(".*.tmp")], step
        assert not list(tmp_path.glob("proxyd.db.before*")), step
        if code == 0:
            assert after == old
            break
        assert code == -signal.SIGKILL
    else:
        raise AssertionError("never came to its end")
    assert seen == {("as it was", "not told"), ("restored", "not told"), ("restored", "told")}
    assert step > 10, "the steps were not seen"


async def test_what_may_only_grow_does_not_shrink(tmp_path: Path) -> None:
    store, secrets = await _opened(tmp_path)
    await store.set_setting("discovery.instance_id", "1000")
    backups = Backups(store, secrets, tmp_path, lambda: None)
    made = await backups.create(PASSPHRASE)
    await store.set_setting("discovery.instance_id", "5000")
    nvr = await add_nvr(store)
    await store.remove_nvr(nvr.id)
    await backups.restore(made.name, PASSPHRASE, "anna")
    await store.close()
    store, _ = await _opened(tmp_path)
    try:
        assert await store.setting("discovery.instance_id") == "5000"
        assert (await add_nvr(store)).id > nvr.id
    finally:
        await store.close()
