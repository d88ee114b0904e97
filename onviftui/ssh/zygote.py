"""The zygote: one thread, everything imported, forks a child for each session and says how each one ended.

`python -m onviftui.ssh.zygote FD`: FD is its end of a socket pair with the front. When the front is gone it ends, and
the kernel ends its children with it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from . import child
from .immortal import keep_for_ever
from .prctl import hide_memory
from .preload import preload
from .wire import close_all, order_of, receive, send


class Zygote:
    def __init__(self, control: socket.socket, work: child.Work | None = None) -> None:
        self._control = control
        self._work = work
        self._pids: dict[int, int] = {}  # number of the order → process
        self._wake, wake = socket.socketpair()
        for end in (self._wake, wake):
            end.setblocking(False)
        self._keep = wake
        signal.signal(signal.SIGCHLD, lambda number, frame: None)  # without a handler nothing is written to the wake-up
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)

    def run(self) -> None:
        """Until the front is gone."""
        send(self._control, {"ready": os.getpid()})
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._wake.fileno():
                    self._wake.recv(4096)
                    self._reap()
                elif not self._serve():
                    return

    def _serve(self) -> bool:
        """False when the front is gone."""
        try:
            got = receive(self._control)
        except ValueError:
            return True
        if got is None:
            return False
        message, descriptors = got
        try:
            if message["do"] == "spawn":
                self._spawn(message, descriptors)
            elif message["do"] == "signal":
                pid = self._pids.get(message["number"])  # ours until we reaped it, so never somebody else's
                if pid is not None:
                    os.kill(pid, message["signal"])
        finally:
            close_all(descriptors)
        return True

    def _spawn(self, message: dict[str, Any], descriptors: list[int]) -> None:
        order = order_of(message)
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            send(self._control, {"number": order.number, "failed": error.strerror or str(error)})
            return
        if pid == 0:
            child.become(order, descriptors, zygote, self._work)
        self._pids[order.number] = pid
        send(self._control, {"number": order.number, "pid": pid})

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number = next((one for one, known in self._pids.items() if known == pid), None)
            if number is not None:
                del self._pids[number]
                send(self._control, {"number": number, "status": status})


def main() -> int:
    control = socket.socket(fileno=int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a terminal's or systemd's; the front says when it is over
    with contextlib.suppress(OSError):  # of 1000: where memory runs out a session goes, and not the front
        Path("/proc/self/oom_score_adj").write_text("500")
    hide_memory()  # last of what needs /proc/self, which is root's from here on, and that of the sessions
    gc.disable()  # a page that nobody writes to is shared by all sessions
    preload()
    gc.collect()
    keep_for_ever()
    gc.freeze()
    try:
        Zygote(control).run()
    except OSError:
        return 1  # the front does not read, or is gone in the middle of a message
    return 0


if __name__ == "__main__":
    sys.exit(main())
