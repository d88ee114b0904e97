"""The source and the sink in C: compiled into a scratch folder, run as processes, told what to do over a socket."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.bench.measure import prefer

from .loads import Load

HOST = "127.0.0.1"
_PROGRAMS = ("source", "sink", "splice")
_COMPILE_TIMEOUT_S = 60
_ANSWER_TIMEOUT_S = 10.0
_MAX_ANSWER_BYTES = 256 * 1024


class Absent(Exception):
    """Something that a measurement needs is not there; the text says what."""


def compile_programs(folder: Path) -> None:
    """All of them, into `folder`. Raises Absent."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Absent("there is no C compiler (Debian: apt install gcc libc6-dev)")
    for name in _PROGRAMS:
        command = [compiler, "-O2", "-o", str(folder / name), str(Path(__file__).with_name(f"{name}.c"))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILE_TIMEOUT_S)
        if done.returncode:
            raise Absent(f"{name}.c was not compiled: {done.stderr.strip()[-500:]}")


class _Program:
    """One process with its control socket; `with` starts and ends it."""

    def __init__(self, *arguments: str) -> None:
        self._command = arguments

    def __enter__(self) -> Self:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            program, *rest = self._command
            command = [program, str(theirs.fileno()), *rest]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)
        prefer([self._process.pid])
        self._control.settimeout(_ANSWER_TIMEOUT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.close()  # they end when it does
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _ask(self, command: str, *descriptors: int) -> Any:
        socket.send_fds(self._control, [command.encode()], list(descriptors))
        answer = self._control.recv(_MAX_ANSWER_BYTES)
        if not answer:
            raise RuntimeError(f"{self._command[0]} ended with {self._process.wait(5)} at {command!r}")
        return json.loads(answer)


@dataclass(frozen=True, slots=True)
class Sent:
    """`held_turns`: a stream had no room for what was due; `latest_us`: the longest delay of a turn since the last
    question, which says how busy the machine was."""

    connections: int
    playing: int
    packets: int
    bytes: int
    held_turns: int
    latest_us: int


class Source(_Program):
    """Cameras at HOST:port. See source.c."""

    def __init__(self, folder: Path, load: Load, port: int, *, rtsp: bool = False, host: str = HOST) -> None:
        self.load, self.port, self.rtsp = load, port, rtsp
        numbers = (load.paced, load.flat, load.fragments, load.payload, load.per_turn, load.turn_ns)
        kind = "rtsp" if rtsp else "plain"
        super().__init__(str(folder / "source"), host, str(port), kind, *map(str, numbers))

    def __enter__(self) -> Self:
        super().__enter__()
        self.state()  # it listens
        return self

    def state(self) -> Sent:
        return Sent(**self._ask("state"))

    def go(self) -> None:
        self._ask("go")

    def pace(self, load: Load) -> None:
        """Streams of this source come as in `load` from now on; a frame must be as large."""
        assert (load.fragments, load.payload) == (self.load.fragments, self.load.payload)
        self._ask(f"pace {load.per_turn} {load.turn_ns}")

    def stop(self) -> Sent:
        return Sent(**self._ask("stop"))

    def wait_for(self, *, connections: int, timeout_s: float = 10) -> None:
        """Until it has so many. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while (have := self.state().connections) != connections:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the source has {have} connections instead of {connections}")
            time.sleep(0.005)


@dataclass(frozen=True, slots=True)
class Came:
    """What came to a group since the last mark; times from the making of a packet until it was read."""

    bytes: int
    packets: int
    p50_us: int
    p99_us: int
    max_us: int


@dataclass(frozen=True, slots=True)
class Connection:
    """Totals. `stream` is -1 until it is known. `damaged`: not as it was sent; `mixed`: of another stream, or twice."""

    id: int
    open: bool
    stream: int
    bytes: int
    packets: int
    frames: int
    lost: int
    damaged: int
    mixed: int
    reports: int
    messages: int


class Sink(_Program):
    """Recorders. See sink.c."""

    def __init__(self, folder: Path, load: Load) -> None:
        super().__init__(str(folder / "sink"), str(load.fragments), str(load.payload))

    def add(self, number: int, connection: socket.socket, group: int = 0) -> None:
        """It has a descriptor of its own afterwards."""
        self._ask(f"add {number} {group}", connection.fileno())

    def hold(self, number: int) -> None:
        """That one reads nothing any more."""
        self._ask(f"hold {number}")

    def mark(self) -> list[Came]:
        """By group; begins anew."""
        return [Came(**group) for group in self._ask("mark")]

    def wait_for_message(self, number: int, timeout_s: float = 10) -> None:
        """Until an answer has come there. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while not any(one.id == number and one.messages for one in self.each()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer came to connection {number}")
            time.sleep(0.005)

    def each(self) -> list[Connection]:
        names = [field.name for field in fields(Connection)]
        return [
            Connection(**(dict(zip(names, numbers, strict=True)) | {"open": bool(numbers[1])}))
            for numbers in self._ask("each")
        ]
