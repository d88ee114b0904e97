"""The UI with a scene on it, and how it is led there by keys, in a terminal that does not depend on where tests run.

Quicker than `ui_driver` alone: a key is done when nothing is ready to run any more, not when the process has needed no
processor for a while. So it is only for what waits for nothing but its own daemon.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sized
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from textual import events
from textual.geometry import Size
from textual.keys import _character_to_key, key_to_character
from textual.pilot import Pilot
from textual.screen import Screen
from textual.worker import Worker

from onviftui.app import OnviftuiApp
from onviftui.screens.contact_sheet import ContactSheet
from onviftui.screens.snapshot import SnapshotScreen
from onviftui.store import Link
from onviftui.widgets.livetable import LiveTable
from onviftui.words import Look
from proxyd.api.dial import own

from .fake_daemon import FakeDaemon
from .scenes import NOW, Scene
from .ui_driver import WAIT_S, Ui

SETTLE_S = 5.0  # data that never stops coming holds a key up no longer than this
_QUIET_ROUNDS = 3
_TERMINAL = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "TMUX", "STY", "NO_COLOR", "ONVIFTUI_PICTURES")


class StagedApp(OnviftuiApp):
    """The real one, but for the clock, the host's name and what is installed there."""

    def local_now(self) -> datetime:
        return NOW

    def software(self) -> Mapping[str, str]:
        return dict.fromkeys(super().software(), "1.2.3")


class Stage(Ui):
    """The UI and the daemon behind it."""

    def __init__(self, app: OnviftuiApp, pilot: Pilot[int], daemon: FakeDaemon) -> None:
        super().__init__(app, pilot)
        self.daemon = daemon

    async def play(self, keys: Iterable[str]) -> None:
        """As in `Scene.keys`. Raises LookupError where a row is not there."""
        for key in keys:
            if key.startswith("="):
                await self.write(key[1:].replace("{folder}", str(self.daemon.socket.parent)))
            elif key.startswith("@"):
                self._move_to(key[1:])
            else:
                await self.press(key)
            await self.all_there()

    async def press(self, *keys: str) -> None:
        for key in keys:
            name = key if len(key) > 1 or key.isalnum() else _character_to_key(key)
            event = events.Key(name, key_to_character(name))
            event.set_sender(self.app)
            self.app.post_message(event)
            await self.settled()

    async def settled(self) -> None:
        """The application has nothing left to do but to wait: for the terminal, the daemon or a clock."""
        until = time.monotonic() + SETTLE_S
        await _quiet_loop(until)
        while (undrawn := self._undrawn()) and time.monotonic() < until:  # what is drawn may set something off, too
            for screen in undrawn:
                screen._on_timer_update()
            await _quiet_loop(until)

    def _undrawn(self) -> list[Screen[Any]]:
        """The screens that can be seen, those that shine through the top one too, and wait for their next frame."""
        if not self.app._screen_stack:
            return []
        seen = [*self.app._background_screens, self.app.screen]
        flags = ("_layout_required", "_scroll_required", "_repaint_required", "_dirty_widgets", "_callbacks")
        return [screen for screen in seen if any(getattr(screen, flag) for flag in flags)]

    async def all_there(self) -> None:
        """Nothing is asked or waits to be shown any more."""
        await self.settled()
        try:
            async with asyncio.timeout(WAIT_S):
                while (waits := self.app._flush_timer) is not None or self._asking():
                    await asyncio.sleep(0.002)
                    await self.settled()
        except TimeoutError:
            raise AssertionError(f"never quiet: data {waits}, asked {self._asking()}\n{self.text}") from None

    def _asking(self) -> list[Worker[Any]]:
        return [worker for worker in self.app.workers if not worker.is_finished]

    async def resize(self, columns: int, lines: int) -> None:
        """As a window that is dragged; what waits a little before it draws anew has done so afterwards."""
        driver, size = self.app._driver, Size(columns, lines)
        assert driver is not None
        driver._size = size
        self.app.post_message(events.Resize(size, size))
        await self.until(lambda: self.app.screen.size == size, "the new size")
        await self.settled()
        slow = [screen for screen in self.app.screen_stack if isinstance(screen, ContactSheet | SnapshotScreen)]
        await self.until(lambda: all(screen._resized is None for screen in slow), "pictures for the new size")
        await self.all_there()

    def _move_to(self, words: str) -> None:
        for table in self.app.screen.query(LiveTable):
            row = next((row for row in table.keys if table.region.area and words in table.text_of(row)), None)
            if row is not None:
                table.move_to(row)
                return
        raise LookupError(f"no row with {words!r}:\n{self.text}")


async def _quiet_loop(until: float) -> None:
    """Some rounds of the event loop in which nothing was ready to run and nothing had come by a socket."""
    ready: Sized = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # nothing public tells
    quiet = 0
    while quiet < _QUIET_ROUNDS and time.monotonic() < until:
        await asyncio.sleep(0)
        quiet = 0 if len(ready) else quiet + 1


@asynccontextmanager
async def on_stage(
    scene: Scene, size: tuple[int, int], folder: Path, *, ascii_only: bool = False
) -> AsyncIterator[Stage]:
    """The UI, when everything that the scene asked for has arrived. `folder` for the socket. A bug that the application
    contained meanwhile fails the test."""
    socket = folder / "s"
    with _terminal(scene.environ):
        async with FakeDaemon(socket, 16) as daemon:
            scene.fill(daemon)
            where = own(socket) if scene.by_ssh else socket
            app = StagedApp(where, Look(ascii=ascii_only), log=folder / "crash.log")
            app.host = "garage-box"
            async with app.run_test(size=size) as pilot:
                ui = Stage(app, pilot, daemon)
                await ui.until(lambda: app.store.link is Link.LIVE, "a connection")
                await ui.all_there()
                await ui.play(scene.keys)
                yield ui
            assert not app.bugs, app.crash_log.read_text()


@contextmanager
def _terminal(environ: Mapping[str, str]) -> Iterator[None]:
    """A terminal of many colours on the same machine, but for what `environ` says."""
    wanted = {"COLORTERM": "truecolor", "TERM": "xterm-256color", **environ}
    names = {*_TERMINAL, *wanted}
    before = {name: os.environ.get(name) for name in names}
    for name in names:
        os.environ.pop(name, None)
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
