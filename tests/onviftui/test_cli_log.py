"""`onviftui log`: what is asked of the daemon, what is printed, and the daemon's own lines as they come."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from onviftui.arguments import build_parser
from onviftui.commands import COMMANDS
from onviftui.output import Output
from proxyd.api.client import RpcClient
from proxyd.errors import InvalidInput, NotFound
from tests.onviftui.cli_daemon import FakeDaemon

TIMEOUT_S = 60.0


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    async with FakeDaemon(tmp_path / "s") as daemon:
        yield daemon


@pytest.fixture
def onviftui(daemon: FakeDaemon, tmp_path: Path) -> Any:
    async def run(*words: str) -> str:
        args = build_parser().parse_args(words)
        out = Output(json_mode=args.json, out=io.StringIO(), err=io.StringIO())
        async with RpcClient(tmp_path / "s") as client:
            assert await COMMANDS[args.noun, args.verb](args, client, out) == 0
        assert isinstance(out.out, io.StringIO)
        return out.out.getvalue()

    return run


def say(daemon: FakeDaemon, level: int, logger: str, message: str, *values: object) -> None:
    daemon.ring.handle(logging.LogRecord(logger, level, __file__, 1, message, values, None))


async def test_filters_go_to_the_daemon(daemon: FakeDaemon, onviftui: Any) -> None:
    await onviftui("log", "tail", "--level", "warning", "--camera", "Front gate", "--by", "anna", "--text", "pass")
    wanted = {"level": "warning", "subject": "camera 1", "actor": "anna", "text": "pass", "limit": 50, "before": 0}
    assert daemon.called("log.tail") == [wanted]
    await onviftui("log", "tail", "--nvr", "Attic", "--before", "90")
    assert daemon.called("log.tail")[-1]["subject"] == "nvr 1"
    with pytest.raises(NotFound, match="no camera 'Cellar'"):
        await onviftui("log", "tail", "--camera", "Cellar")
    with pytest.raises(InvalidInput, match="invalid choice: 'loud'"):
        await onviftui("log", "daemon", "--level", "loud")


async def test_the_daemons_lines_have_time_level_part_and_their_traceback(daemon: FakeDaemon, onviftui: Any) -> None:
    say(daemon, logging.INFO, "proxyd.camera.fleet", "camera %d: listens on %s", 1, "127.0.77.1")
    try:
        raise OSError("disk\x1b[2J full")
    except OSError:
        info = sys.exc_info()
        daemon.ring.handle(logging.LogRecord("proxyd.jobs", logging.ERROR, __file__, 1, "nvr 1: a bug", None, info))
    shown = await onviftui("log", "daemon")
    assert "  info     cameras: camera 1: listens on 127.0.77.1\n" in shown
    assert "  error    scans: nvr 1: a bug\n    Traceback" in shown
    assert "\x1b" not in shown
    assert "listens" not in await onviftui("log", "daemon", "--level", "error")
    assert "a bug" not in await onviftui("log", "daemon", "--camera", "1")
    document = json.loads(await onviftui("log", "daemon", "--json", "--text", "LISTENS"))
    assert [line["subject"] for line in document["lines"]] == ["camera 1"]
    assert document["newest"] == 2


async def test_following_the_daemons_lines_shows_each_once(daemon: FakeDaemon, tmp_path: Path) -> None:
    say(daemon, logging.INFO, "proxyd.daemon", "first")
    words = ["--socket", str(tmp_path / "s"), "log", "daemon", "--follow", "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onviftui", *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(TIMEOUT_S):
        assert json.loads(await process.stdout.readline())["message"] == "first"
        say(daemon, logging.WARNING, "proxyd.daemon", "second")
        assert json.loads(await process.stdout.readline())["message"] == "second"
        say(daemon, logging.WARNING, "proxyd.daemon", "third")
        assert json.loads(await process.stdout.readline())["message"] == "third"
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 1
