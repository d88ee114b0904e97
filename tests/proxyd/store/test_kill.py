"""kill -9 at any moment loses nothing that was acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from proxyd.store.secrets import Secrets
from proxyd.store.store import Store

_WRITER = """
import asyncio, sys
from pathlib import Path
from proxyd.store.camera_changes import CameraChange
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store
from tests.proxyd.store.builders import add_nvr, channels, interfaces, scan

async def main(folder):
    store = await Store.open(folder / "proxyd.db", Secrets.load(folder / "proxyd.key"))
    done = lambda *words: print(*words, flush=True)
    await store.register_interfaces(interfaces(64))
    start = len(await store.nvrs())
    for n in range(start, 250):
        nvr = await add_nvr(store, f"192.0.2.{n}")
        done("nvr", nvr.id)
        await scan(store, nvr.id, channels([1, 2]))
        cameras = [c for c in await store.cameras() if c.nvr_id == nvr.id]
        for camera in cameras:
            done("camera", camera.id, camera.uuid)
        await store.change_camera(CameraChange(cameras[0].id, name=f"name {nvr.id}"))
        done("renamed", cameras[0].id, f"name {nvr.id}")
        await store.remove_camera([cameras[1].id])
        done("removed", cameras[1].id)
        await store.log("info", "daemon", f"line {n}")
        done("logged", f"line {n}")

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_acknowledged_writes_survive_kill_9(tmp_path: Path) -> None:
    dice = random.Random(11)
    acknowledged: list[list[str]] = []
    for kills in range(1, 5):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            acknowledged += [writer.stdout.readline().split(" ", 2) for _ in range(dice.randint(5, 40))]
            writer.send_signal(signal.SIGKILL)
            acknowledged += [line.split(" ", 2) for line in writer.stdout if line.endswith("\n")]
        await check(tmp_path, [[word.strip() for word in words] for words in acknowledged], kills)


async def check(folder: Path, acknowledged: list[list[str]], kills: int) -> None:
    store = await Store.open(folder / "proxyd.db", Secrets.load(folder / "proxyd.key", create=False))
    try:
        nvr_ids = {nvr.id for nvr in await store.nvrs()}
        cameras = {camera.id: camera for camera in await store.cameras()}
        messages = {row.message for row in await store.log_tail(1000)}
        used = [camera.interface.id for camera in cameras.values() if camera.interface]
        assert len(used) == len(set(used))
        removed = {int(words[1]) for words in acknowledged if words[0] == "removed"}
        assert not removed & cameras.keys()
        uuids = {int(words[1]): words[2] for words in acknowledged if words[0] == "camera"}
        # The last camera before a kill may have been removed without the time to say so.
        assert len(uuids.keys() - removed - cameras.keys()) <= kills
        for id_ in uuids.keys() & cameras.keys():
            assert cameras[id_].uuid == uuids[id_]
        for kind, first, *rest in acknowledged:
            if kind == "nvr":
                assert int(first) in nvr_ids
            elif kind == "renamed":
                assert cameras[int(first)].name == rest[0]
            elif kind == "logged":
                assert f"{first} {rest[0]}" in messages
    finally:
        await store.close()
