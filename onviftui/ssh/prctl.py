"""What a process says of itself to the kernel, by prctl(2)."""

from __future__ import annotations

import ctypes
import signal

_PDEATHSIG, _DUMPABLE, _NAME = 1, 4, 15


def hide_memory() -> None:
    """Nobody but root may read it or attach a debugger, and /proc/self is root's."""
    _prctl(_DUMPABLE, 0)


def die_with_parent() -> None:
    """By SIGKILL. A parent that is gone already is not noticed: compare getppid afterwards."""
    _prctl(_PDEATHSIG, signal.SIGKILL)


def call_it(name: str) -> None:
    """As lists of processes show it, 15 bytes of it at most."""
    _prctl(_NAME, name.encode()[:15])


def _prctl(option: int, value: int | bytes) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
