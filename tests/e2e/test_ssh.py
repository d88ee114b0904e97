"""The UI and the command line by the real `ssh`: frames, commands, exit codes, roles, and how sessions end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .ssh_box import SshBox, SshTerminal
from .stack import Stack

ADD = ("nvr", "add", "--user", "u", "--password-stdin", "--json", "--host")
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?1006l", b"\x1b[?2004l", b"\x1b[<u")


@pytest.fixture(scope="module")
def box(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshBox]:
    box = SshBox(tmp_path_factory.mktemp("box"), stack.socket)
    yield box
    assert box.stop() == 0, box.said()
    assert "Traceback" not in box.said()


@pytest.fixture(autouse=True)
def nothing_left(box: SshBox) -> Iterator[None]:
    """Each test's sessions are gone within a second of its end, and their processes with them."""
    yield
    box.wait_until(lambda: not box.children, f"sessions are left: {box.children}", timeout_s=10)


async def opened(terminal: SshTerminal) -> SshTerminal:
    """The UI's first frame is there."""
    await terminal.sees(b"Overview")
    await terminal.sees(b"help")
    return terminal


# the UI


async def test_the_ui_opens_follows_keys_and_leaves_a_clean_terminal(box: SshBox) -> None:
    with box.terminal("anna") as screen:
        await opened(screen)
        screen.press(b"7")
        await screen.sees(b"proxyd")
        screen.press(b"q")
        assert await screen.ended() == 0
        for sequence in RESTORED[:2]:
            assert sequence in screen.output
        assert screen.lines == []
        assert b"\x1b]2;" not in screen.output  # an end in order needs no help


async def test_resizing_draws_the_screen_in_its_new_size(box: SshBox) -> None:
    with box.terminal("anna") as screen:
        await opened(screen)
        screen.resize(120, 40)
        await screen.sees(b"\x1b[40;")  # the cursor goes to a row that was not there before
        screen.press(b"q")
        assert await screen.ended() == 0


async def test_a_storm_of_sizes_costs_a_few_frames(box: SshBox) -> None:
    with box.terminal("anna") as screen:
        await opened(screen)
        start = len(screen.output)
        for step in range(60):
            screen.resize(80 + step % 40, 24 + step % 16)
            await asyncio.sleep(0.01)
        screen.resize(131, 41)
        await screen.sees(b"\x1b[41;", start)
        frames = screen.output[start:].count(b"\x1b[?2026h") or len(screen.output[start:]) // 20_000
        assert frames < 40
        screen.press(b"q")
        assert await screen.ended() == 0


async def test_term_decides_colours_when_colorterm_does_not_come(box: SshBox) -> None:
    for term, wanted, unwanted in (
        ("xterm-ghostty", rb"\x1b\[[0-9;]*38;2;", b"never"),
        ("xterm-256color", rb"\x1b\[[0-9;]*[34]8;5;", b"38;2;"),
        ("linux", rb"\x1b\[[0-9;]*m", b"38;"),
    ):
        with box.terminal("anna", TERM=term) as screen:
            await opened(screen)
            screen.press(b"q")
            assert await screen.ended() == 0
            assert re.search(wanted, screen.output), term
            assert unwanted not in screen.output, term


async def test_without_a_terminal_there_is_no_ui_and_no_shell(box: SshBox) -> None:
    done = box.run("anna")
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith("The UI needs a terminal") and "Traceback" not in done.err


# commands


def test_commands_give_output_and_exit_codes(box: SshBox) -> None:
    done = box.run("anna", "status", "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["role"] == "admin"
    done = box.run("anna", "camera", "show", "99", "--json")
    assert (done.code, done.out) == (1, b"")
    assert json.loads(done.err)["error"]["code"] == -32004
    assert box.run("anna", "onviftui", "camera", "list", "--json").out == b"[]\n"
    assert box.run("anna", "--version").out.startswith(b"onviftui ")
    assert box.run("anna", "camera", "--help").code == 0


def test_standard_input_reaches_the_command_and_its_secret_no_log(box: SshBox) -> None:
    done = box.run("anna", *ADD, "127.9.9.9", "--name", "'Two words'", stdin=b"Hunter2-Secret\n")
    assert done.code == 0, done.err
    nvr = json.loads(done.out)
    assert nvr["name"] == "Two words"
    assert "Hunter2-Secret" not in box.said()
    assert box.run("anna", "nvr", "remove", str(nvr["id"]), "--yes").code == 0


def test_who_did_it_stands_in_the_log(box: SshBox) -> None:
    nvr = json.loads(box.run("anna", *ADD, "127.9.9.8", stdin=b"x\n").out)
    assert box.run("anna", "nvr", "remove", str(nvr["id"]), "--yes").code == 0
    entries = json.loads(box.run("anna", "log", "tail", "--json").out)
    assert entries[-1]["actor"].startswith("anna via ")


async def test_on_a_terminal_a_command_can_ask(box: SshBox) -> None:
    nvr = json.loads(box.run("anna", *ADD, "127.9.9.7", stdin=b"x\n").out)
    with box.terminal("anna", "nvr", "remove", str(nvr["id"]), options=("-t",)) as screen:
        await screen.sees(b"[y/N]")
        screen.press(b"n\n")
        assert await screen.ended() == 1
        assert b"Nothing was removed" in screen.output
    with box.terminal("anna", "nvr", "remove", str(nvr["id"]), options=("-t",)) as screen:
        await screen.sees(b"[y/N]")
        screen.press(b"\x03")
        assert await screen.ended() == 1
    with box.terminal("anna", "nvr", "remove", str(nvr["id"]), options=("-t",)) as screen:
        await screen.sees(b"[y/N]")
        screen.press(b"y\n")
        assert await screen.ended() == 0


@pytest.mark.parametrize(
    "command",
    [
        "sh",
        "bash -c 'id'",
        "camera list; id",
        "$(id)",
        "../../bin/sh",
        "demo",
        "ssh --listen :9999",
        "--socket /tmp/x camera list",
        "camera list --socket=/tmp/x",
        "camera snapshot 1 -o /tmp/stolen",
        "source import /etc/passwd",
        "camera certificate 1 --cert /etc/passwd",
        "camera list '",
        "x" * 5000,
    ],
)
def test_nothing_but_our_own_words(box: SshBox, command: str) -> None:
    done = box.run("anna", command)
    assert done.code in (2, 4), done
    assert done.out == b"" and "uid=" not in done.err and "root:" not in done.err and "Traceback" not in done.err


def test_no_command_can_write_lines_into_the_log(box: SshBox) -> None:
    assert box.run("vic", "'camera\x1b[2J\nroot logged in'").code == 2
    assert "\x1b" not in box.said() and "\nroot logged in" not in box.said()


def test_too_long_a_command_is_refused(box: SshBox) -> None:
    assert box.run("anna", "camera list " + "x" * 20_000).code != 0


def test_a_long_answer_comes_whole(box: SshBox) -> None:
    done = box.run("anna", "camera", "--help")
    again = box.run("anna", "camera", "--help", options=("-C",))
    assert done.out == again.out and len(done.out) > 500


# roles


def test_roles_come_from_the_key_and_the_daemon_enforces_them(box: SshBox) -> None:
    for name, role in (("anna", "admin"), ("olga", "operator"), ("vic", "viewer")):
        assert json.loads(box.run(name, "status", "--json").out)["role"] == role
        assert json.loads(box.run(name, "status", "--json", login="root").out)["role"] == role
    done = box.run("vic", "camera", "stop", "--all", "--json")
    assert done.code in (0, 4)  # without cameras nothing is asked of the daemon
    done = box.run("vic", *ADD, "127.9.9.6", stdin=b"x\n")
    assert (done.code, done.out) == (4, b"")
    assert json.loads(done.err)["error"]["code"] == -32003


def test_an_unknown_key_gets_nothing(box: SshBox) -> None:
    done = box.run("mallory", "status")
    assert (done.code, done.out) == (255, b"")
    assert "Permission denied" in done.err
    box.wait_until_said("nobody logged in from 127.0.0.1: 1 unknown keys")


def test_a_key_that_was_only_shown_grants_nothing(box: SshBox) -> None:
    """The client offers the admin's public key first, cannot prove it, and logs in as a viewer."""
    bait = box.folder / "bait"
    bait.mkdir(exist_ok=True)
    (bait / "anna.pub").write_text((box.folder / "anna.pub").read_text())
    options = ("-i", str(bait / "anna.pub"))
    said = len(box.said())
    done = box.run("vic", "status", "--json", options=options)
    assert done.code == 0, done.err
    assert json.loads(done.out)["role"] == "viewer"
    assert "anna" not in box.said()[said:]


def test_who_is_taken_out_cannot_log_in_again(box: SshBox) -> None:
    box.allow({"anna": "admin"})
    try:
        assert box.run("vic", "status").code == 255
        box.allow({"anna": "admin", "vic": "operator"})
        assert json.loads(box.run("vic", "status", "--json").out)["role"] == "operator"
    finally:
        box.allow({"anna": "admin", "olga": "operator", "vic": "viewer"})


async def test_who_is_taken_out_loses_his_session(box: SshBox) -> None:
    try:
        with box.terminal("vic") as screen:
            await opened(screen)
            box.allow({"anna": "admin", "olga": "operator"})
            assert await screen.ended() == 1
            assert any("may do here" in line for line in screen.lines), screen.lines
    finally:
        box.allow({"anna": "admin", "olga": "operator", "vic": "viewer"})


# what SSH can do and we do not


def test_no_files_by_sftp_or_scp(box: SshBox, tmp_path: Path) -> None:
    target = tmp_path / "stolen"
    common = box.command("anna")[1:-1]
    for option in ((), ("-O",)):
        words = [
            "scp",
            *option,
            *("-P" if word == "-p" else word for word in common),
            "cameras@127.0.0.1:/etc/passwd",
            target,
        ]
        done = subprocess.run(words, capture_output=True, timeout=60)
        assert done.returncode != 0 and not target.exists()
    assert box.run("anna", "sftp", options=("-s",)).code != 0


async def test_no_forwarding(box: SshBox) -> None:
    """Of ports in both directions, of the agent, and of X11; a command beside it works."""
    for options in (("-A",), ("-X", "-o", "ExitOnForwardFailure=no")):
        assert box.run("anna", "--version", options=options).code == 0
    refused = box.run("anna", "--version", options=("-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22"))
    assert refused.code == 255
    secret = await asyncio.start_server(lambda reader, writer: writer.write(b"secret"), "127.0.0.1", 0)
    port = secret.sockets[0].getsockname()[1]
    local = port + 1 if port < 65000 else port - 1
    client = await asyncio.create_subprocess_exec(
        *box.command("anna", options=("-N", "-L", f"{local}:127.0.0.1:{port}"))
    )
    try:
        reader = None
        async with asyncio.timeout(30):
            while reader is None:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", local)
                except OSError:
                    await asyncio.sleep(0.05)
            assert await reader.read() == b""
            writer.close()
    finally:
        client.kill()
        await client.wait()
        secret.close()
        await secret.wait_closed()


def test_a_flood_of_variables_is_not_kept(box: SshBox) -> None:
    flood = " ".join(f"LC_FLOOD{number}={'x' * 200}" for number in range(200))
    assert box.run("anna", "--version", options=("-o", f"SetEnv={flood}")).code == 0
    done = box.run(
        "anna", "status", "--json", options=("-o", "SetEnv=ONVIFTUI_SOCKET=/tmp/x PYTHONPATH=/tmp LD_PRELOAD=/tmp/x.so")
    )
    assert done.code == 0


# ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGSEGV])
async def test_a_child_that_is_killed_leaves_the_terminal_in_order(box: SshBox, number: signal.Signals) -> None:
    with box.terminal("anna") as screen:
        await opened(screen)
        (victim,) = box.children
        with box.terminal("vic") as other:
            await opened(other)
            os.kill(victim, number)
            assert await screen.ended() == 70
            other.press(b"q")  # one session's fault never touches another
            assert await other.ended() == 0
        for sequence in RESTORED:
            assert sequence in screen.output
        assert len(screen.lines) == 1 and number.name in screen.lines[0] and "report id" in screen.lines[0]
