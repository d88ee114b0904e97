"""The last five minutes, the QR code and the presets on the command line."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TextIO, cast

import pytest
import segno

from onviftui.arguments import build_parser
from onviftui.commands import COMMANDS
from onviftui.output import Output
from onviftui.widgets.qr import QUIET
from proxyd.api.client import RpcClient
from proxyd.errors import Conflict
from tests.onviftui.cli_daemon import FakeDaemon, camera
from tests.onviftui.test_qr import read_halves


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    async with FakeDaemon(tmp_path / "s") as daemon:
        yield daemon


async def ran(daemon: FakeDaemon, *words: str, out: TextIO | None = None) -> str:
    args = build_parser().parse_args(words)
    output = Output(json_mode=args.json, out=out or io.StringIO(), err=io.StringIO())
    async with RpcClient(daemon.socket) as client:
        assert await COMMANDS[args.noun, getattr(args, "verb", None)](args, client, output) == 0
    return cast(io.StringIO, output.out).getvalue() if out is None else ""


class AsciiTerminal(io.TextIOWrapper):
    """A console that shows no blocks."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding="ascii")

    def isatty(self) -> bool:
        return True


async def test_history_is_drawn_and_said_minute_by_minute(daemon: FakeDaemon) -> None:
    said = await ran(daemon, "camera", "history", "Front gate")
    first, head, *minutes = said.splitlines()
    assert first == f"main  {' ' * 48}▁▂▃▃▄▅▅▆▇▇██  now 6.0, most 6.0 Mbit/s"
    assert head.split() == ["STREAM", "MINUTE", "MBIT/S", "FROM", "NVR", "FPS", "LOST", "CLIENTS"]
    assert [line.split() for line in minutes] == [
        *(["main", str(ago), "ago", "0", "0", "0.0", "0", "0"] for ago in (5, 4, 3, 2)),
        ["main", "the", "last", "3.2", "3.2", "25.0", "3", "2"],
    ]


async def test_history_of_all_cameras(daemon: FakeDaemon) -> None:
    said = await ran(daemon, "history")
    assert said.splitlines()[-1].split() == ["the", "last", "3.2", "3.2", "3", "2"]
    assert json.loads(await ran(daemon, "history", "--json"))["bps"][-1] == 6_000_000
    assert json.loads(await ran(daemon, "camera", "history", "1", "--json"))["step_s"] == 5
    daemon.cameras.clear()
    assert await ran(daemon, "history") == "Nothing passed in the last five minutes.\n"


async def test_qr_prints_the_code_of_the_onvif_address(daemon: FakeDaemon) -> None:
    url = "http://127.0.77.1:8080/onvif/device_service"
    expected = [list(row) for row in segno.make(url, error="l", micro=False).matrix_iter(border=QUIET)]
    *drawn, last = (await ran(daemon, "camera", "qr", "Front gate")).splitlines()
    assert read_halves(drawn, len(expected)) == expected
    assert last == f"Front gate: {url}"
    document = json.loads(await ran(daemon, "camera", "qr", "1", "--json"))
    assert document["text"] == url
    assert [[int(module) for module in row] for row in document["modules"]] == expected


async def test_qr_in_a_terminal_without_blocks_is_made_of_reversed_blanks(daemon: FakeDaemon) -> None:
    terminal = AsciiTerminal()
    await ran(daemon, "camera", "qr", "1", out=terminal)
    terminal.flush()
    text = terminal.bytes.getvalue().decode("ascii")
    assert "#" not in text
    top = text.splitlines()[QUIET]
    assert top.startswith(f"\x1b[7m{' ' * 2 * QUIET}\x1b[0m{' ' * 14}\x1b[7m")  # a finder pattern begins


async def test_qr_of_a_camera_without_an_address_says_why_there_is_none(daemon: FakeDaemon) -> None:
    daemon.cameras = [camera(1, "Front gate", address=None, onvif_url=None)]
    with pytest.raises(Conflict, match="has no address yet"):
        await ran(daemon, "camera", "qr", "1")


async def test_presets_are_listed_and_cannot_drive_the_terminal(daemon: FakeDaemon) -> None:
    assert await ran(daemon, "camera", "presets", "1") == "Door\nGate�[2J\n"
    assert "no preset with a name" in await ran(daemon, "camera", "presets", "2")
    assert json.loads(await ran(daemon, "camera", "presets", "2", "--json")) == []
