"""`onviftui camera snapshot --show` and `camera sheet` as programs."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from onviftui.pictures.capability import QUESTIONS
from onviftui.pictures.jpeg_sheet import HEIGHT, WIDTH, Entry, sheet, size_for
from proxyd.api.models import Picture

from ..fake_daemon import FakeDaemon, camera
from ..pty_terminal import terminal
from .terminal_images import difference, jpeg, read_kitty, read_sixels, scene

ENVIRON = {"COLORTERM": "truecolor", "TMUX": "", "STY": "", "SSH_CONNECTION": ""}
IMAGE = scene(640, 360)
DEADLINE_S = 60


@pytest_asyncio.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    async with FakeDaemon(tmp_path / "s", 5) as daemon:
        good = Picture(
            content_type="image/jpeg",
            data=base64.b64encode(jpeg(IMAGE)).decode(),
            origin="from the NVR",
            width=640,
            height=360,
            size=30_000,
        )
        bad = good.model_copy(update={"fallback": True, "origin": "none: the NVR is slow"})
        daemon.answers["camera.snapshot"] = lambda given: bad if given["id"] == 4 else good
        daemon.answers["camera.list"] = lambda _: list(daemon.tables["camera"].values())
        daemon.answers["nvr.list"] = lambda _: list(daemon.tables["nvr"].values())
        yield daemon


async def onviftui(daemon: FakeDaemon, *words: str) -> tuple[int, bytes, str]:
    command = [sys.executable, "-m", "onviftui", "--socket", str(daemon.socket), *words]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out, err.decode()


async def test_a_sheet_of_all_cameras(daemon: FakeDaemon) -> None:
    code, out, err = await onviftui(daemon, "camera", "sheet")
    assert code == 0, err
    with Image.open(io.BytesIO(out)) as image:
        assert (image.format, image.size) == ("JPEG", size_for(5))
        first = image.crop((14, 14, 14 + WIDTH, 14 + HEIGHT))
        assert difference(first, IMAGE.resize((WIDTH, HEIGHT))) < 8
    assert "1 camera without a picture: 04 Ramp." in err
    assert all(given["max_width"] == WIDTH for given in daemon.called("camera.snapshot"))


async def test_a_sheet_of_one_nvr_into_a_file(daemon: FakeDaemon, tmp_path: Path) -> None:
    daemon.tables["camera"][5] = camera(5, nvr=2)
    target = tmp_path / "sheet.jpg"
    code, out, _ = await onviftui(daemon, "camera", "sheet", "--nvr", "Garage", "--out", str(target), "--json")
    told = json.loads(out)
    assert (code, told["cameras"], told["without"]) == (0, 4, ["04 Ramp"])
    assert target.stat().st_size == told["bytes"]
    with Image.open(target) as image:
        assert image.size == (told["width"], told["height"]) == size_for(4)


async def test_what_cannot_be_done_says_what_to_do(daemon: FakeDaemon, tmp_path: Path) -> None:
    code, _, err = await onviftui(daemon, "camera", "snapshot", "1", "--show")
    assert (code, "run it in a terminal" in err) == (2, True)
    code, _, err = await onviftui(daemon, "camera", "sheet", "--json")
    assert (code, "Use -o FILE." in err) == (2, True)
    code, _, err = await onviftui(daemon, "camera", "sheet", "-o", str(tmp_path / "no folder" / "x.jpg"))
    assert (code, "Cannot write" in err) == (1, True)
    daemon.tables["camera"].clear()
    code, _, err = await onviftui(daemon, "camera", "sheet")
    assert (code, "There is no camera" in err) == (2, True)


@pytest.mark.parametrize(
    ("answer", "drawn"),
    [
        (b"\x1bP>|XTerm(379)\x1b\\\x1b[6;20;10t\x1b[?64;4;22c", b"\x1bP0;1;0q"),
        (b"\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;20;10t\x1b_Gi=31;OK\x1b\\\x1b[?62;c", b"\x1b_Ga=T,c="),
        (b"\x1b[?1;2c", b"\x1b[38;2;"),
    ],
)
async def test_show_draws_by_what_the_terminal_can(daemon: FakeDaemon, answer: bytes, drawn: bytes) -> None:
    with terminal(daemon.socket, "camera", "snapshot", "1", "--show", columns=80, rows=24, **ENVIRON) as screen:
        await screen.sees(QUESTIONS.encode())
        screen.press(answer)
        assert await screen.ended() == 0
        await screen.sees(b"from the NVR, 640\xc3\x97360, 30000 bytes")
        after = screen.output.split(QUESTIONS.encode())[1]
        assert drawn in after
        start, end = after.index(b"\x1b"), after.rindex(b"\x1b\\") + 2 if b"\x1b\\" in after else 0
        if drawn.startswith(b"\x1bP"):
            image = read_sixels(after[start:end].decode())
            assert difference(image, IMAGE.resize(image.size)) < 6
        elif drawn.startswith(b"\x1b_"):
            image = read_kitty(after[start:end].decode())[1]
            assert difference(image, IMAGE.resize(image.size)) < 6


def test_any_entry_can_be_drawn() -> None:
    odd = [Entry("駐車場\x1b[31m" * 20, None, "x" * 500), Entry("", b"<html>"), Entry("ok", jpeg(scene(30, 900)))]
    with Image.open(io.BytesIO(sheet(odd))) as image:
        assert image.size == size_for(3)
