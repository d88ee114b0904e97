"""Asks the terminal of a command, which no application holds: in raw mode, for a moment."""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from dataclasses import replace

from .capability import QUESTIONS, Answers
from .kernel_cell import kernel_cell
from .replies import Replies

DEADLINE_S = 1.0


def ask(terminal: int, deadline_s: float = DEADLINE_S) -> Answers:
    """What the terminal behind this descriptor says of itself. Keys that are pressed meanwhile are lost."""
    try:
        before = termios.tcgetattr(terminal)
    except termios.error:
        return Answers()
    replies = Replies()
    until = time.monotonic() + deadline_s
    try:
        tty.setraw(terminal, termios.TCSANOW)
        os.write(terminal, QUESTIONS.encode())
        while not replies.answers.complete and (left := until - time.monotonic()) > 0:
            if select.select([terminal], [], [], left)[0]:
                data = os.read(terminal, 4096)
                if not data:
                    break
                replies.feed(data.decode("utf-8", "replace"))
    except OSError:
        pass
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
    return replace(replies.answers, cell=replies.answers.cell or kernel_cell(terminal))
