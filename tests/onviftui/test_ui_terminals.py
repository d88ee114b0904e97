"""Colours by kind of terminal and by theme: what comes out on a real pty, and that everything can be read."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

from onviftui.terminal import Colours, colours_of, correct_colorterm, light_background, speaks_utf8
from onviftui.theme import CHOICES, CONTRAST_DARK, CONTRAST_LIGHT, DARK, DARK_256, LIGHT, LIGHT_256, SIXTEEN, choose
from onviftui.words import Tone, camera_sign, job_sign, nvr_sign
from proxyd.api.models import CameraState, JobState, NvrState

from .fake_daemon import FakeDaemon, camera
from .pty_terminal import terminal
from .ui_driver import running_ui

# TERM, and what it means without COLORTERM and with COLORTERM=truecolor
TERMS = (
    ("xterm-256color", Colours.MANY, Colours.TRUE),
    ("tmux-256color", Colours.MANY, Colours.TRUE),
    ("screen-256color", Colours.MANY, Colours.MANY),
    ("xterm-kitty", Colours.TRUE, Colours.TRUE),
    ("alacritty", Colours.TRUE, Colours.TRUE),
    ("foot", Colours.TRUE, Colours.TRUE),
    ("foot-extra", Colours.TRUE, Colours.TRUE),
    ("wezterm", Colours.TRUE, Colours.TRUE),
    ("xterm-ghostty", Colours.TRUE, Colours.TRUE),
    ("xterm-direct", Colours.TRUE, Colours.TRUE),
    ("linux", Colours.SIXTEEN, Colours.SIXTEEN),
    ("vt100", Colours.NONE, Colours.NONE),
    ("vt220", Colours.NONE, Colours.NONE),
    ("vte-256color", Colours.MANY, Colours.TRUE),
    ("putty-256color", Colours.MANY, Colours.TRUE),
    ("putty", Colours.SIXTEEN, Colours.TRUE),
    ("xterm", Colours.SIXTEEN, Colours.TRUE),
    ("screen", Colours.SIXTEEN, Colours.SIXTEEN),
    ("dumb", Colours.NONE, Colours.NONE),
    ("", Colours.NONE, Colours.NONE),
)
_ON_A_PTY = (
    ("xterm-256color", ""),
    ("xterm-256color", "truecolor"),
    ("tmux-256color", ""),
    ("screen-256color", "truecolor"),
    ("xterm-kitty", ""),
    ("alacritty", ""),
    ("foot", ""),
    ("wezterm", ""),
    ("xterm-ghostty", ""),
    ("linux", "truecolor"),
    ("vt100", "truecolor"),
    ("putty-256color", ""),
    ("xterm", ""),
    ("dumb", ""),
)


@pytest.mark.parametrize(("term", "bare", "promised"), TERMS)
def test_a_terminals_name_tells_its_colours(term: str, bare: Colours, promised: Colours) -> None:
    assert colours_of({"TERM": term}) is bare
    assert colours_of({"TERM": term, "COLORTERM": "truecolor"}) is promised
    assert colours_of({"TERM": term, "COLORTERM": "truecolor", "NO_COLOR": "1"}) is Colours.NONE
    expected = {Colours.NONE: SIXTEEN, Colours.SIXTEEN: SIXTEEN, Colours.MANY: DARK_256, Colours.TRUE: DARK}
    assert choose("auto", bare, {}) is expected[bare]


def test_tmux_is_believed_where_its_name_is_that_of_screen() -> None:
    inside = {"TERM": "screen-256color", "COLORTERM": "truecolor", "TMUX": "/tmp/tmux-1/default,1,0"}
    assert colours_of(inside) is Colours.TRUE


def _colours_sent(output: bytes) -> Colours:
    """The richest colours among the SGR sequences."""
    sent = Colours.NONE
    for match in re.finditer(rb"\x1b\[([0-9;]*)m", output):
        text = b";" + match[1] + b";"
        if b";38;2;" in text or b";48;2;" in text:
            return Colours.TRUE
        if b";38;5;" in text or b";48;5;" in text:
            sent = Colours.MANY
        elif sent is Colours.NONE and re.search(rb";(3[0-7]|4[0-7]|9[0-7]|10[0-7]);", text):
            sent = Colours.SIXTEEN
    return sent


@pytest.mark.parametrize(("term", "colorterm"), _ON_A_PTY)
async def test_the_terminal_gets_only_colours_that_it_knows(tmp_path: Path, term: str, colorterm: str) -> None:
    expected = {name: (bare, promised) for name, bare, promised in TERMS}[term][bool(colorterm)]
    async with FakeDaemon(tmp_path / "s", 4):
        with terminal(tmp_path / "s", TERM=term, COLORTERM=colorterm) as screen:
            await screen.sees(b"All cameras run.")
            screen.press(b"q")
            assert await screen.ended() == 0
            assert _colours_sent(screen.output) is expected
            accent = Color.parse(DARK.accent or "")
            rgb = f"38;2;{accent.r};{accent.g};{accent.b}".encode()
            assert (rgb in screen.output) == (expected is Colours.TRUE)
            assert screen.output.isascii() == (term in ("linux", "vt100", "dumb"))


def test_the_environment_is_put_right_before_textual_reads_it() -> None:
    env = {"TERM": "vt100", "COLORTERM": "truecolor"}
    correct_colorterm(env)
    assert env == {"TERM": "vt100", "NO_COLOR": "1"}
    assert not speaks_utf8(env | {"LANG": "C.UTF-8"})
    assert speaks_utf8({"TERM": "vte-256color", "LANG": "C.UTF-8"})


@pytest.mark.parametrize(("term", "copies"), [("xterm-256color", True), ("linux", False), ("vt220", False)])
async def test_copying_is_said_to_work_only_where_there_is_a_clipboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, term: str, copies: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    async with FakeDaemon(tmp_path / "s", 2) as daemon, running_ui(tmp_path / "s") as ui:
        await ui.press("2", "y", "y")
        await ui.hears("Copied the address of" if copies else "The address of 01 Front gate: 127.0.10.1")
        assert bool(ui.app.clipboard) is copies
        ui.app.copy(daemon.password, "password")
        await ui.hears("Copied the password." if copies else "This terminal has no clipboard.")
        assert daemon.password not in ui.text


def test_a_preference_is_kept_where_the_terminal_can_show_it() -> None:
    for word, _, theme in CHOICES:
        assert choose(word, Colours.TRUE, {}) is theme
        assert choose(word, Colours.SIXTEEN, {}) is SIXTEEN
    assert choose("no such theme", Colours.TRUE, {"COLORFGBG": "0;15"}) is LIGHT
    assert choose("light", Colours.MANY, {}) is LIGHT_256
    assert choose("auto", Colours.MANY, {}) is DARK_256
    assert light_background({"COLORFGBG": "0;default;15"})
    assert not light_background({"COLORFGBG": "15;0"})


def _luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    parsed = Color.parse(colour)
    parts = [value / 255 for value in (parsed.r, parsed.g, parsed.b)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("theme", "least"),
    [(DARK, 4.5), (LIGHT, 4.5), (DARK_256, 4.5), (LIGHT_256, 4.5), (CONTRAST_DARK, 7.0), (CONTRAST_LIGHT, 7.0)],
    ids=lambda value: getattr(value, "name", None),
)
def test_every_tone_can_be_read_on_every_background(theme: Theme, least: float) -> None:
    ours = theme.variables
    tones = {
        Tone.TEXT: theme.foreground,
        Tone.STRONG: theme.foreground,
        Tone.MUTED: ours["muted"],
        Tone.ACCENT: theme.accent,
        Tone.SUCCESS: theme.success,
        Tone.QUIET: ours["quiet"],
        Tone.WARNING: theme.warning,
        Tone.ERROR: theme.error,
    }
    assert set(tones) == set(Tone)
    grounds = {"background": theme.background, "surface": theme.surface, "panel": theme.panel}
    grounds |= {name: ours[name] for name in ("cursor", "cursor-idle", "marked")}
    for (tone, colour), (name, ground) in itertools.product(tones.items(), grounds.items()):
        assert _contrast(colour or "", ground or "") >= least, f"{tone} on {name} of {theme.name}"


@pytest.mark.parametrize("theme", [DARK_256, LIGHT_256], ids=lambda theme: theme.name)
def test_in_256_colours_backgrounds_keep_their_hue(theme: Theme) -> None:
    """The terminal's nearest colour is near: no row turns from grey to teal."""
    ours = theme.variables
    grounds = [theme.background, theme.surface, theme.panel, *(ours[n] for n in ("cursor", "cursor-idle", "marked"))]
    for wanted in (*grounds, ours["rule"], theme.accent, theme.error, theme.warning, theme.success):
        colour = RichColor.parse(wanted or "")
        shown = colour.downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
        assert colour.triplet is not None
        assert max(abs(a - b) for a, b in zip(colour.triplet, shown, strict=True)) <= 10, (wanted, shown)


def test_no_state_is_told_by_its_colour_alone() -> None:
    """Without colour, each state differs from the others by its word; glyphs alone tell who has to act."""
    cameras = [camera_sign(camera(1, state)) for state in CameraState]
    cameras.append(camera_sign(camera(1, clients=1)))
    for signs in (cameras, [nvr_sign(state) for state in NvrState], [job_sign(state) for state in JobState]):
        assert len({sign.word for sign in signs}) == len(signs)
        for glyph in ("glyph", "ascii"):
            urgent = {getattr(sign, glyph) for sign in signs if sign.tone is Tone.ERROR}
            calm = {getattr(sign, glyph) for sign in signs if sign.tone is not Tone.ERROR}
            assert not urgent & calm
            waiting = {getattr(sign, glyph) for sign in signs if sign.tone is Tone.WARNING}
            assert not waiting & {getattr(s, glyph) for s in signs if s.tone in (Tone.SUCCESS, Tone.QUIET, Tone.MUTED)}
