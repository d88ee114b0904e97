"""By which method a terminal shows pictures: what it answers when it is asked, and what to make of that. Pure.

Asked is once, when somebody first wants a picture. Every terminal answers the last question (primary device
attributes), so that those which know nothing of pictures need not be waited for until a deadline.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..terminal import Colours

# Name and version; the size of a cell in pixels; a picture of one pixel, not to be kept; device attributes.
QUESTIONS = "\x1b[>q\x1b[16t\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c"
# What is behind the text; then as above.
BACKGROUND_QUESTIONS = "\x1b]11;?\x1b\\\x1b[c"
AUTO = "auto"
_SIXEL_ATTRIBUTE = 4
# Other terminals know kitty's graphics, too, but not pictures that are part of the text, which go away with it; kitty
# itself does since 0.28.
_KITTY = re.compile(r"kitty\((\d+)\.(\d+)")
_KITTY_SINCE = (0, 28)
_MULTIPLEXERS = ("screen", "tmux")
_SILENT = ("", "dumb", "unknown", "linux", "ansi", "cons25", "vt52", "vt100", "vt102", "vt220", "vt320")
_LARGEST_CELL = 200  # pixels; what claims to be larger is no cell
GUESSED_CELL = (8, 16)  # rather too small: a picture may leave room, but never overlap what is beside it


class Method(StrEnum):
    """From the finest to none."""

    KITTY = "kitty"
    SIXEL = "sixel"
    BLOCKS = "blocks"
    CHARACTERS = "characters"
    OFF = "off"


WORDS = {
    Method.KITTY: "kitty graphics",
    Method.SIXEL: "sixel",
    Method.BLOCKS: "half blocks",
    Method.CHARACTERS: "characters",
    Method.OFF: "off",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What a terminal said. `cell` is in pixels, width and height; `background` as `terminal.is_light` takes it;
    `complete`: it has answered the last question."""

    attributes: frozenset[int] = frozenset()
    name: str = ""
    cell: tuple[int, int] | None = None
    kitty: bool = False
    background: str = ""
    complete: bool = False


def multiplexed(environ: Mapping[str, str]) -> bool:
    """Inside tmux or screen, which pass no pictures on."""
    return bool(environ.get("TMUX") or environ.get("STY")) or environ.get("TERM", "").startswith(_MULTIPLEXERS)


def may_ask(environ: Mapping[str, str], wanted: str = AUTO) -> bool:
    """Whether the answer can matter and the questions do no harm: some old terminals would print them."""
    if wanted not in (AUTO, Method.KITTY, Method.SIXEL):
        return False
    silent = environ.get("TERM", "") in _SILENT or environ.get("TERM_PROGRAM") == "Apple_Terminal"
    return not silent and not multiplexed(environ)


def choose(
    environ: Mapping[str, str], colours: Colours, answers: Answers, *, wanted: str = AUTO, ascii_only: bool = False
) -> Method:
    """`wanted` is the user's preference: a method, or `auto`; a word that is none counts as that."""
    if wanted in set(Method):
        return Method(wanted)
    if colours is not Colours.NONE and not multiplexed(environ):
        if answers.kitty and colours is Colours.TRUE and not ascii_only and _has_placeholders(answers.name):
            return Method.KITTY
        if _SIXEL_ATTRIBUTE in answers.attributes and answers.cell is not None:
            return Method.SIXEL
    if ascii_only or colours in (Colours.NONE, Colours.SIXTEEN):
        return Method.CHARACTERS
    return Method.BLOCKS


def _has_placeholders(name: str) -> bool:
    kitty = _KITTY.match(name.lower())
    if kitty is not None:
        return (int(kitty[1]), int(kitty[2])) >= _KITTY_SINCE
    return name.lower().startswith("ghostty")


def cell_size(width: int, height: int) -> tuple[int, int] | None:
    """A cell of that many pixels, if that can be."""
    return (width, height) if 2 <= width <= _LARGEST_CELL and 2 <= height <= _LARGEST_CELL else None


def over_ssh(environ: Mapping[str, str]) -> bool:
    """Whether what is drawn goes over a line that may be slow."""
    return any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))
