"""What the C library holds of our memory: no more than is in use. Does nothing where it is not glibc."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # mallopt(3)


def keep_together() -> None:
    """All threads allocate from one heap: glibc gives each its own, and keeps what was ever used of them all. To be
    called before the first thread starts."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """What is free goes to the kernel, after something that needed a lot for a moment. Takes milliseconds: call it in
    a thread."""
    if malloc_trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        malloc_trim(0)
