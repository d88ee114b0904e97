"""The command as a process: exit codes, streams, terminals and signals."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from onviftui.arguments import EXIT_CODES
from onviftui.backup_files import Patient
from proxyd.api.models import LogEntry
from tests.onviftui.cli_daemon import PICTURE, FakeDaemon

COMMAND = (sys.executable, "-W", "error", "-m", "onviftui.cli")
TIMEOUT_S = 60.0


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    async with FakeDaemon(tmp_path / "s") as daemon:
        yield daemon


async def onviftui(*words: str, stdin: bytes = b"", **environment: str) -> tuple[int, bytes, str]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    async with asyncio.timeout(TIMEOUT_S):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    assert "Traceback" not in err.decode()
    return process.returncode, out, err.decode()


async def test_exit_code_0_and_the_socket_from_the_environment(daemon: FakeDaemon, tmp_path: Path) -> None:
    code, out, err = await onviftui("status", "--json", ONVIFTUI_SOCKET=str(tmp_path / "s"))
    assert (code, json.loads(out)["cameras"], err) == (0, 3, "")


@pytest.mark.parametrize("position", ["before", "between", "after"])
async def test_common_options_anywhere(daemon: FakeDaemon, tmp_path: Path, position: str) -> None:
    common = ["--socket", str(tmp_path / "s"), "--json"]
    words = {
        "before": [*common, "nvr", "list"],
        "between": ["nvr", *common, "list"],
        "after": ["nvr", "list", *common],
    }
    code, out, _ = await onviftui(*words[position])
    assert code == 0 and json.loads(out)[0]["name"] == "Attic"


async def test_exit_code_1_for_a_failure(daemon: FakeDaemon, tmp_path: Path) -> None:
    code, out, err = await onviftui("--socket", str(tmp_path / "s"), "--json", "camera", "show", "99")
    assert (code, out) == (1, b"")
    assert json.loads(err)["error"]["code"] == -32004 and json.loads(err)["error"]["hint"]


@pytest.mark.parametrize(
    "words",
    [
        ["nvr"],
        ["nvr", "paint"],
        ["nvr", "add"],
        ["camera", "stop"],
        ["job", "cancel", "x"],
        ["demo", "--channels", "65"],
        ["demo", "--dialect", "klingon"],
        ["demo", "--json"],
        ["--sock", "/x", "status"],
        [],
    ],
)
async def test_exit_code_2_for_usage(daemon: FakeDaemon, tmp_path: Path, words: list[str]) -> None:
    code, out, err = await onviftui(*words, ONVIFTUI_SOCKET=str(tmp_path / "s"))
    assert (code, out) == (2, b"")
    assert err.count("\n") == 1 and len(err) > 20


@pytest.mark.parametrize("words", [["--password", "hunter2"], ["--password=hunter2"]])
async def test_a_password_as_argument_is_refused_and_not_repeated(words: list[str]) -> None:
    add = ["nvr", "add", "--host", "192.0.2.1", "--user", "u"]
    for extra in ([], ["--json"]):
        code, out, err = await onviftui(*add, *words, *extra)
        assert (code, out) == (2, b"") and "hunter2" not in err and "--password-stdin" in err


async def test_a_password_that_is_no_text_is_refused_and_not_repeated(daemon: FakeDaemon, tmp_path: Path) -> None:
    words = ["--socket", str(tmp_path / "s"), "nvr", "add", "--host", "192.0.2.1", "--user", "u", "--password-stdin"]
    for environment in ({}, {"LC_ALL": "C"}):
        code, out, err = await onviftui(*words, stdin=b"hunter\xff\n", **environment)
        assert (code, out) == (2, b"") and "hunter" not in err and "UTF-8" in err
    assert daemon.calls == []


async def test_usage_errors_as_json() -> None:
    code, out, err = await onviftui("--json", "nvr", "paint")
    assert (code, out) == (2, b"") and json.loads(err)["error"]["code"] == -32602


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("camera edit 1 --notify 10.9.0.0/24,10.9.0.0/99", "--notify 10.9.0.0/99: must be a network such as"),
        ("camera edit 1 --clock-window 5", "--clock-window: must be at least 10."),
        ("nvr discover --timeout 90 --probe a//b", "--probe a//b: must be an IP address"),
        ("log tail --limit 0", "--limit: must be at least 1."),
        ("nvr edit 1 --password-stdin", "the password: may have at most"),
    ],
)
async def test_errors_name_what_was_typed(daemon: FakeDaemon, tmp_path: Path, words: str, said: str) -> None:
    common, password = ("--socket", str(tmp_path / "s")), b"x" * 200 + b"\n"
    code, _, err = await onviftui(*common, *words.split(), stdin=password)
    assert code == 2 and said in err, err
    code, _, err = await onviftui(*common, "--json", *words.split(), stdin=password)
    assert code == 2 and not any(name.startswith("-") for name in json.loads(err)["error"]["fields"])


async def test_exit_code_3_when_nobody_answers(tmp_path: Path) -> None:
    code, out, err = await onviftui("--socket", str(tmp_path / "nobody"), "status")
    assert (code, out) == (3, b"") and "proxyd" in err


AS_NOBODY = """
import os, sys
import onviftui.commands, proxyd.api.client  # before the change: Python itself may be out of reach afterwards
from onviftui.cli import main
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
sys.exit(main(sys.argv[1:]))
"""


async def test_exit_code_4_when_the_socket_may_not_be_used(daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "s").chmod(0)
    words = [sys.executable, "-W", "error", "-c", AS_NOBODY, "--socket", str(tmp_path / "s"), "status"]
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(TIMEOUT_S):
        _, err = await process.communicate()
    assert process.returncode == 4 and b"may not talk to proxyd" in err


def test_exit_codes_are_the_contract() -> None:
    assert sorted(EXIT_CODES) == [0, 1, 2, 3, 4]


async def test_snapshot_to_a_pipe_is_the_picture(daemon: FakeDaemon, tmp_path: Path) -> None:
    code, out, err = await onviftui("--socket", str(tmp_path / "s"), "camera", "snapshot", "Front gate")
    assert (code, out, err) == (0, PICTURE, "")


async def test_a_reader_that_leaves_is_no_error(daemon: FakeDaemon, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = [*COMMAND, "--socket", str(tmp_path / "s"), "camera", "list"]
    process = await asyncio.create_subprocess_exec(*words, stdout=writing, stderr=asyncio.subprocess.PIPE)
    os.close(writing)
    _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


async def test_a_full_disk_is_an_error_in_words(daemon: FakeDaemon, tmp_path: Path) -> None:
    words = [*COMMAND, "--socket", str(tmp_path / "s"), "camera", "list"]
    with Path("/dev/full").open("wb") as full:
        process = await asyncio.create_subprocess_exec(*words, stdout=full, stderr=asyncio.subprocess.PIPE)
        _, err = await process.communicate()
    assert process.returncode == 1 and b"No space left" in err and b"Traceback" not in err


async def test_names_survive_a_terminal_without_utf8(daemon: FakeDaemon, tmp_path: Path) -> None:
    daemon.nvrs[0] = daemon.nvrs[0].model_copy(update={"name": "玄関 \x1b[31m"})
    environments: list[dict[str, Any]] = [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
    for environment in environments:
        code, out, err = await onviftui("--socket", str(tmp_path / "s"), "nvr", "list", **environment)
        assert (code, err) == (0, "") and b"192.0.2.10:80" in out and b"\x1b" not in out


async def test_ctrl_c_cancels_the_scan_and_says_what_is_kept(daemon: FakeDaemon, tmp_path: Path) -> None:
    daemon.scan_waits = True
    words = [*COMMAND, "--socket", str(tmp_path / "s"), "nvr", "scan", "Attic"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe)
    assert process.stderr is not None
    async with asyncio.timeout(TIMEOUT_S):
        assert await process.stderr.readline() == b"scan 0/? asking the NVR\n"
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"") and b"found so far is kept" in err
    assert daemon.called("job.cancel") == [{"id": 7}]


async def test_ctrl_c_once_ends_the_question_for_a_passphrase(daemon: FakeDaemon, tmp_path: Path) -> None:
    words = [*COMMAND, "--socket", str(tmp_path / "s"), "backup", "create"]
    controller, terminal = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *words, stdin=terminal, stdout=terminal, stderr=asyncio.subprocess.PIPE, start_new_session=True
    )  # without a terminal of its own the question is asked on stderr
    os.close(terminal)
    assert process.stderr is not None
    async with asyncio.timeout(TIMEOUT_S):
        await process.stderr.readuntil(b"Passphrase of the backup: ")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 1
    os.close(controller)


async def test_a_silent_pipe_is_left_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Patient(os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)) as file:
        reading = asyncio.create_task(asyncio.to_thread(file.read, 10), name="a backup")
        writer = os.open(tmp_path / "pipe", os.O_WRONLY | os.O_NONBLOCK)
        os.write(writer, b"some")
        await asyncio.sleep(0)
    async with asyncio.timeout(TIMEOUT_S):
        assert await reading in (b"", b"some")
    os.close(writer)


async def test_log_follow_goes_on_until_ctrl_c(daemon: FakeDaemon, tmp_path: Path) -> None:
    words = [*COMMAND, "--socket", str(tmp_path / "s"), "log", "tail", "--follow", "--json"]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(TIMEOUT_S):
        entry = json.loads(await process.stdout.readline())
        new = LogEntry.model_validate(entry | {"id": 5})
        daemon.hub.changed("log", new)
        assert json.loads(await process.stdout.readline()) == entry | {"id": 5}
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 1


async def test_on_a_terminal(daemon: FakeDaemon, tmp_path: Path) -> None:
    """A bar that redraws, a table that fits, a password without echo, a question before a removal."""

    async def on_terminal(typed: str, *words: str) -> str:
        controller, terminal = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            "--socket",
            str(tmp_path / "s"),
            *words,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env=os.environ | {"COLUMNS": "60"},
        )
        os.close(terminal)
        loop, shown, done = asyncio.get_running_loop(), bytearray(), asyncio.Event()

        def read() -> None:
            try:
                shown.extend(os.read(controller, 4096))
            except OSError:  # the last process that had it open has ended
                loop.remove_reader(controller)
                done.set()
                return
            if typed and (b": " in shown or b"[y/N] " in shown):
                os.write(controller, typed.encode())
                loop.remove_reader(controller)
                loop.add_reader(controller, read_rest)

        def read_rest() -> None:
            try:
                shown.extend(os.read(controller, 4096))
            except OSError:
                loop.remove_reader(controller)
                done.set()

        loop.add_reader(controller, read)
        async with asyncio.timeout(TIMEOUT_S):
            await process.wait()
            await done.wait()
        os.close(controller)
        return shown.decode()

    scan = await on_terminal("", "nvr", "scan", "1")
    assert "\rscan ██████████░░░░░░░░░░ 1/2" in scan and "2 new (1, 2)" in scan
    table = await on_terminal("", "camera", "list")
    assert all(len(line) <= 60 for line in table.splitlines()) and "Front gate" in table
    added = await on_terminal("s3cret\n", "nvr", "add", "--host", "192.0.2.4", "--user", "admin")
    assert "Password of admin on 192.0.2.4: " in added and "s3cret" not in added
    assert daemon.called("nvr.add")[0]["password"] == "s3cret"
    assert "Nothing was removed" in await on_terminal("n\n", "camera", "remove", "1")
    assert not daemon.called("camera.remove")
    assert "Removed 1 camera" in await on_terminal("y\n", "camera", "remove", "1")
    assert "garble" in await on_terminal("", "camera", "snapshot", "1")


async def test_help_needs_no_heavy_module() -> None:
    code = "import sys; sys.argv = ['onviftui', '--help']; from onviftui.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += (
        "heavy = {'textual', 'aiohttp', 'pydantic', 'asyncio'} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0


async def test_a_closed_standard_output_is_said_before_anything_is_done(daemon: FakeDaemon, tmp_path: Path) -> None:
    command = f'exec "$@" nvr list --socket {tmp_path / "s"} >&-'
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", command, "sh", *COMMAND, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(TIMEOUT_S):
        _, err = await process.communicate()
    assert process.returncode == 1
    assert err == b"Standard output is closed; nothing was done. Send it to /dev/null instead.\n"
