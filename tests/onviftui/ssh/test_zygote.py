"""The zygote and its children, driven by the front's messages: what a child has, and how its end is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onviftui.ssh.endings import BROKEN
from onviftui.ssh.wire import Order, receive, send

ROOT = Path(__file__).resolve().parents[3]
WORK = """
import json, os, resource, socket, sys, threading, time
from onviftui.ssh.zygote import Zygote

def work(order, door):
    what = order.words[0]
    if what == "raise":
        secret = "never-in-a-log"
        raise RuntimeError("broken")
    if what == "exit":
        sys.exit(3)
    if what == "memory":
        bytearray(1 << 40)
    if what == "sleep":
        print("asleep", flush=True)
        time.sleep(600)
    if what == "echo":
        print(sys.stdin.readline().strip()[::-1], file=sys.stderr)
        return 7
    print(json.dumps({
        "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "environment": dict(os.environ),
        "session": os.getsid(0) == os.getpid(),
        "threads": threading.active_count(),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
        "terminal": [os.isatty(number) for number in (0, 1, 2)],
        "size": list(os.get_terminal_size(0)) if os.isatty(0) else None,
    }))
    return 0

Zygote(socket.socket(fileno=int(sys.argv[1])), work).run()
"""


class Front:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(60)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WORK, str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd=ROOT
            )
        assert self.hear() == {"ready": self.process.pid}
        self.number = 0

    def hear(self) -> dict[str, Any]:
        got = receive(self.sock)
        assert got is not None
        return got[0]

    def order(self, *words: str, terminal: bool = False, memory: int = 0) -> tuple[int, list[int], socket.socket]:
        """Process, our ends, and the door."""
        door, their_door = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if terminal:
            master, slave = os.openpty()
            ours, theirs = [master], [slave]
        else:
            (a, b), (c, d), (e, f) = os.pipe(), os.pipe(), os.pipe()
            ours, theirs = [b, c, e], [a, d, f]
        self.number += 1
        environment = {"XDG_STATE_HOME": str(self.folder), "TERM": "xterm"}
        order = Order(self.number, f"mark{self.number}", "anna", terminal, list(words), environment, memory)
        send(self.sock, order.message(), [*theirs, their_door.fileno()])
        their_door.close()
        for descriptor in theirs:
            os.close(descriptor)
        message = self.hear()
        assert message["number"] == self.number
        return message["pid"], ours, door

    def ended(self) -> int:
        message = self.hear()
        assert message["number"] == self.number
        return int(message["status"])


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    front = Front(tmp_path)
    yield front
    front.sock.close()
    assert front.process.wait(60) == 0


def close(ours: list[int], door: socket.socket) -> None:
    door.close()
    for descriptor in ours:
        os.close(descriptor)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_child_has_what_it_needs_and_nothing_else(front: Front, terminal: bool) -> None:
    _, ours, door = front.order("tell", terminal=terminal, memory=512 << 20)
    told = json.loads(os.read(ours[0 if terminal else 1], 65536))
    assert os.waitstatus_to_exitcode(front.ended()) == 0
    assert told["descriptors"][:4] == [0, 1, 2, 3] and len(told["descriptors"]) == 5  # the fifth reads the folder
    assert told["environment"] == {"XDG_STATE_HOME": str(front.folder), "TERM": "xterm"}
    assert told["session"] and told["threads"] == 1
    assert (told["core"], told["files"], told["memory"]) == (0, 64, 512 << 20)
    assert told["terminal"] == [terminal] * 3
    close(ours, door)


def test_streams_are_separate_and_the_exit_code_comes_back(front: Front) -> None:
    _, ours, door = front.order("echo")
    os.write(ours[0], "äbc\n".encode())
    assert os.read(ours[2], 100).decode() == "cbä\n"
    assert os.waitstatus_to_exitcode(front.ended()) == 7
    assert os.read(ours[1], 100) == b""
    close(ours, door)


@pytest.mark.parametrize("what", ["raise", "memory"])
def test_a_bug_costs_one_child_and_leaves_a_trace_without_secrets(front: Front, what: str) -> None:
    _, ours, door = front.order(what, memory=512 << 20)
    assert os.waitstatus_to_exitcode(front.ended()) == BROKEN
    assert os.read(ours[1], 1000) == os.read(ours[2], 1000) == b""  # the front says it, not a traceback
    trace = (front.folder / "onviftui" / "crash.log").read_text()
    assert f"mark{front.number}" in trace and ("RuntimeError" in trace or "MemoryError" in trace)
    close(ours, door)
    _, ours, door = front.order("exit")
    assert os.waitstatus_to_exitcode(front.ended()) == 3
    close(ours, door)


def test_signals_reach_the_child_that_was_meant_and_no_other_process(front: Front) -> None:
    pid, ours, door = front.order("sleep")
    assert os.read(ours[1], 100) == b"asleep\n"
    send(front.sock, {"do": "signal", "number": front.number + 1, "signal": signal.SIGKILL})
    send(front.sock, {"do": "signal", "number": front.number, "signal": signal.SIGTERM})
    assert os.waitstatus_to_exitcode(front.ended()) == -signal.SIGTERM
    send(front.sock, {"do": "signal", "number": front.number, "signal": signal.SIGKILL})  # it is not ours any more
    assert not Path(f"/proc/{pid}").exists()
    close(ours, door)


def test_children_do_not_outlive_the_zygote(front: Front) -> None:
    _, ours, door = front.order("sleep")
    assert os.read(ours[1], 100) == b"asleep\n"
    front.sock.close()
    assert front.process.wait(60) == 0
    assert os.read(ours[1], 100) == b""  # the end: nobody has the other side any more
    close(ours, door)


def test_other_sessions_of_the_same_user_cannot_look_into_it(front: Front) -> None:
    """Not dumpable: its memory belongs to root, whoever runs it."""
    pid, ours, door = front.order("sleep")
    assert os.read(ours[1], 100) == b"asleep\n"
    assert Path(f"/proc/{pid}/mem").stat().st_uid == 0
    status = Path(f"/proc/{pid}/status").read_text()
    assert status.startswith("Name:\ttui anna\n")
    close(ours, door)
