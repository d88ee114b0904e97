"""A media process: ends when the daemon's end of the control socket is closed, and by no key stroke."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys

from .control import Control
from .limits import parse_arguments
from .loop import Loop

NAME = b"proxyd-media"


def run(arguments: list[str]) -> int:
    """The exit status."""
    try:
        descriptor, limits = parse_arguments(arguments)
        peer = socket.socket(fileno=descriptor)
    except (ValueError, OSError) as error:
        print(f"proxyd.media: {error}", file=sys.stderr)  # noqa: T201  # there is no log in this process
        return 2
    # ctrl-c and systemd mean the daemon, too, which still says goodbye to NVRs and recorders with our help.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _call_it_by_its_name()
    loop = Loop(limits.moderation_ms / 1000)
    control = Control(loop, peer, limits)
    control.start(os.getpid())
    gc.freeze()  # what is there now stays
    try:
        loop.run()
    finally:
        loop.close()
        peer.close()
    return 0


def _call_it_by_its_name() -> None:
    try:
        descriptor = os.open("/proc/self/comm", os.O_WRONLY)
    except OSError:
        return  # only what `ps` and `top` show
    try:
        os.write(descriptor, NAME)
    finally:
        os.close(descriptor)
