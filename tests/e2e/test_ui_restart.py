"""The UI in front of the real daemon, which is killed and started again under one screen after another."""

from __future__ import annotations

import signal

from onviftui.store import Link
from proxyd.api import models as m
from tests.onviftui.ui_driver import WIDE, running_ui

from .stack import running_stack, wait_for_states

# What to press from anywhere, once all dialogs are closed.
PLACES = (
    ("1",),
    ("2",),
    ("2", "enter"),
    ("2", "e"),
    ("3", "e"),
    ("4",),
    ("6", "enter"),
    ("7", "tab"),
    ("7", "tab", "v"),
    ("8",),
    ("question_mark",),
    ("colon",),
)


async def test_a_daemon_that_is_killed_under_each_screen_comes_back_there() -> None:
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            nvr = await stack.add_nvr(client)
            await stack.scan(client, nvr)
            await wait_for_states(client, m.CameraState.RUNNING)
        async with running_ui(stack.socket, WIDE) as ui:
            for place in PLACES:
                await ui.press(*place)
                stack.kill_daemon(signal.SIGKILL)
                await ui.until(lambda: ui.app.store.link is Link.AWAY, f"the loss at {place}")
                await ui.press("down", "up")
                stack.start_daemon()
                await ui.until(lambda: ui.app.store.link is Link.LIVE, f"the connection at {place}")
                for _ in range(5):
                    await ui.press("escape")
                assert len(ui.app.screen_stack) == 1, ui.text
            await ui.press("2")
            states = [m.CameraState.RUNNING] * 2
            await ui.until(lambda: [c.state for c in ui.app.store.cameras.values()] == states, "both cameras")
            assert not ui.app.crashes
            assert not ui.app.crash_log.exists(), ui.app.crash_log.read_text()
