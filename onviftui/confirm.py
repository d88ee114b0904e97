"""Questions before something is removed or made."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

from proxyd.errors import InvalidInput, ProxyError


def confirm(question: str, *, yes: bool, otherwise: str = "Nothing was removed.") -> None:
    """Returns when `yes` or when a person says so. Raises InvalidInput without a terminal, ProxyError on "no"."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInput("Nobody is there to confirm this.", "Add --yes to do it without asking.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    with interruptible():
        answer = sys.stdin.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise ProxyError(otherwise)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C ends what waits for somebody to type: asyncio would cancel a task, and a blocked read notices nothing.
    Threads get no signals, so nothing is changed there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
