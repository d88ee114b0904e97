"""How the application looks: themes, their choice and preview, few colours, nothing that moves, and the mouse."""

from __future__ import annotations

import os

from textual import events
from textual.app import App
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Input

from .terminal import Colours
from .theme import AUTO, CHOICES, OF_256, VARIABLE_DEFAULTS, choose

# As Rich calls them; it has read the environment that `terminal.correct_colorterm` put right.
_SYSTEMS = {"standard": Colours.SIXTEEN, "256": Colours.MANY, "truecolor": Colours.TRUE}
_MOUSE_ON = "\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h"
_MOUSE_PIXELS = "\x1b[?1016h"
_MOUSE_OFF = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"


class Dressed(App[int]):
    """An application in one of our themes. `wanted_theme` is the preference ("auto", or a word of `theme.CHOICES`)."""

    wanted_theme: str = AUTO
    light: bool = False  # the terminal said so of its background
    mouse: bool = True  # whether the terminal is asked to report it

    def on_load(self) -> None:
        """Nothing moves by itself: what changes is drawn once, and a line over SSH costs nothing while all stands."""
        self.animation_level = "none"
        self.dress()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A cursor that blinks would send bytes for ever."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    @property
    def colours(self) -> Colours:
        """How many the terminal has."""
        if self.no_color:
            return Colours.NONE
        return _SYSTEMS.get(self.console.color_system or "", Colours.NONE)

    def dress(self, wanted: str | None = None) -> None:
        """Take the theme of `wanted`, or of the preference when it is None (also to end a preview)."""
        for theme in (*(choice[2] for choice in CHOICES), *OF_256.values()):
            if theme.name not in self.available_themes:
                self.register_theme(theme)
        chosen = choose(self.wanted_theme if wanted is None else wanted, self.colours, os.environ, light=self.light)
        self.set_class(chosen.ansi, "-few-colours")
        self.theme = chosen.name

    def refresh_css(self, animate: bool = True) -> None:
        """Tones come from the lowest screen (`widgets.paint`); Textual 8.2 styles it after it drew those above."""
        super().refresh_css(animate=animate)
        for screen in self.screen_stack[1:]:
            for widget in screen.walk_children(Widget):
                widget.notify_style_update()
                widget.refresh()

    @property
    def themes(self) -> tuple[tuple[str, str, Theme], ...]:
        """Those that this terminal can show."""
        few = self.colours in (Colours.NONE, Colours.SIXTEEN)
        return tuple(choice for choice in CHOICES if choice[2].ansi or not few)

    def set_mouse(self, on: bool) -> None:
        """Off, the terminal selects text by itself. Textual knows this only at its start, so we write the sequences."""
        if on == self.mouse:
            return
        self.mouse = on
        driver = self._driver
        if driver is not None and not self.is_headless:
            driver._mouse = on  # private in Textual 8.2; it is asked again when the terminal is restored
            in_pixels = _MOUSE_PIXELS if getattr(driver, "_mouse_pixels", False) else ""
            driver.write(_MOUSE_ON + in_pixels if on else _MOUSE_OFF)
            driver.flush()
