"""How a session ended, in one honest line and an exit status. Pure."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

BROKEN = 70  # a child's own word for "a bug that I could not handle"; sysexits.h calls it EX_SOFTWARE
_NOT_ENDED = 1


@dataclass(frozen=True, slots=True)
class Ending:
    """`line`: for the user, "" when the program said all there was to say. `clean`: it left the terminal in order."""

    status: int
    line: str = ""
    clean: bool = False


def ending_of(wait_status: int, mark: str, memory: int) -> Ending:
    """Of what waitpid(2) gave. `mark` is the id under which the log has more, `memory` the bytes that it might take."""
    if os.WIFEXITED(wait_status):
        code = os.WEXITSTATUS(wait_status)
        if code != BROKEN:
            return Ending(code, clean=True)
        what = "onviftui met a bug and ended"
    else:
        number = os.WTERMSIG(wait_status)
        what = f"onviftui was ended by {signal_name(number)}"
        if number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
            what += f" (out of memory? A session may take {memory // 1024 // 1024} MB)"
    return Ending(BROKEN, f"{what}. Your cameras go on running; log in again. If it stays so, report id {mark}.")


def lost(mark: str) -> Ending:
    """Nobody knows how: the program that watched the session is gone itself."""
    return Ending(
        BROKEN,
        f"The program that runs sessions ended unexpectedly and is started anew; log in again. "
        f"If it stays so, report id {mark}.",
    )


def told(line: str) -> Ending:
    """We ended it, and say why."""
    return Ending(_NOT_ENDED, line)


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def idle_line(idle_s: float) -> str:
    minutes = round(idle_s / 60)
    span = f"{minutes} min" if minutes else f"{idle_s:g} s"
    return f"Closed because no key was pressed for {span}. Your cameras go on running; log in again."
