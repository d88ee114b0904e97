"""Runs the real application against a daemon on a socket, presses keys, and reads the screen as text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from onviftui.app import OnviftuiApp
from onviftui.store import Link
from onviftui.widgets.livetable import LiveTable
from onviftui.words import Look
from proxyd.api.dial import Dial

WAIT_S = 60.0
NARROW = (80, 24)
WIDE = (120, 40)
HUGE = (160, 48)


class Ui:
    """The application under test and its pilot."""

    def __init__(self, app: OnviftuiApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """The visible screen, line by line."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    def line_with(self, words: str) -> str:
        return next((line for line in self.text.splitlines() if words in line), "")

    @property
    def table(self) -> LiveTable:
        """The table of the visible view or dialog."""
        tables = [table for table in self.app.screen.query(LiveTable) if table.region.area]
        return tables[0]

    @property
    def toasts(self) -> list[str]:
        return [notice.message for notice in self.app._notifications]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def write(self, text: str) -> None:
        """Paste into the focused input."""
        assert isinstance(self.app.focused, Input), self.app.focused
        self.app.focused.insert_text_at_cursor(text)
        await self.pilot.pause()

    async def until(self, holds: Callable[[], bool], what: str = "") -> None:
        """Wait until the condition holds."""
        try:
            async with asyncio.timeout(WAIT_S):
                while not holds():
                    await self.pilot.pause(0.01)
        except TimeoutError:
            raise AssertionError(f"never happened: {what}\ntoasts: {self.toasts}\n{self.text}") from None

    async def sees(self, words: str) -> None:
        await self.until(lambda: words in self.text, f"{words!r} on the screen")

    async def hears(self, words: str) -> None:
        await self.until(lambda: any(words in toast for toast in self.toasts), f"{words!r} in a toast")


@asynccontextmanager
async def running_ui(
    socket: Path,
    size: tuple[int, int] = NARROW,
    *,
    ascii_only: bool = False,
    connected: bool = True,
    where: Dial | None = None,
    guide: bool = False,
    bugs: bool = False,
) -> AsyncIterator[Ui]:
    """`where`: the way to the daemon, as a session that is not the user's own has it. `guide`: it opens by itself where
    nothing is set up yet, as it does for people. `bugs`: the test brings some; without, each one that the application
    contained fails the test."""
    app = OnviftuiApp(where or socket, Look(ascii=ascii_only), log=socket.parent / "crash.log", guide=guide)
    async with app.run_test(size=size) as pilot:
        ui = Ui(app, pilot)
        if connected:
            await ui.until(lambda: app.store.link is Link.LIVE, "a connection")
            await ui.until(lambda: app._flush_timer is None, "the first flush")
            await pilot.pause()
        yield ui
    assert bugs or not app.bugs, app.crash_log.read_text()
