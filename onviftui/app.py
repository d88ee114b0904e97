"""The application: connection, the 4 Hz flush from store to screen, views, quitting."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from textual import events
from textual.await_complete import AwaitComplete
from textual.driver import Driver
from textual.screen import Screen
from textual.timer import Timer

from proxyd.api.dial import Dial

from .actions import Acting
from .crash import crash_log
from .key_order import KeysInOrder
from .keys import app_bindings, goes_back, withheld
from .layers import Layered
from .leaving import AlwaysLeft
from .live import Live
from .opened import open_palette
from .pace import Pace
from .pictures.asking import PictureTerminal, asking
from .preferences import Preferences, default_path
from .preferring import Preferring
from .roles import refusal
from .screens.live_screen import LiveScreen
from .screens.main import MainScreen
from .screens.too_small import TooSmall, too_small
from .store import Link, Store
from .terminal import correct_colorterm, may_ask_background, speaks_utf8
from .theme import AUTO
from .wizard.places import first_run
from .words import Look

FLUSH_S = 0.25  # from one frame that data brings to the next
QUIT_WINDOW_S = 2.0
CLOSE_DEADLINE_S = 2.0
CONNECT_AGAIN_S = 2.0  # after a bug


class OnviftuiApp(AlwaysLeft, KeysInOrder, Acting, Preferring, Layered):
    """`where` is the daemon's socket, or how to get a connection to it. The rest has defaults that tests change."""

    TITLE = "onviftui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    ENABLE_COMMAND_PALETTE = False  # Textual's; ours has every key of the place where one is
    BINDINGS = app_bindings()

    def __init__(
        self,
        where: Path | Dial,
        look: Look | None = None,
        log: Path | None = None,
        preferences: Path | None = None,
        *,
        guide: bool = False,
    ) -> None:
        """`guide`: the guide opens by itself where nothing is set up yet."""
        super().__init__(plain="NO_COLOR" in os.environ)
        self.take_preferences(preferences)
        self.store = Store()
        self.live = Live(where, self.store)
        self.look = look or Look()
        self.host = platform.node()
        self.pictures = PictureTerminal(self)
        self.crash_log = log or crash_log()
        self.left_out: set[int] = set()
        self._guides = guide
        self._connection: asyncio.Task[None] | None = None
        self._flush_timer: Timer | None = None
        self._pace = Pace(FLUSH_S)
        self._to_paint = False  # what the last look brought
        self._arrived: list[Callable[[], None]] = []
        self._last_interrupt = -QUIT_WINDOW_S
        self._main = MainScreen()

    # start

    def get_default_screen(self) -> Screen[Any]:
        return self._main

    def on_load(self) -> None:
        """Before anything is there that would have to be restyled."""
        self.set_class(self.look.ascii, "-ascii")

    def on_mount(self) -> None:
        self.store.on_change = self._changed
        self._connect()

    def on_ready(self) -> None:
        """The first frame is there, and has not waited for an answer."""
        self._ask_background()

    def preferences_changed(self, before: Preferences) -> None:
        super().preferences_changed(before)
        if self.preferences.theme != before.theme:
            self._ask_background()

    def _ask_background(self) -> None:
        if self.wanted_theme == AUTO and may_ask_background(os.environ, self.colours):
            self.pictures.work(self._main, self._suit_background(), "background")

    async def _suit_background(self) -> None:
        """On a light terminal the automatic theme is the light one from here on."""
        self.light = await self.pictures.is_light()
        if self.light and self.wanted_theme == AUTO:
            self.dress()

    def _connect(self) -> None:
        self._connection = asyncio.create_task(self.live.run(), name="live connection")
        self._connection.add_done_callback(self._connection_ended)

    def on_resize(self, event: events.Resize) -> None:
        if too_small(event.size) and not any(isinstance(screen, TooSmall) for screen in self.screen_stack):
            self.push_screen(TooSmall())

    async def on_unmount(self) -> None:
        """Close the connection before the loop ends, so that nothing is left to the garbage collector."""
        if self._connection is not None:
            self._connection.cancel()
            await asyncio.wait({self._connection}, timeout=CLOSE_DEADLINE_S)

    def _connection_ended(self, task: asyncio.Task[None]) -> None:
        """It goes on for ever, but for a bug: then it begins anew with all of the data."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.tell_bug(error)
            self.store.set_link(Link.AWAY, "a bug in onviftui ended the connection")
            self.set_timer(CONNECT_AGAIN_S, self._connect)

    def get_driver_class(self) -> type[Driver]:
        return asking(super().get_driver_class())

    def local_now(self) -> datetime:
        return datetime.now(UTC).astimezone()

    def software(self) -> Mapping[str, str]:
        from .screens.about import software  # nobody waits for it at the start

        return software()

    # store → screen

    def _changed(self) -> None:
        """A write happened: look at the store soon, but leave FLUSH_S between what is painted for it."""
        if self._flush_timer is None:
            wait_s = max(0.001, self._pace.wait_s(time.monotonic()))
            self._flush_timer = self.set_timer(wait_s, self._look_at_store, name="flush")

    def with_data(self, show: Callable[[], None]) -> None:
        """In the same frame as what the store brings."""
        self._arrived.append(show)
        self._changed()

    def _look_at_store(self) -> None:
        self._flush_timer = None
        if self._pace.wait_s(time.monotonic()) > 0:  # what was painted last came later than it was asked for
            self._changed()
            return
        self._pace.ended(time.monotonic())
        self._to_paint = True
        arrived, self._arrived = self._arrived, []
        for show in arrived:
            try:
                show()
            except Exception as error:
                self.tell_bug(error)
        changes = self.store.take()
        if self._guides and self.store.status is not None:
            self._guides = False
            if first_run(self.store) and len(self.screen_stack) == 1:
                self.open_wizard()
        for screen in reversed(self.screen_stack):
            if isinstance(screen, LiveScreen) and screen.is_mounted:
                try:
                    screen.apply(changes)
                except Exception as error:  # a bug in what one screen makes of the data
                    self.tell_bug(error)

    def painted(self) -> None:
        """The next data waits from here; what keys bring does not count."""
        if self._to_paint:
            self._to_paint = False
            self._pace.ended(time.monotonic())

    def show_doing(self) -> None:
        if not self._running:
            return
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen) and screen.is_mounted:
                screen.show_doing(self.doing)

    # views and keys that work everywhere

    @property
    def view_id(self) -> str:
        """Which rows of the key table apply now."""
        if isinstance(self.screen, LiveScreen) and self.screen.view_id:
            return self.screen.part_id
        return str(self._main.view.id)

    def show_view(self, view: str, filter_text: str = "") -> None:
        self._go_to(view, filter_text)

    def show_nvr(self, nvr: int) -> None:
        """The NVRs, with the cursor on this one."""
        self._go_to("nvrs", row=nvr)

    def _go_to(self, view: str, filter_text: str = "", row: int | None = None) -> AwaitComplete:
        while len(self.screen_stack) > 1:
            self.pop_screen()
        return self._main.show_view(view, filter_text, row)

    @property
    def marked_cameras(self) -> list[int]:
        """Those that the user has marked, where marks can be seen."""
        return self._main.marked_cameras if self.screen is self._main else []

    async def action_view(self, view: str) -> None:
        """The next keys are meant for it, so they wait until it is there."""
        await self._go_to(view)

    def action_go_back(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self._main.view.step_back()

    def action_undo(self) -> None:
        self.undo()

    def action_help(self) -> None:
        from .screens.help import Help  # nobody waits for it at the start

        self.push_screen(Help(self.view_id))

    def action_palette(self) -> None:
        open_palette(self)

    def action_leave(self) -> None:
        self.exit(0)

    def action_interrupt(self) -> None:
        """ctrl-c: the first one warns, the second within two seconds quits."""
        now = time.monotonic()
        if now - self._last_interrupt < QUIT_WINDOW_S:
            self.exit(0)
            return
        self._last_interrupt = now
        self.toast("Press ctrl-c once more to quit. Cameras go on running.")

    def on_key_footer_pressed(self, message: Any) -> None:
        self.simulate_key(message.key.keys.split(",")[0])

    def _withheld(self, action: Any) -> bool:
        """The role may not do that: it is not offered, and a key that is pressed all the same says why."""
        if not isinstance(self.screen, LiveScreen):
            return False  # a dialog's keys are its own; what may not be done has not opened it
        key = withheld(self.view_id, action_name(action), self.store.role)
        if key is not None:
            self.toast(refusal(self.store.role, key.role, key.label or key.help), "warning")
        return key is not None

    def _gives_up(self, action: Any) -> bool:
        """Esc, while the footer says that the daemon is asked something: do not wait for it, and stay here."""
        if not isinstance(self.screen, LiveScreen) or not goes_back(self.view_id, action_name(action)):
            return False
        return self.stop_waiting()

    # bugs

    async def run_action(self, action: Any, *args: Any, **kwargs: Any) -> bool:
        """A bug behind one key costs that key press, not the session."""
        try:
            return self._withheld(action) or self._gives_up(action) or await super().run_action(action, *args, **kwargs)
        except Exception as error:
            self.tell_bug(error)
            return True


def action_name(action: Any) -> str:
    """Of an action as Textual has it: "app.sort(1)", or the three parts of that."""
    name: str = action.partition("(")[0].rpartition(".")[2] if isinstance(action, str) else action[1]
    return name


def run(where: Path | Dial, *, mouse: bool = True) -> int:
    """The UI until the user leaves; the exit code. Needs a terminal. `mouse` False: not even where it is preferred."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        sys.stderr.write("onviftui: the UI needs a terminal. For scripts try: onviftui camera list --json\n")
        return 2
    correct_colorterm(os.environ)
    app = OnviftuiApp(
        where, Look(ascii=not speaks_utf8(os.environ)), preferences=default_path(os.environ, Path.home()), guide=True
    )
    app.mouse = mouse and app.preferences.mouse
    app.run(mouse=app.mouse)
    for sentence in app.crashes[:1]:
        sys.stderr.write(f"onviftui: {sentence}\n")
    return app.return_code or 0
