"""Themes as they are seen: nothing keeps the colours of the one before."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style
from textual.theme import Theme

from onviftui.theme import CONTRAST_LIGHT, DARK, LIGHT, SIXTEEN
from onviftui.widgets.paint import Lines
from onviftui.words import Tone

from .fake_daemon import FakeDaemon
from .ui_driver import Ui, running_ui


@pytest.fixture
def socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path / "s"


def style_of(ui: Ui, words: str) -> Style:
    """Of the first piece on the screen that has these words."""
    strips = ui.app.screen._compositor.render_strips()
    found = [piece.style for strip in strips for piece in strip if words in piece.text]
    assert found and found[0] is not None, f"{words!r} is not there\n{ui.text}"
    return found[0]


def colour(style: Style) -> str:
    assert style.color is not None
    return style.color.name


@pytest.mark.parametrize(("typed", "theme"), [("light", LIGHT), ("contrast, light", CONTRAST_LIGHT)])
async def test_a_theme_that_is_looked_at_in_the_palette_is_everywhere(socket: Path, typed: str, theme: Theme) -> None:
    async with FakeDaemon(socket, 4), running_ui(socket) as ui:
        await ui.press("colon")
        for letter in typed:  # each of them finds something else, and may show another theme
            await ui.press({" ": "space", ",": "comma"}.get(letter, letter))
        await ui.until(lambda: ui.app.theme == theme.name, "a preview")
        await ui.pilot.pause()
        assert colour(style_of(ui, "Theme:")) == theme.foreground
        assert colour(style_of(ui, "Enter does it")) == theme.variables["muted"]
        await ui.press("escape")
        await ui.until(lambda: ui.app.theme == DARK.name, "the theme of before")
        await ui.pilot.pause()
        assert colour(style_of(ui, "Overview")) == DARK.foreground


async def test_with_few_colours_the_row_of_the_cursor_has_one_look(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.change("camera", daemon.tables["camera"][1].model_copy(update={"clients": 1, "recorder": "10.77.0.3"}))
        await ui.press("2")
        await ui.sees("10.77.0.3")
        ui.app.dress("16")
        await ui.pilot.pause()
        assert ui.app.theme == SIXTEEN.name
        y = next(n for n, row in enumerate(ui.text.splitlines()) if "01 Front gate" in row)
        strip = ui.app.screen._compositor.render_strips()[y]
        looks = {str(piece.style) for piece in strip if "▸" in strip.text and piece.style and piece.style.reverse}
        assert len(looks) == 1, looks
        reversed_cells = sum(piece.cell_length for piece in strip if piece.style and piece.style.reverse)
        assert reversed_cells >= ui.app.size.width - 1
        lines = next(iter(ui.app.screen.query(Lines)))
        assert lines._palette.style(Tone.ERROR) != lines._palette.style(Tone.TEXT), "other rows keep their tones"
