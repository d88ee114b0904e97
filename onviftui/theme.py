"""The themes, and which one is taken. Pure.

One accent colour; red only where a person must act. `muted`, `rule`, `quiet`, `cursor`, `cursor-idle` and `marked` are
our own CSS variables, with defaults so that Textual's themes work too. Contrast is held by a test: 4.5 to 1 for every
tone on every background, 7 to 1 in high contrast.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

from .terminal import Colours, light_background

AUTO = "auto"


def _theme(name: str, *, dark: bool, colours: Mapping[str, str], ours: Mapping[str, str]) -> Theme:
    quiet_bars = {"scrollbar": ours["rule"], "scrollbar-hover": ours["muted"], "scrollbar-active": ours["muted"]}
    background = colours["background"]
    bars = {"scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active"}
    variables = {**ours, **quiet_bars, **dict.fromkeys({*bars, "scrollbar-corner-color"}, background)}
    return Theme(
        name=f"onviftui-{name}",
        dark=dark,
        primary=colours["accent"],
        secondary=colours["accent"],
        accent=colours["accent"],
        foreground=colours["foreground"],
        background=background,
        surface=colours["surface"],
        panel=colours["panel"],
        success=colours["success"],
        warning=colours["warning"],
        error=colours["error"],
        variables=variables,
    )


DARK = _theme(
    "dark",
    dark=True,
    colours={
        "accent": "#6cb6d9",
        "foreground": "#d6dde6",
        "background": "#10151b",
        "surface": "#171e26",
        "panel": "#1d2630",
        "success": "#7fc48f",
        "warning": "#e0b060",
        "error": "#f08184",
    },
    ours={
        "muted": "#8f9dac",
        "rule": "#2b3744",
        "quiet": "#6ca97c",
        "cursor": "#22344a",
        "cursor-idle": "#1a242f",
        "marked": "#1f2a22",
    },
)

LIGHT = _theme(
    "light",
    dark=False,
    colours={
        "accent": "#125f8a",
        "foreground": "#1d2630",
        "background": "#f7f8f9",
        "surface": "#eef1f4",
        "panel": "#e4e9ee",
        "success": "#156b2f",
        "warning": "#7c5000",
        "error": "#a81f25",
    },
    ours={
        "muted": "#50606e",
        "rule": "#cbd4dc",
        "quiet": "#2f6b41",
        "cursor": "#cfe3f1",
        "cursor-idle": "#e6edf3",
        "marked": "#e3f0e6",
    },
)

# With 256 colours, as by SSH where COLORTERM does not come along: of that palette, since the nearest of it to our dark
# blue is a bright teal. Greys stand for the backgrounds of rows.
DARK_256 = _theme(
    "dark-256",
    dark=True,
    colours={
        "accent": "#5fafd7",
        "foreground": "#dadada",
        "background": "#121212",
        "surface": "#1c1c1c",
        "panel": "#262626",
        "success": "#87d787",
        "warning": "#d7af5f",
        "error": "#ff8787",
    },
    ours={
        "muted": "#afafaf",
        "rule": "#444444",
        "quiet": "#87af87",
        "cursor": "#3a3a3a",
        "cursor-idle": "#262626",
        "marked": "#303030",
    },
)

LIGHT_256 = _theme(
    "light-256",
    dark=False,
    colours={
        "accent": "#005f87",
        "foreground": "#1c1c1c",
        "background": "#ffffff",
        "surface": "#f5f5f5",
        "panel": "#ebebeb",
        "success": "#005f00",
        "warning": "#5f5f00",
        "error": "#af0000",
    },
    ours={
        "muted": "#585858",
        "rule": "#bcbcbc",
        "quiet": "#005f00",
        "cursor": "#d7d7ff",
        "cursor-idle": "#ebebeb",
        "marked": "#d7ffd7",
    },
)

CONTRAST_DARK = _theme(
    "contrast-dark",
    dark=True,
    colours={
        "accent": "#7fd7ff",
        "foreground": "#ffffff",
        "background": "#000000",
        "surface": "#000000",
        "panel": "#101010",
        "success": "#7dff8f",
        "warning": "#ffd75f",
        "error": "#ffb0b0",
    },
    ours={
        "muted": "#d0d0d0",
        "rule": "#8a8a8a",
        "quiet": "#a8dca8",
        "cursor": "#00305c",
        "cursor-idle": "#262626",
        "marked": "#003a12",
    },
)

CONTRAST_LIGHT = _theme(
    "contrast-light",
    dark=False,
    colours={
        "accent": "#003a70",
        "foreground": "#000000",
        "background": "#ffffff",
        "surface": "#ffffff",
        "panel": "#f2f2f2",
        "success": "#00440f",
        "warning": "#503000",
        "error": "#7c0008",
    },
    ours={
        "muted": "#303030",
        "rule": "#5c5c5c",
        "quiet": "#1c4226",
        "cursor": "#bfe0ff",
        "cursor-idle": "#e4e4e4",
        "marked": "#d2f0d8",
    },
)

# For 16-colour terminals and NO_COLOR: the terminal's own colours, the cursor row reversed. What is muted is dimmed
# text rather than "bright black", which some terminals draw as black on black.
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
        "muted": "ansi_default",
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
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_white",
        "scrollbar-active": "ansi_white",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    },
)

# What people choose from: the word in the preferences, what it is, the theme.
CHOICES: tuple[tuple[str, str, Theme], ...] = (
    ("dark", "Dark", DARK),
    ("light", "Light", LIGHT),
    ("contrast-dark", "High contrast, dark", CONTRAST_DARK),
    ("contrast-light", "High contrast, light", CONTRAST_LIGHT),
    ("16", "The terminal's own 16 colours", SIXTEEN),
)

OF_256 = {DARK.name: DARK_256, LIGHT.name: LIGHT_256}

VARIABLE_DEFAULTS = {
    "muted": "ansi_bright_black",
    "rule": "ansi_bright_black",
    "quiet": "ansi_green",
    "cursor": "ansi_blue",
    "cursor-idle": "ansi_default",
    "marked": "ansi_default",
}


def choose(wanted: str, colours: Colours, environ: Mapping[str, str], *, light: bool = False) -> Theme:
    """The theme of a preference. `light`: the terminal said that its background is. Without enough colours
    there is one alone; an unknown word means "auto"."""
    if colours in (Colours.NONE, Colours.SIXTEEN):
        return SIXTEEN
    named = {word: theme for word, _, theme in CHOICES}
    chosen = named.get(wanted) or (LIGHT if light or light_background(environ) else DARK)
    return OF_256.get(chosen.name, chosen) if colours is Colours.MANY else chosen
