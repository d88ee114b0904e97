"""`proxyd simulate` as a process: its JSON line, its words, its exit codes."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from proxyd.simulator.cli import add_arguments, run

KEYS = {
    "host",
    "port",
    "rtsp_port",
    "discovery_port",
    "username",
    "password",
    "dialect",
    "channels",
    "onvif_url",
    "control_url",
}


@asynccontextmanager
async def simulate(*options: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxyd.simulator", *options, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def first_line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(120):
        return (await process.stdout.readline()).decode()


async def ended(process: Process) -> tuple[int, str]:
    async with asyncio.timeout(120):
        _, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, err.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_json_line_and_clean_end(number: signal.Signals, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret-of-the-nvr\n")
    options = ["--json", "--channels", "3", "--dialect", "reolink", "--user", "root", "--discovery-port", "0"]
    async with simulate(*options, "--password-file", str(secret), "--fault", "gaps=2") as process:
        ready = json.loads(await first_line(process))
        assert ready.keys() == KEYS
        assert (ready["username"], ready["password"]) == ("root", "s3cret-of-the-nvr")
        assert (ready["dialect"], ready["channels"], ready["host"]) == ("reolink", 3, "127.0.0.1")
        assert ready["rtsp_port"] and ready["discovery_port"]
        async with aiohttp.ClientSession() as session, session.get(ready["control_url"]) as reply:
            assert (await reply.json())["faults"]["gaps"] == [2]
        process.send_signal(number)
        code, err = await ended(process)
        assert code == 0
        assert "Traceback" not in err
        assert "s3cret" not in err


async def test_words_for_people() -> None:
    async with simulate("--channels", "1") as process:
        assert "hikvision NVR with 1 channel" in await first_line(process)
        process.terminate()
        assert (await ended(process))[0] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--channels", "65"], "65 is outside 1 to 64"),
        (["--channels", "many"], "not a number"),
        (["--dialect", "acme"], "acme"),
        (["--fault", "earthquake"], "known: "),
        (["--fault", "slow=fast"], "cannot understand"),
        (["--port", "70000"], "outside 0 to 65535"),
        (["--password-file", "/nonexistent/file"], "cannot read the password file"),
    ],
)
def test_usage_errors(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    try:
        code: object = run(parser.parse_args(options))
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert words in capsys.readouterr().err


async def test_a_taken_port_ends_with_the_next_step() -> None:
    async with simulate("--json", "--channels", "1") as process:
        port = json.loads(await first_line(process))["port"]
        async with simulate("--port", str(port)) as second:
            code, err = await ended(second)
            assert code == 1
            assert "Choose another" in err
