"""What the zygote's fork does: becomes one session, runs the UI or one command, and ends. Never returns.

It knows the daemon only by its door. It shares the front's user, so the kernel does not keep it from the front's files;
what it can be kept from, it is: other descriptors, debuggers, core files, memory without end.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import io
import os
import random
import resource
import signal
import socket
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from .door import Door
from .endings import BROKEN
from .prctl import call_it, die_with_parent, hide_memory
from .wire import Order

_OPEN_FILES, _FILE_SIZE = 64, 4 * 1024 * 1024
_DOOR = 3
_before: list[object] = []  # the zygote's streams: closing them would close ours, which have their numbers

Work = Callable[[Order, socket.socket], int]


def become(order: Order, descriptors: list[int], zygote: int, work: Work | None = None) -> NoReturn:
    """`descriptors` as `Order` says; `zygote` is the process that forked. `work` is what the session does."""
    code = BROKEN
    try:
        _take_over(order, descriptors)
        _bound_by(order, zygote)
        os.environ.clear()
        os.environ.update(order.environment)
        random.seed()
        gc.enable()
        with socket.socket(fileno=_DOOR) as door:
            code = (work or _work)(order, door)
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException as error:
        _note(error, order.mark)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(code & 0xFF)  # not through what the zygote registered for its own end


def _work(order: Order, door: socket.socket) -> int:
    dial = Door(door)
    if not order.words:
        from onviftui.app import run

        return run(dial)
    from onviftui.cli import main

    return main(order.words, dial)


def _take_over(order: Order, descriptors: list[int]) -> None:
    """Descriptors 0 to 3 are the session's, all others are closed."""
    *streams, door = descriptors
    high = [fcntl.fcntl(one, fcntl.F_DUPFD, 64) for one in (*(streams * (3 if order.terminal else 1)), door)]
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, number, inheritable=False)
    os.closerange(_DOOR + 1, 1024)
    os.setsid()
    if order.terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python has it
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _before.extend((sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__))
    sys.stdin = sys.__stdin__ = _stream(0, "r")  # type: ignore[misc]  # Textual's driver looks there
    sys.stdout = sys.__stdout__ = _stream(1, "w")  # type: ignore[misc]  # likewise
    sys.stderr = sys.__stderr__ = _stream(2, "w")  # type: ignore[misc]  # likewise


def _stream(number: int, mode: str) -> io.TextIOWrapper:
    raw = open(number, f"{mode}b", closefd=False)  # noqa: SIM115 - for as long as the process lives; a number
    return io.TextIOWrapper(raw, "utf-8", "replace", line_buffering=mode == "w" and (number == 2 or raw.isatty()))


def _bound_by(order: Order, zygote: int) -> None:
    die_with_parent()
    if os.getppid() != zygote:
        os._exit(BROKEN)  # it died before we could ask to be told
    hide_memory()
    call_it(f"tui {order.user}")
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, _FILE_SIZE)
    if order.memory:
        _limit(resource.RLIMIT_AS, order.memory)


def _limit(what: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # the machine's own limit is lower
        resource.setrlimit(what, (most, most))


def _note(error: BaseException, mark: str) -> None:
    """Where it happened, into the crash log; the front tells the user, on a terminal that it has put in order."""
    with contextlib.suppress(BaseException):
        from onviftui.crash import crash_log, report_crash

        report_crash(error, Path(crash_log()), mark)
