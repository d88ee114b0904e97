"""ctrl-c twice ends the UI, on a real terminal, whatever of it hangs."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fake_daemon import FakeDaemon
from .pty_terminal import RUN, terminal

HANGS = {
    "a widget": ("2x", "from onviftui.widgets.livetable import LiveTable as A; A.on_key = hang"),
    "a screen": ("2x", "from onviftui.screens.main import MainScreen as A; A.on_key = hang"),
    "what opens": ("?", "from onviftui.screens.help import Help as A; A.on_mount = hang"),
    "the application": ("?", "from onviftui.app import OnviftuiApp as A; A.action_help = hang"),
}
PROGRAM = f"""
import asyncio
from onviftui import key_order, leaving
key_order.STUCK_S = leaving.LEAVE_S = 0.3
async def hang(self, *_):
    open("/proc/self/fd/1", "w").write("HANGS")
    await asyncio.Event().wait()
%s
{RUN}"""


@pytest.mark.parametrize("what", HANGS)
async def test_ctrl_c_twice_ends_what_hangs(what: str, tmp_path: Path) -> None:
    keys, hangs = HANGS[what]
    async with FakeDaemon(tmp_path / "s", 2):
        with terminal(tmp_path / "s", program=PROGRAM % hangs) as ui:
            await ui.sees(b"camera")
            ui.press(keys.encode())
            await ui.sees(b"HANGS")
            ui.press(b"\x03\x03")
            assert await ui.ended() == 1
            await ui.sees(b"\x1b[?1049l")
            await ui.sees(b"onviftui: The UI did not answer any more, so it was ended. Cameras go on running.")
