"""The processes and the folder of a demo, and the promise that nothing of them is left behind.

Three nets, each for what the one before cannot catch: an orderly stop in `finally`; the kernel's parent-death signal,
when the demo itself is killed; and a reaper process, which notices by the end of a pipe that the demo is gone, ends
what still runs and removes the folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from proxyd.errors import ProxyError

STOP_TIMEOUT_S = 8.0
_POLL_S = 0.02
_LONGEST_SOCKET_PATH = 100  # sun_path holds 107 bytes, unix(7)
_PR_SET_PDEATHSIG = 1  # prctl(2)
_TAIL_LINES = 12

# Lines on standard input are process ids; "done" says that all ended in order; the end of input that the demo died.
# Ours is who names the folder in its command line: an id may long belong to somebody else.
_REAPER = """
trap '' HUP INT TERM
pids=
while read -r word; do
    if [ "$word" = done ]; then rm -rf -- "$0"; exit 0; fi
    pids="$pids $word"
done
ours() { grep -qaF -- "$0" "/proc/$1/cmdline" 2>/dev/null; }
alive() { for pid in $pids; do ours "$pid" && return 0; done; return 1; }
for pid in $pids; do ours "$pid" && kill -TERM "$pid"; done
tries=0
while alive && [ "$tries" -lt 80 ]; do sleep 0.1; tries=$((tries + 1)); done
for pid in $pids; do ours "$pid" && kill -KILL "$pid"; done
rm -rf -- "$0"
"""


_T = TypeVar("_T")
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(SystemExit):
    """A signal asked the demo to end."""


class DemoFailed(ProxyError):
    """A part of the demo did not come up; `log` is the end of what it said."""

    def __init__(self, message: str, hint: str = "", log: str = "") -> None:
        super().__init__(message, hint)
        self.log = log


@dataclass(frozen=True, slots=True)
class Child:
    """One process. `out` and `log` are what it wrote on standard output and standard error."""

    title: str
    process: subprocess.Popen[bytes]
    out: Path
    log: Path

    def require_alive(self) -> None:
        """Raises DemoFailed with the end of its log when it has ended."""
        code = self.process.poll()
        if code is not None:
            raise DemoFailed(f"{self.title} ended with exit code {code}.", "Its last words:", self.log_tail())

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def first_line(self, timeout_s: float) -> str:
        """Its first line on standard output. Raises DemoFailed when it ends or the deadline passes before."""
        deadline = time.monotonic() + timeout_s
        while True:
            line, newline, _ = self.out.read_text(errors="replace").partition("\n")
            if newline:
                return line
            self.require_alive()
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"{self.title} was not ready within {timeout_s:.0f} s.", "Its last words:", self.log_tail()
                )
            time.sleep(_POLL_S)


class Workplace:
    """Folder and processes of one demo; `with` removes all of it at the end, whatever happens inside."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        with _held_back():
            self.folder = _make_folder()
            self._reaper = subprocess.Popen(  # noqa: S603 - a fixed script
                ["/bin/sh", "-c", _REAPER, str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C and a closed terminal must not reach it
                cwd="/",
            )

    def __enter__(self) -> Workplace:
        return self

    def __exit__(self, *_: object) -> None:
        with _undisturbed():
            self._stop_children()
            shutil.rmtree(self.folder, ignore_errors=True)
            self._tell_reaper("done")
            assert self._reaper.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._reaper.stdin.close()
            self._reaper.wait()

    def spawn(self, title: str, name: str, arguments: list[str]) -> Child:
        """Start `python -m proxyd` with these arguments; none of them may be secret."""
        out, log = self.folder / f"{name}.out", self.folder / f"{name}.log"
        with _held_back(), out.open("wb") as out_file, log.open("wb") as log_file:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-m", "proxyd", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=log_file,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
            child = Child(title, process, out, log)
            self.children.append(child)
            self._tell_reaper(str(process.pid))
        return child

    def secret_file(self, name: str, secret: str) -> Path:
        path = self.folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret + "\n")
        return path

    def _tell_reaper(self, word: str) -> None:
        assert self._reaper.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._reaper.stdin.write(f"{word}\n".encode())
            self._reaper.stdin.flush()

    def _stop_children(self) -> None:
        """Newest first: the daemon before its NVR."""
        for child in reversed(self.children):
            child.process.terminate()
            try:
                child.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()


def _make_folder() -> Path:
    """A private folder, in /tmp when TMPDIR is too long for a socket path."""
    folder = Path(tempfile.mkdtemp(prefix="onviftui-demo-"))
    if len(str(folder / "proxyd.sock").encode()) > _LONGEST_SOCKET_PATH:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="onviftui-demo-", dir="/tmp"))
    return folder


def _die_with_parent() -> Callable[[], None]:
    """For the child, before it becomes its program: SIGTERM when the demo dies, also when that happened already."""
    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def set_signal() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return set_signal


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Signals wait meanwhile, so that no process starts without being noted."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """The orderly stop has deadlines of its own; an impatient second Ctrl-C must not cut it short."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class EndingSignals:
    """Turns SIGINT, SIGTERM and SIGHUP into Stopped, so that every `finally` runs; inside `run` into cancellation."""

    def __init__(self) -> None:
        self._received = False
        self._cancel: Callable[[], object] | None = None

    def __enter__(self) -> EndingSignals:
        self._before = {number: signal.signal(number, self._stop) for number in _ENDING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result of `work` on an event loop of its own. Raises Stopped when a signal came meanwhile."""
        try:
            result = asyncio.run(self._cancellable(work))
        except asyncio.CancelledError:
            if not self._received:
                raise
        if self._received:
            raise Stopped(0)
        return result

    async def _cancellable(self, work: Coroutine[Any, Any, _T]) -> _T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            return await work
        finally:
            self._cancel = None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._received = True
        if self._cancel is None:
            raise Stopped(0)
        self._cancel()


@contextlib.contextmanager
def free_loopback() -> Iterator[tuple[str, str]]:
    """A /24 for cameras and an address beside it for the NVR, both unused; no other demo gets them meanwhile.

    The claim is an abstract Unix socket: the kernel frees it when this process ends, however it ends."""
    for _ in range(200):
        second, third = 64 + secrets.randbelow(128), 2 * secrets.randbelow(128)
        network, nvr_address = f"127.{second}.{third}.0/24", f"127.{second}.{third + 1}.1"
        with socket.socket(socket.AF_UNIX) as claim:
            try:
                claim.bind(f"\0onviftui-demo-{second}.{third}")
            except OSError:
                continue
            if not _is_unused([f"127.{second}.{third}.{last}" for last in (1, 2, 3)]):
                continue
            yield network, nvr_address
            return
    raise DemoFailed("No free loopback network was found.", "Are other demos running? Stop one of them.")


def _is_unused(addresses: list[str]) -> bool:
    """Whether the cameras' ports can be bound there."""
    for address in addresses:
        for port in (8080, 8554):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError:
                    return False
    return True
