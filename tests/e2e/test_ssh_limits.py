"""Everything by SSH has a limit, and reaching one costs nobody else his login."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from proxyd.api.ssh_passwords import SALT_BYTES, hash_password

from .ssh_box import ROOT, SshBox, client_environment
from .stack import Stack
from .test_ssh import opened

PASSWORD = "correct horse battery"
BY_PASSWORD = ("-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password", "-o", "BatchMode=no")
LIMITS = {
    "login_grace_s": 4.0,
    "without_session_s": 4.0,
    "idle_s": 3.0,
    "sessions": 4,
    "sessions_per_user": 2,
    "sessions_per_connection": 2,
    "waiting_per_address": 5,
    "users_s": 0.2,
    "unreadable_s": 2.0,
}


@pytest.fixture(scope="module")
def box(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshBox]:
    box = SshBox(tmp_path_factory.mktemp("box"), stack.socket, "--passwords", **LIMITS)
    secret = hash_password(PASSWORD, bytes(SALT_BYTES)).text()
    (box.users / "passwords").write_text(f"olga:operator:{secret}\n")
    yield box
    assert box.stop() == 0, box.said()
    assert "Traceback" not in box.said() and PASSWORD not in box.said()


# before the login


def silent(box: SshBox) -> socket.socket:
    return socket.create_connection(("127.0.0.1", box.port), timeout=30)


def test_sixty_connections_that_never_log_in_keep_nobody_out(box: SshBox) -> None:
    with ExitStack() as opened_ones:
        for _ in range(60):
            opened_ones.enter_context(silent(box))
        began = time.monotonic()
        assert box.run("vic", "status").code == 0
        assert time.monotonic() - began < 10
        descriptors = len(list(Path(f"/proc/{box.process.pid}/fd").iterdir()))
        assert descriptors < 40


def test_who_says_nothing_is_cut_off(box: SshBox) -> None:
    with silent(box) as sock:
        began = time.monotonic()
        while sock.recv(4096):
            pass
        assert 2 < time.monotonic() - began < 20


def test_garbage_before_the_login_harms_nobody(box: SshBox) -> None:
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n" + b"\xff" * 4096, b"\0" * 70_000):
        with silent(box) as sock, contextlib.suppress(ConnectionError):
            sock.sendall(garbage)
            while sock.recv(65536):
                pass
    assert box.run("vic", "status").code == 0


def test_only_strong_algorithms_are_offered(box: SshBox) -> None:
    """What ssh-audit calls weak is not among them."""
    done = subprocess.run(
        box.command("vic", "status", options=("-vv", "-o", "LogLevel=DEBUG2")),
        capture_output=True,
        timeout=60,
        env=client_environment(),
    )
    proposal = done.stderr.decode().partition("peer server KEXINIT proposal")[2]
    offered = dict(re.findall(r"debug2: (KEX algorithms|host key algorithms|ciphers stoc|MACs stoc): (\S+)", proposal))
    assert set(offered["KEX algorithms"].split(",")) <= {
        "mlkem768x25519-sha256",
        "sntrup761x25519-sha512",
        "sntrup761x25519-sha512@openssh.com",
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ext-info-s",
        "kex-strict-s-v00@openssh.com",
    }
    assert "kex-strict-s-v00@openssh.com" in offered["KEX algorithms"]
    assert offered["host key algorithms"] == "ssh-ed25519"
    assert not re.search(r"cbc|arcfour|3des|blowfish", offered["ciphers stoc"])
    assert all("sha2" in name and "etm" in name for name in offered["MACs stoc"].split(","))


# passwords


async def typed(box: SshBox, login: str, *passwords: str) -> tuple[int, bytes]:
    with box.terminal("mallory", "--version", login=login, options=BY_PASSWORD) as screen:
        at = 0
        for password in passwords:
            await screen.sees(b"assword:", at)
            at = len(screen.output)
            screen.press(password.encode() + b"\n")
        return await screen.ended(), screen.output


async def test_a_password_opens_where_it_is_switched_on(box: SshBox) -> None:
    code, output = await typed(box, "olga", PASSWORD)
    assert code == 0 and b"onviftui " in output


async def test_three_wrong_passwords_end_the_connection_and_later_tries_wait(box: SshBox) -> None:
    for login in ("olga", "nobody", "vic"):
        code, output = await typed(box, login, "wrong", "wrong", "wrong")
        assert code == 255 and b"onviftui " not in output
        if login == "olga":
            began = time.monotonic()
            assert box.run("vic", "status").code == 0  # from the same address, with a right key: at once
            assert time.monotonic() - began < 3
    assert box.said().count("wrong password from 127.0.0.1") >= 4


def test_passwords_are_off_by_default(stack: Stack, tmp_path: Path) -> None:
    box = SshBox(tmp_path, stack.socket)
    try:
        done = box.run("mallory", "status", options=("-o", "PreferredAuthentications=password,keyboard-interactive"))
        assert done.code == 255 and "Permission denied (publickey)" in done.err
    finally:
        box.stop()


def test_too_many_keys_are_not_tried(box: SshBox) -> None:
    keys = []
    for number in range(14):
        key = box.folder / f"spare{number}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        keys += ["-i", str(key)]
    done = box.run("mallory", "status", options=tuple(keys))
    assert done.code == 255
    assert "oo many" in done.err or "disconnect" in done.err.lower()


# after it


async def test_an_idle_ui_is_closed_and_says_so(box: SshBox) -> None:
    with box.terminal("vic") as screen:
        await opened(screen)
        assert await screen.ended() == 1
        assert screen.lines[0].startswith("Closed because no key was pressed")


def test_a_connection_without_a_session_is_closed(box: SshBox) -> None:
    done = box.run("vic", options=("-N",))
    assert done.code == 255


@asynccontextmanager
async def busy(conn: asyncssh.SSHClientConnection) -> AsyncIterator[asyncssh.SSHClientProcess[str]]:
    """A session that stays."""
    async with conn.create_process("log tail -f") as process:
        await process.stdout.readline()
        yield process
        process.close()


async def test_sessions_have_limits_that_are_said(box: SshBox) -> None:
    async with box.connection("vic") as first, box.connection("vic") as second, busy(first), busy(first):
        done = await second.run("status")
        assert done.exit_status == 1 and "2 open sessions" in str(done.stderr)
        with pytest.raises(asyncssh.ChannelOpenError):
            await first.run("status")
        async with box.connection("anna") as third, busy(third), busy(third), box.connection("olga") as fourth:
            done = await fourth.run("status")
            assert done.exit_status == 1 and "4 sessions are open" in str(done.stderr)
    box.wait_until(lambda: not box.children, "sessions are gone")
    assert box.run("vic", "status").code == 0


async def test_signals_and_break_reach_the_command(box: SshBox) -> None:
    async with box.connection("anna") as conn:
        for send, status in (("INT", 1), ("TERM", 70), ("HUP", 70)):
            async with conn.create_process("log tail -f") as process:
                await process.stdout.readline()
                process.send_signal(send)
                done = await process.wait()
                assert done.exit_status == status, done.stderr
        async with conn.create_process("log tail -f", term_type="xterm") as process:
            await process.stdout.readline()
            process.send_break(100)
            assert (await process.wait()).exit_status == 1


async def test_a_flood_of_variables_costs_nothing(box: SshBox) -> None:
    async with box.connection("anna") as conn:
        before = _resident(box.process.pid)
        flood = {f"LC_{number}": "x" * 2000 for number in range(5000)}
        done = await conn.run("status --json", env=flood)
        assert done.exit_status == 0
        assert _resident(box.process.pid) - before < 4 * 1024 * 1024  # it was 10 MB


async def test_a_screen_of_any_size_is_bounded(box: SshBox) -> None:
    async with box.connection("vic") as conn:
        for size in ((0, 0), (2**31, 2**31), (1, 1), (100_000, 3)):
            process = await conn.create_process(term_type="x" * 300, term_size=size, encoding=None)
            await process.stdout.read(2000)
            process.stdin.write(b"\x03\x03q")
            process.change_terminal_size(*size)
            process.close()
            await process.wait_closed()
            await asyncio.to_thread(box.wait_until, lambda: not box.children, "the session is gone")


# starting


def started(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onviftui", "ssh", *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=os.environ | environ,
    )


def test_the_host_key_is_made_once_and_private(box: SshBox) -> None:
    key = box.folder / "state" / "onviftui-ssh" / "ssh_host_ed25519_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    assert box.stop() == 0
    box.start()
    assert key.read_bytes() == before
    assert box.run("vic", "status").code == 0  # the client knows it


def test_what_keeps_it_from_starting_is_said(box: SshBox, tmp_path: Path) -> None:
    users = ("--users", str(tmp_path), "--socket", str(tmp_path / "s"))
    done = started("--listen", f"127.0.0.1:{box.port}", *users, XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 1 and "is taken by another program" in done.stderr
    key = tmp_path / "key"
    key.write_text("no key")
    key.chmod(0o644)
    done = started("--listen", "127.0.0.1:0", "--host-key", str(key), *users, XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 1 and f"chmod 600 {key}" in done.stderr
    key.chmod(0o600)
    done = started("--listen", "127.0.0.1:0", "--host-key", str(key), *users, XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 1 and "not a private key" in done.stderr
    for where in ("nowhere", "127.0.0.1:99999", "no.such.host.invalid:2222"):
        done = started("--listen", where, *users, XDG_STATE_HOME=str(tmp_path))
        assert done.returncode == 2 and "Traceback" not in done.stderr


def test_with_nobody_allowed_it_says_how_to_add_the_first(stack: Stack, tmp_path: Path) -> None:
    box = SshBox(tmp_path, stack.socket)
    box.allow({})
    box.stop()
    box.start()
    try:
        box.wait_until_said("onviftui user add NAME --role admin")
        assert box.run("anna", "status").code == 255
        box.allow({"anna": "admin"})
        assert box.run("anna", "status").code == 0
    finally:
        box.stop()


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# the users' files


async def test_files_that_cannot_be_read_let_nobody_in_and_throw_nobody_out_at_once(box: SshBox) -> None:
    keys = box.users / "authorized_keys"
    text = keys.read_text()
    try:
        with box.terminal("vic") as screen:
            await opened(screen)
            keys.unlink()
            keys.mkdir()
            box.wait_until_said("Cannot read")
            assert box.run("anna", "status").code == 255
            garbage = box.folder / "garbage"
            garbage.write_text("\x00\xff not a key\n" * 3)
            keys.rmdir()
            garbage.rename(keys)
            box.wait_until_said("authorized_keys")
            assert box.run("anna", "status").code == 255
            assert await screen.ended() == 1
            assert any("cannot be read any more" in line for line in screen.lines), screen.lines
    finally:
        if keys.is_dir():
            keys.rmdir()
        keys.write_text(text)
    assert box.run("anna", "status").code == 0


# commands


@pytest.mark.parametrize("letter", ["x", "é", "😀", "\x01"], ids=["ascii", "two bytes", "four bytes", "escaped"])
def test_the_longest_command_arrives_and_a_longer_one_is_answered_in_words(box: SshBox, letter: str) -> None:
    longest = 16 * 1024
    words = "camera show "
    done = box.run("anna", words + letter * (longest - len(words)))
    assert done.err.startswith("There is no camera"), done.err[:300]
    done = box.run("anna", words + letter * longest)
    assert (done.code, done.err) == (2, "The command is longer than 16384 characters, which is the limit.\n")
