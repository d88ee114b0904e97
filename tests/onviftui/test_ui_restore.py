"""A backup is restored with the keyboard against the real daemon; each open UI comes back by itself."""

from __future__ import annotations

from onviftui.screens import system
from onviftui.store import Link
from proxyd.api.models import CameraState
from tests.e2e.stack import running_stack, wait_for_states

from .ui_driver import NARROW, WIDE, running_ui


async def test_every_open_ui_comes_back_after_a_restore() -> None:
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            await stack.scan(client, await stack.add_nvr(client))
            await wait_for_states(client, CameraState.RUNNING)
        async with running_ui(stack.socket, NARROW) as other, running_ui(stack.socket, WIDE) as ui:
            before = {camera.id: camera.name for camera in ui.app.store.cameras.values()}
            started = ui.app.store.status.started if ui.app.store.status else ""
            await ui.press("8")
            ui.table.move_to(next(n for n, entry in enumerate(system.ENTRIES) if entry.label == "Backups"))
            await ui.press("enter")
            await ui.sees("No backup yet.")
            await ui.press("c")
            await ui.write("correct horse")
            await ui.press("enter")
            await ui.write("correct horse")
            await ui.press("enter")
            await ui.hears("Made the backup")
            async with stack.client() as client:
                await client.call("camera.update", {"id": 1, "name": "Changed since"})
                await client.call("camera.remove", {"ids": [2]})
            await other.until(lambda: len(other.app.store.cameras) == 1, "the removal in the other UI")
            await ui.press("R")
            await ui.write("correct horse")
            await ui.press("enter")
            await ui.sees("Type restore to go on.")
            await ui.write("restore")
            await ui.press("enter")
            for one in (ui, other):
                store = one.app.store
                await one.until(lambda s=store: s.link is Link.LIVE and len(s.cameras) == 2, "the cameras again")  # type: ignore[misc]  # bound now
                assert {camera.id: camera.name for camera in store.cameras.values()} == before
            await ui.sees("before-restore")
            assert ui.app.store.status is not None and ui.app.store.status.started >= started
