"""Gives a user his terminal back when the program that used it could not. Pure.

Sources: xterm's ctlseqs, the kitty keyboard protocol, and what Textual's driver switches on.
"""

from __future__ import annotations

_ON, _OFF = b"\x1b[?1049h", b"\x1b[?1049l"

# Terminals that would print what they do not understand get only what a VT100 has.
_POOR = ("linux", "vt", "ansi", "dumb")

_ABORT = b"\x18\x1b\\"  # CAN ends a sequence that was cut off in the middle, ST a string
_MODES = (
    b"\x1b[?2026l"  # no synchronized update
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # no mouse
    b"\x1b[?1004l"  # no report of focus
    b"\x1b[?2004l"  # no bracketed paste
    b"\x1b[?2048l"  # no report of size
    b"\x1b[<u"  # kitty keys; each screen has its own, so before the alternate one is left
)
_AFTER = (
    b"\x1b[?1l\x1b>"  # cursor keys and keypad as usual
    b"\x1b[?7h"  # lines wrap
    b"\x1b[?25h"  # the cursor is seen
    b"\x0f\x1b(B\x1b[0m"  # letters, no colour
)
_TITLE = b"\x1b]2;\x1b\\"
_VT = b"\x1b[?7h\x1b[?25h\x0f\x1b(B\x1b[0m"


class ScreenWatch:
    """Whether the alternate screen is on, from the bytes that went to the terminal."""

    def __init__(self) -> None:
        self.alternate = False
        self._tail = b""

    def feed(self, data: bytes) -> None:
        joined = self._tail + data
        on, off = joined.rfind(_ON), joined.rfind(_OFF)
        if on != off:
            self.alternate = on > off
        self._tail = joined[-(len(_ON) - 1) :]


def terminal_reset(term: str, *, alternate: bool) -> bytes:
    """What puts a terminal of this TERM back. `alternate`: the program left it on its other screen."""
    if term == "dumb":
        return b"\r\n"
    # Leaving the alternate screen moves the cursor to where it was before; without having entered it, to anywhere.
    off, end = (_OFF, b"\r") if alternate else (b"", b"\r\n")
    if term.startswith(_POOR):
        return b"\x18" + off + _VT + end
    return _ABORT + _MODES + off + _AFTER + _TITLE + end
