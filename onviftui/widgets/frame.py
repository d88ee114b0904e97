"""The frame around every view: header line, tab line, footer, and the alarm lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from ..alarms import Alarm
from ..keys import STAY, VIEWS, Key, footer_keys
from ..roles import may
from ..store import Link, Store
from ..ui import ui_of
from ..words import HUMAN_GLYPH, OFF_GLYPH, ON_GLYPH, WAITING_GLYPH, Look, Sign, Tone, count, format_mbit
from .line import Line, Piece, line, line_len, plain, spread
from .paint import Lines

_TYPING = line((" Enter ", Tone.ACCENT), ("keep it  ", Tone.MUTED), ("Esc ", Tone.ACCENT), ("drop it", Tone.MUTED))


def header_line(store: Store, look: Look, host: str, width: int) -> Line:
    """Program, host, cameras by state, bit rate; or that the daemon is away. Changes only when data does."""
    left = line((" onviftui", Tone.ACCENT), (f"  {plain(host)}", Tone.MUTED))
    if store.link is Link.AWAY and store.other_version:
        return spread(left, line((f"{store.other_version} ", Tone.ERROR)), width)
    if store.link is Link.AWAY:
        if store.status is None:
            return spread(left, line(("proxyd is not running, trying again… ", Tone.ERROR)), width)
        return spread(left, line(("proxyd is away, reconnecting… ", Tone.ERROR)), width)
    if store.link is Link.CONNECTING:
        return spread(left, line(("connecting… ", Tone.MUTED)), width)
    counts = store.counts()
    right: list[Piece] = [(count(counts.cameras, "camera"), Tone.TEXT)]
    for number, glyph in (
        (counts.good, ON_GLYPH),
        (counts.waiting, WAITING_GLYPH),
        (counts.off, OFF_GLYPH),
        (counts.bad, HUMAN_GLYPH),
    ):
        if number:
            tone = Tone.SUCCESS if glyph is ON_GLYPH else glyph[2]
            right += [("  ", Tone.TEXT), (f"{look.glyph(Sign(*glyph, ''))} {number}", tone)]
    if counts.bps:
        right.append((f"  {format_mbit(counts.bps):>5} Mbit/s", Tone.TEXT))
    if store.other_version:
        right.append(("  other version", Tone.WARNING))
    if store.status and store.status.role == "viewer":
        right.append(("  view only", Tone.WARNING))
    return spread(left, (*right, (" ", Tone.TEXT)), width)


class Tabs(Lines):
    """One line with the views and their digits; a click switches."""

    class Chosen(Message):
        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    def show_active(self, active: str) -> None:
        pieces: list[Piece] = [(" ", Tone.TEXT)]
        for view, digit, title in VIEWS:
            pieces.append((f"{digit} ", Tone.ACCENT if view == active else Tone.MUTED))
            pieces.append((title, Tone.STRONG if view == active else Tone.MUTED))
            pieces.append(("  ", Tone.TEXT))
        pieces.pop()
        self.show([tuple(pieces)])

    def on_click(self, event: events.Click) -> None:
        x = 1
        for view, _, title in VIEWS:
            end = x + 2 + cell_len(title) + 2
            if x <= event.x < end:
                self.post_message(self.Chosen(view))
            x = end


class KeyFooter(Lines):
    """The keys of the current view, as many as fit; on the right what the UI is doing for the user now."""

    class Pressed(Message):
        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    def __init__(self, view: str) -> None:
        super().__init__(id="footer")
        self._view = view
        self._doing = ""
        self._idle: frozenset[str] = frozenset()
        self._places: list[tuple[int, int, Key]] = []
        self._typing = False

    def show_view(self, view: str, idle: frozenset[str] = frozenset()) -> None:
        """`idle` as in `show_idle`."""
        self._view, self._idle = view, idle
        self._fill()

    def show_idle(self, actions: frozenset[str]) -> None:
        """Actions that do nothing at the moment; their keys are left out."""
        if actions != self._idle:
            self._idle = actions
            self._fill()

    def show_doing(self, doing: str) -> None:
        self._doing = doing
        self._fill()

    def reload(self) -> None:
        """The role may be another one."""
        self._fill()

    def on_resize(self) -> None:
        self._fill()

    def on_mount(self) -> None:
        self.watch(self.screen, "focused", self._focus_moved, init=False)

    def _focus_moved(self, focused: Widget | None) -> None:
        """In a field of this screen, letters are text and no keys."""
        if isinstance(focused, Input) != self._typing:
            self._typing = not self._typing
            self._fill()

    def _fill(self) -> None:
        width = self.size.width or 80
        right: Line = ((f"{self._doing} ", Tone.ACCENT),) if self._doing else ()
        if self._typing:
            self._places = []
            self.show([spread(_TYPING, right, width)])
            return
        room = width - line_len(right) - 1
        fitting: list[Key] = []
        used = 0
        keys = [key for key in footer_keys(self._view, ui_of(self).store.role) if key.action not in self._idle]
        for key in sorted(keys, key=lambda k: (k.keys not in STAY, k.footer)):
            used += cell_len(f"{key.shown} {key.label}  ")
            if used > room + 1:
                break
            fitting.append(key)
        pieces: list[Piece] = [(" ", Tone.TEXT)]
        self._places = []
        x = 1
        shown = sorted(fitting, key=lambda k: k.footer)
        for key in shown:
            text = key.label if key is shown[-1] else f"{key.label}  "
            pieces += [(f"{key.shown} ", Tone.ACCENT), (text, Tone.MUTED)]
            end = x + cell_len(key.shown) + 1 + cell_len(text)
            self._places.append((x, end, key))
            x = end
        self.show([spread(tuple(pieces), right, width)])

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._places:
            if start <= event.x < end:
                self.post_message(self.Pressed(key))


class AlarmLines(Lines, can_focus=True):
    """What is wrong and what Enter does about it, one line each."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("enter", "follow", show=False),
    ]

    class Followed(Message):
        def __init__(self, alarm: Alarm) -> None:
            super().__init__()
            self.alarm = alarm

    class Left(Message):
        """The cursor was moved down beyond the last line."""

    def __init__(self, look: Look, limit: int) -> None:
        super().__init__(id="alarms")
        self._look = look
        self._limit = limit
        self._all: list[Alarm] = []
        self._stale = False
        self._alarms: list[Alarm] = []  # those for which there is room
        self._cursor = 0

    def show_alarms(self, alarms: Sequence[Alarm], *, stale: bool = False) -> None:
        self._all, self._stale = list(alarms), stale
        self._alarms = self._all[: self._limit]
        more = len(self._all) - len(self._alarms)
        self._cursor = min(self._cursor, max(0, len(self._alarms) - 1))
        self.display = bool(self._alarms)
        self.can_focus = bool(self._alarms)
        width = max(20, self.size.width or self.app.size.width)
        lines = [
            self._line(alarm, width, more if number == len(self._alarms) - 1 else 0)
            for number, alarm in enumerate(self._alarms)
        ]
        self.show(lines, stale=stale)

    def _line(self, alarm: Alarm, width: int, more: int) -> Line:
        fix: Line = ((f"Enter: {alarm.fix} ", Tone.ACCENT),) if may(ui_of(self).store.role, alarm.role) else ()
        if more:
            fix = ((f"+{more} more  ", Tone.MUTED), *fix)
        sign = (f"  {self._look.glyph(alarm.sign)} ", alarm.sign.tone)
        return spread((sign, (plain(alarm.text), Tone.TEXT)), fix, width)

    def row_class(self, y: int) -> str:
        return "row--cursor" if self.has_focus and y == self._cursor else ""

    def on_resize(self) -> None:
        self.show_alarms(self._all, stale=self._stale)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        self._cursor = min(event.y, len(self._alarms) - 1)
        self.refresh()
        if event.chain == 2:
            self.action_follow()

    def action_move(self, step: int) -> None:
        if self._cursor + step >= len(self._alarms):
            self.post_message(self.Left())
            return
        self._cursor = max(0, self._cursor + step)
        self.refresh()

    def action_follow(self) -> None:
        if self._alarms:
            self.post_message(self.Followed(self._alarms[self._cursor]))
