"""The two themes, dark and light, and what to do on terminals with few colours. Pure.

One accent colour; red only where a person must act. `muted`, `rule`, `quiet` and `cursor` are our own
CSS variables, with defaults so that Textual's themes work too.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from textual.theme import Theme

DARK = Theme(
    name="onviftui-dark",
    primary="#6cb6d9",
    secondary="#8fa3b8",
    accent="#6cb6d9",
    foreground="#d6dde6",
    background="#10151b",
    surface="#171e26",
    panel="#1d2630",
    success="#7fc48f",
    warning="#e0b060",
    error="#ec7578",
    dark=True,
    variables={
        "muted": "#8190a0",
        "rule": "#2b3744",
        "quiet": "#5f9a6e",
        "cursor": "#22344a",
        "cursor-idle": "#1a242f",
        "marked": "#1f2a22",
        "scrollbar": "#2b3744",
        "scrollbar-background": "#10151b",
        "scrollbar-corner-color": "#10151b",
    },
)

LIGHT = Theme(
    name="onviftui-light",
    primary="#1f6f9c",
    secondary="#51667a",
    accent="#1f6f9c",
    foreground="#1d2630",
    background="#f7f8f9",
    surface="#eef1f4",
    panel="#e4e9ee",
    success="#1f7a3a",
    warning="#8f5d00",
    error="#b3262b",
    dark=False,
    variables={
        "muted": "#5c6b79",
        "rule": "#cbd4dc",
        "quiet": "#3f7f52",
        "cursor": "#cfe3f1",
        "cursor-idle": "#e6edf3",
        "marked": "#e3f0e6",
        "scrollbar": "#cbd4dc",
        "scrollbar-background": "#f7f8f9",
        "scrollbar-corner-color": "#f7f8f9",
    },
)

# For 16-colour terminals and NO_COLOR: the terminal's own colours, the cursor row reversed.
SIXTEEN = Theme(
    name="onviftui-16",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_bright_red",
    dark=True,
    variables={
        "muted": "ansi_bright_black",
        "rule": "ansi_bright_black",
        "quiet": "ansi_green",
        "cursor": "ansi_default",
        "cursor-idle": "ansi_default",
        "marked": "ansi_default",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border": "ansi_cyan",
        "block-cursor-background": "ansi_cyan",
        "block-cursor-foreground": "ansi_black",
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": "ansi_black",
        "footer-key-foreground": "ansi_cyan",
    },
)

VARIABLE_DEFAULTS = {
    "muted": "ansi_bright_black",
    "rule": "ansi_bright_black",
    "quiet": "ansi_green",
    "cursor": "ansi_blue",
    "cursor-idle": "ansi_default",
    "marked": "ansi_default",
}

# Terminals that show 24-bit colour but whose TERM says little; OpenSSH does not forward COLORTERM.
_TRUECOLOR_TERMS = ("xterm-ghostty", "ghostty", "alacritty", "foot", "wezterm", "xterm-kitty", "contour")
# Terminals for which a forwarded COLORTERM is certainly wrong.
_POOR_TERMS = ("linux", "vt100", "vt102", "vt220", "ansi", "dumb")


def correct_colorterm(environ: MutableMapping[str, str]) -> None:
    """Make COLORTERM agree with TERM, before the UI reads it."""
    term = environ.get("TERM", "")
    if term in _POOR_TERMS:
        environ.pop("COLORTERM", None)
    elif not environ.get("COLORTERM") and term.startswith(_TRUECOLOR_TERMS):
        environ["COLORTERM"] = "truecolor"


def speaks_utf8(environ: MutableMapping[str, str]) -> bool:
    """By the locale's rules: LC_ALL, else LC_CTYPE, else LANG. The Linux console draws no fine glyphs."""
    if environ.get("TERM") in _POOR_TERMS:
        return False
    chosen = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return "utf-8" in chosen.lower() or "utf8" in chosen.lower()
