"""Pictures by the real `ssh`: in the UI after a question, as files on one's own machine."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from onviftui.pictures.capability import QUESTIONS
from proxyd.api.models import CameraState
from tests.onviftui.pictures.terminal_images import read_sixels

from .ssh_box import SshBox, require_ssh
from .stack import running_stack, wait_for_states

XTERM = b"\x1bP>|XTerm(379)\x1b\\\x1b[6;20;10t\x1b[?64;1;2;4;6;9;15;22c"


async def test_pictures_in_a_session_and_as_files(tmp_path: Path) -> None:
    require_ssh()
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            await stack.scan(client, await stack.add_nvr(client))
            await wait_for_states(client, CameraState.RUNNING)
        box = SshBox(tmp_path, stack.socket)
        try:
            with box.terminal("anna") as screen:
                await screen.sees(b"Overview")
                screen.press(b"2")
                await screen.sees(b"ADDRESS")
                screen.press(b"o")
                await screen.sees(QUESTIONS.encode())
                screen.press(XTERM)
                await screen.sees(b"Here this picture takes sixel, ")
                assert b"\x1bP0;1;0q" not in screen.output
                screen.press(b"\r")
                await screen.sees(b"\x1b\\\x1b8")
                drawn = screen.output[screen.output.index(b"\x1bP0;1;0q") : screen.output.index(b"\x1b\\\x1b8") + 2]
                assert read_sixels(drawn.decode()).width > 400
                screen.press(b"s")
                await screen.sees(b"Nothing is written on the box.")
                screen.press(b"q")
                assert await screen.ended() == 0
            one = box.run("anna", "camera", "snapshot", "1")
            sheet = box.run("anna", "camera", "sheet")
            assert (one.code, sheet.code) == (0, 0), one.err + sheet.err
            with Image.open(io.BytesIO(one.out)) as picture:
                assert picture.size == (1280, 720)
            with Image.open(io.BytesIO(sheet.out)) as picture:
                assert picture.format == "JPEG"
            refused = box.run("anna", "camera", "sheet", "-o", "/tmp/sheet.jpg")
            assert refused.code != 0
            assert "Files of the box cannot be read or written by SSH." in refused.err
        finally:
            box.stop()
