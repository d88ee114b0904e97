"""A bug costs the message, or the widget, that it is in: not the session.

Textual ends the program at the first exception that nobody catches. Here each widget, when it is registered, gets its
ways into our code guarded: handling a message, painting, being measured. A message that fails is dropped. A widget
that cannot be painted, composed or mounted shows the line with the id in its place; a screen that cannot be opened is
left again. The bug is told once. The program ends only when there is nothing left to go on with: nothing was shown
yet, or bugs follow one another without end.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from rich.segment import Segment
from textual import events
from textual._context import active_message_pump
from textual.app import App
from textual.dom import DOMNode
from textual.geometry import Region
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import WorkerFailed

from .crash import report_crash
from .ui import Severity, ui_of
from .widgets.line import fit
from .widgets.paint import Palette
from .words import HUMAN_GLYPH, Sign, Tone

MOST_TOLD = 50  # different ones in one session; whoever has seen so many knows
WINDOW_S = 10.0
MOST_WITHIN = 50  # more than a flush gives that fails each time: the other screens can still be used
_OWN_WEIGHT = 10  # of a bug between the keyboard and everything else: who presses six keys in vain shall be let out


class BugsContained(App[int]):
    """An application that goes on after a bug. `crash_log` is where tracebacks go."""

    crash_log: Path

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self.crashes: list[str] = []  # sentences for after the screen is restored
        self.bugs: dict[tuple[object, ...], str] = {}  # by place: what was told of it
        self._lately: deque[float] = deque(maxlen=MOST_WITHIN)
        self._broken: WeakKeyDictionary[Widget, str] = WeakKeyDictionary()  # cannot be shown: what is shown instead

    @abstractmethod
    def toast(self, text: str, severity: Severity = "information") -> None:
        """One line for the user."""

    def tell_bug(self, error: Exception) -> str:
        """One line with its id, which is also returned; the rest is in the crash log. The same bug at the same place is
        told once."""
        place = _place(error)
        if place not in self.bugs:
            if len(self.bugs) >= MOST_TOLD:
                return f"A bug in onviftui ({type(error).__name__})."
            self.bugs[place] = report_crash(error, self.crash_log)
            self.toast(self.bugs[place], "error")
        return self.bugs[place]

    # guards

    def _register_child(self, parent: DOMNode, child: Widget, before: int | None, after: int | None) -> None:
        if child not in self._registry:
            self._guard(child)
        super()._register_child(parent, child, before, after)

    def _guard(self, widget: Widget) -> None:
        kind = type(widget)

        async def dispatch_message(message: Message) -> None:
            try:
                await kind._dispatch_message(widget, message)
            except Exception as error:
                self._contain(error, broken=widget if isinstance(message, events.Compose | events.Mount) else None)

        def render_lines(crop: Region) -> list[Strip]:
            words = self._broken.get(widget, "")
            if not words:
                try:
                    return kind.render_lines(widget, crop)
                except Exception as error:  # it cannot be without end: nothing is painted that has not changed
                    words = self.tell_bug(error)
            return _instead(words, widget, crop)

        def measured(measure: Callable[..., int]) -> Callable[..., int]:
            def cells(*args: Any) -> int:
                try:
                    return measure(widget, *args)
                except Exception as error:
                    self.tell_bug(error)
                    return 1  # room for the line

            return cells

        guards = (
            ("_dispatch_message", dispatch_message),
            ("render_lines", render_lines),
            ("get_content_width", measured(kind.get_content_width)),
            ("get_content_height", measured(kind.get_content_height)),
        )
        for name, guard in guards:
            setattr(widget, name, guard)

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if not self._is_mounted:  # there is nothing yet to go on with
                raise
            self._contain(error, _OWN_WEIGHT)

    def _handle_exception(self, error: Exception) -> None:
        """What Textual catches by itself: timers, workers, compose, layout, what waited until a message was done."""
        if isinstance(error, WorkerFailed) and isinstance(error.error, Exception):
            error = error.error
        pump = active_message_pump.get(None)
        self._contain(error, broken=pump if isinstance(pump, Widget) and not pump.is_mounted else None)

    # what becomes of it

    def _contain(self, error: Exception, weight: int = 1, broken: Widget | None = None) -> None:
        now = time.monotonic()
        self._lately.extend([now] * weight)
        without_end = len(self._lately) == MOST_WITHIN and now - self._lately[0] < WINDOW_S
        nothing_shown = not self._is_mounted or (isinstance(broken, Screen) and len(self.screen_stack) <= 1)
        if without_end or nothing_shown:
            self._end(error)
            return
        if broken in self._broken:
            return  # of what is not there because of the first one
        words = self.tell_bug(error)
        if broken is not None:
            self._broken[broken] = words
            if isinstance(broken, Screen):
                self.call_later(self._leave_screen, broken)

    def _leave_screen(self, screen: Screen[Any]) -> None:
        if self.screen is screen and len(self.screen_stack) > 1:
            self.pop_screen()

    def _end(self, error: Exception) -> None:
        """Textual would print a traceback with local variables, passwords included; we print one line."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self.crashes.append(report_crash(error, self.crash_log))
        self._close_messages_no_wait()


def _place(error: Exception) -> tuple[object, ...]:
    """Where it is, by the lines that are not Textual's: the same bug comes up by several ways through it."""
    lines, frame = [], error.__traceback__
    while frame is not None:
        module = frame.tb_frame.f_globals.get("__name__", "")
        if module != __name__ and not module.startswith("textual."):
            lines.append((module, frame.tb_lineno))
        frame = frame.tb_next
    return (type(error), *lines)


def _instead(words: str, widget: Widget, crop: Region) -> list[Strip]:
    """The words on the first line of the widget, nothing on the others."""
    palette = Palette(widget)
    text = f" {ui_of(widget).look.glyph(Sign(*HUMAN_GLYPH, ''))} {words}"
    blank = Strip.blank(crop.width, palette.style(Tone.TEXT))
    told = Strip([Segment(fit(text, crop.right), palette.style(Tone.ERROR))]).crop(crop.x, crop.right)
    return [told if y == 0 else blank for y in range(crop.y, crop.bottom)]
