"""The SSH server in real processes, with the real `ssh` as its client: on pipes, or on a terminal of its own."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 30.0
RUN = """
import json, sys
from onviftui.cli import main
from onviftui.ssh import command, settings
limits = json.loads(sys.argv[1])
command.Settings = lambda **given: settings.Settings(**(given | limits))
sys.exit(main(sys.argv[2:]))
"""
ROLES = {"anna": "admin", "olga": "operator", "vic": "viewer"}


@dataclass(frozen=True)
class Done:
    code: int
    out: bytes
    err: str


class SshBox:
    """`onviftui ssh` for a daemon's socket, with a key for each of ROLES, and `mallory` whom nobody knows."""

    def __init__(self, folder: Path, daemon: Path, *options: str, **limits: float) -> None:
        """`limits`: fields of Settings that no option sets, so that a test need not wait for minutes."""
        self.folder = folder
        self._limits = limits
        self._daemon = daemon
        self._options = options
        self.users = folder / "users"
        self.users.mkdir()
        for name in (*ROLES, "mallory"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
        self.allow(ROLES)
        self.port = _free_port()
        self.log = folder / "front.log"
        self._starts = 0
        self.start()

    def allow(self, roles: dict[str, str]) -> None:
        """Writes who may log in."""
        lines = [
            f'environment="ONVIFTUI_USER={name}",environment="ONVIFTUI_ROLE={role}" '
            + (self.folder / f"{name}.pub").read_text().strip()
            for name, role in roles.items()
        ]
        (self.users / "authorized_keys").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-W", "error", "-c", RUN, json.dumps(self._limits), "ssh"),
                    *("--socket", str(self._daemon), "--users", str(self.users)),
                    *("--listen", f"127.0.0.1:{self.port}", *self._options),
                ],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=os.environ | {"XDG_STATE_HOME": str(self.folder / "state")},
            )
        self._starts += 1
        self.wait_until_said("listens for SSH", self._starts)

    def stop(self) -> int:
        """Its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(WAIT_S)

    def said(self) -> str:
        return self.log.read_text()

    def wait_until_said(self, words: str, times: int = 1) -> None:
        self.wait_until(lambda: self.said().count(words) >= times, words)

    def wait_until(self, condition: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> float:
        """Foreign processes send no events: looked at often, with a deadline. How long it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < timeout_s, f"{what}\n{self.said()}"
            assert self.process.poll() is None or "front" in what, self.said()
            time.sleep(0.02)
        return time.monotonic() - began

    @property
    def zygote(self) -> int:
        """The process that forks sessions."""
        return next(pid for pid in children_of(self.process.pid) if b"onviftui.ssh.zygote" in _command(pid))

    @property
    def children(self) -> list[int]:
        """The processes of sessions."""
        with contextlib.suppress(StopIteration):
            return children_of(self.zygote)
        return []

    def command(self, key: str, *words: str, options: tuple[str, ...] = (), login: str = "cameras") -> list[str]:
        """The words of the real client."""
        settings = (
            f"UserKnownHostsFile={self.folder / 'known_hosts'}",
            "StrictHostKeyChecking=accept-new",
            "LogLevel=ERROR",
            "IdentitiesOnly=yes",
            "ConnectTimeout=60",
            *(("BatchMode=yes",) if not any("BatchMode" in option for option in options) else ()),
        )
        return [
            *("ssh", "-F", "none"),
            *(word for setting in settings for word in ("-o", setting)),
            *("-i", str(self.folder / key), "-p", str(self.port), *options, f"{login}@127.0.0.1"),
            *(("--", *words) if words else ()),
        ]

    def run(
        self, key: str, *words: str, options: tuple[str, ...] = (), stdin: bytes = b"", login: str = "cameras"
    ) -> Done:
        """One command, without a terminal."""
        done = subprocess.run(
            self.command(key, *words, options=options, login=login),
            input=stdin,
            capture_output=True,
            timeout=WAIT_S,
            env=client_environment(),
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    @asynccontextmanager
    async def connection(self, key: str) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """Of a client in this process, for what `ssh` cannot be told to do. His kernel takes little for him."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        async with asyncssh.connect(
            sock=sock,
            config=None,
            known_hosts=None,
            username="cameras",
            client_keys=[str(self.folder / key)],
            agent_path=None,
            gss_host=None,
        ) as conn:
            yield conn

    @contextmanager
    def terminal(
        self,
        key: str,
        *words: str,
        size: tuple[int, int] = (80, 24),
        options: tuple[str, ...] = (),
        login: str = "cameras",
        **environ: str,
    ) -> Iterator[SshTerminal]:
        opened = SshTerminal(self.command(key, *words, options=options, login=login), size, environ)
        try:
            yield opened
        finally:
            opened.close()


class SshTerminal:
    """The real client on a terminal that is its controlling one."""

    def __init__(self, command: list[str], size: tuple[int, int], environ: dict[str, str]) -> None:
        self.master, slave = os.openpty()
        self.resize(*size)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=client_environment() | environ,
        )
        os.close(slave)
        self.output = b""
        self._open = True
        self._news = asyncio.Event()
        self._reading = False
        self.read_on()

    def read_on(self) -> None:
        asyncio.get_running_loop().add_reader(self.master, self._read)
        self._reading = True

    def stop_reading(self) -> None:
        """What a user does who presses ctrl-s, or whose line is slow."""
        asyncio.get_running_loop().remove_reader(self.master)
        self._reading = False

    def _read(self) -> None:
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the client has closed the terminal
            data = b""
        self.output += data
        if not data:
            self.stop_reading()
            self._open = False
        self._news.set()

    async def sees(self, words: bytes, start: int = 0) -> None:
        async def seen() -> None:
            while words not in self.output[start:] and self._open:
                self._news.clear()
                await self._news.wait()

        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(seen(), WAIT_S)
        assert words in self.output[start:], self.output[start:][-2000:]

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def ended(self) -> int:
        """Its exit code, when everything it wrote was read."""
        code = await asyncio.to_thread(self.process.wait, WAIT_S)
        async with asyncio.timeout(WAIT_S):
            while self._open:
                self._news.clear()
                await self._news.wait()
        return code

    def close(self) -> None:
        if self._reading:
            self.stop_reading()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    @property
    def lines(self) -> list[str]:
        """What stands on the main screen after the UI has gone."""
        rest = self.output.rpartition(b"\x1b[?1049l")[2].decode()
        return [
            line.strip("\r")
            for line in re.sub(r"\x1b(\[[0-9;?<>]*[a-zA-Z]|\][^\x1b]*\x1b\\|[>(][B]?)|\x0f", "", rest).split("\r\n")
            if line.strip("\r")
        ]


def client_environment() -> dict[str, str]:
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
    return keep | {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


def children_of(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(word) for thread in threads for word in (thread / "children").read_text().split()]
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_ssh() -> None:
    if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH's client is not installed (Debian: apt install openssh-client)")
