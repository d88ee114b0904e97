"""What the terminal can show, told by the environment. Pure.

OpenSSH forwards TERM and hardly ever COLORTERM, so the names of terminals have to say it.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from enum import StrEnum


class Colours(StrEnum):
    """How many colours a terminal has."""

    NONE = "none"
    SIXTEEN = "16"
    MANY = "256"
    TRUE = "truecolor"


# Beginnings of names. Terminals of the first list show 24-bit colour, but their TERM does not say so.
_TRUECOLOR = (
    "xterm-ghostty",
    "ghostty",
    "xterm-kitty",
    "alacritty",
    "foot",
    "wezterm",
    "contour",
    "rio",
    "iterm2",
    "mintty",
    "ms-terminal",
)
# GNU screen misreads 24-bit colours, so a COLORTERM from the terminal around it is not believed.
_NO_TRUECOLOR = ("screen",)
# A COLORTERM that was forwarded to one of these is certainly wrong.
_SIXTEEN = ("linux", "ansi", "cygwin", "bsd", "sun-color", "hurd")
_HARDWARE = ("vt", "sun", "wy")
_MONOCHROME = ("", "dumb", "unknown", *_HARDWARE, "xterm-mono")
# Only ASCII is certain on these: the Linux console has 512 glyphs, and a serial terminal its own set.
_POOR_GLYPHS = (*_SIXTEEN, *_MONOCHROME[1:])


def _is_one_of(term: str, names: tuple[str, ...]) -> bool:
    """`vt` means vt100, vt220 …; other names are whole words of TERM."""
    return any(
        term == name
        or (name and term.startswith(f"{name}-"))
        or (name == "vt" and term[:2] == name and term[2:3].isdigit())
        for name in names
    )


def colours_of(environ: Mapping[str, str]) -> Colours:
    """By NO_COLOR, TERM and, where TERM does not contradict, COLORTERM."""
    term = environ.get("TERM", "").strip().lower()
    promised = environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit")
    if "NO_COLOR" in environ or _is_one_of(term, _MONOCHROME):
        return Colours.NONE
    if _is_one_of(term, _SIXTEEN):
        return Colours.SIXTEEN
    if _is_one_of(term, _TRUECOLOR) or term.endswith("-direct"):
        return Colours.TRUE
    if promised and (not _is_one_of(term, _NO_TRUECOLOR) or environ.get("TMUX")):
        return Colours.TRUE
    return Colours.MANY if term.endswith("256color") else Colours.SIXTEEN


def correct_colorterm(environ: MutableMapping[str, str]) -> None:
    """Make COLORTERM and NO_COLOR say what `colours_of` says, before Textual reads them."""
    colours = colours_of(environ)
    environ.pop("COLORTERM", None)
    if colours is Colours.TRUE:
        environ["COLORTERM"] = "truecolor"
    elif colours is Colours.NONE:
        environ["NO_COLOR"] = "1"


def knows_links(environ: Mapping[str, str]) -> bool:
    """Whether OSC 8 does no harm: terminals that do not know it pass over it, but for the poorest."""
    return not _is_one_of(environ.get("TERM", "").strip().lower(), _POOR_GLYPHS)


def has_clipboard(environ: Mapping[str, str]) -> bool:
    """Whether OSC 52 may reach one: no terminal tells whether it allows that, but these have none."""
    return not _is_one_of(environ.get("TERM", "").strip().lower(), (*_SIXTEEN, *_HARDWARE))


def light_background(environ: Mapping[str, str]) -> bool:
    """COLORFGBG ("0;15", "0;default;15") is all that a terminal says of its background without being asked."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")


def may_ask_background(environ: Mapping[str, str], colours: Colours) -> bool:
    """Whether the answer can matter, and comes to us. GNU screen hands the question on, but not the answer."""
    inside_screen = bool(environ.get("STY")) and not environ.get("TMUX")
    return colours in (Colours.MANY, Colours.TRUE) and "COLORFGBG" not in environ and not inside_screen


def is_light(colour: str) -> bool:
    """Of a colour as terminals tell it: "rgb:f7f7/f8f8/f9f9", with one to four digits each. What is none is dark."""
    parts = colour.partition(":")[2].split("/")[:3]
    try:
        red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in parts)
    except (ValueError, ZeroDivisionError):
        return False
    luminance: float = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return luminance > 0.5


def speaks_utf8(environ: Mapping[str, str]) -> bool:
    """By the locale's rules: LC_ALL, else LC_CTYPE, else LANG. Poor terminals draw no fine glyphs."""
    if _is_one_of(environ.get("TERM", "").strip().lower(), _POOR_GLYPHS):
        return False
    chosen = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return "utf-8" in chosen.lower() or "utf8" in chosen.lower()
