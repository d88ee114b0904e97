"""View 1: is all well, what needs a person, what runs now. On a first run: what to do first."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from proxyd.api.history import STEP_S, History

from ..alarms import alarms
from ..key_order import give_focus
from ..keys import view_bindings
from ..store import Link
from ..ui import is_there, ui_of
from ..widgets.frame import AlarmLines
from ..widgets.line import Line, line
from ..widgets.overview_lines import (
    LABEL,
    camera_lines,
    event_lines,
    nvr_lines,
    recorder_lines,
    scan_lines,
    titled,
    traffic_lines,
)
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from ..words import Sign, Tone
from .view import View

ALARM_LIMIT = 8
EVENT_LIMIT, EVENT_LIMIT_WIDE = 6, 20


class OverviewView(View):
    """What passed is asked for only while this is shown and something streams."""

    view_id = "overview"
    BINDINGS = view_bindings("overview")

    def __init__(self) -> None:
        super().__init__(id=self.view_id, classes="view")
        self._history: History | None = None
        self._asked = False
        self._poll: Timer | None = None

    def compose(self) -> ComposeResult:
        with ScrollPane(id="overview-body"):
            yield Lines(id="welcome")
            yield Lines(id="well")
            yield AlarmLines(ui_of(self).look, ALARM_LIMIT)
            with Horizontal(id="overview-columns"):
                with Vertical(id="overview-left"):
                    for name in ("by-state", "traffic", "sources", "recorders"):
                        yield Lines(id=name)
                with Vertical(id="overview-right"):
                    for name in ("running", "events"):
                        yield Lines(id=name)

    def on_mount(self) -> None:
        self._poll = self.set_interval(STEP_S, self._ask_history, pause=True, name="history")
        self.reload()

    def on_resize(self) -> None:
        self.call_after_refresh(self.reload)

    def focus_main(self) -> None:
        lines = self.query_one(AlarmLines)
        give_focus(lines if lines.display else self.query_one("#overview-body"))

    def reload(self) -> None:
        ui = ui_of(self)
        store, stale, look, now = ui.store, self.stale, ui.look, ui.local_now()
        wide, low = self.screen.has_class("-wide"), not self.screen.has_class("-tall")
        left, right = (
            max(40, (self.query_one(f"#overview-{side}").size.width or self.size.width) - (LABEL if low else 0))
            for side in ("left", "right")
        )
        first_run = not store.nvrs and store.status is not None
        self.query_one("#welcome", Lines).show(_welcome() if first_run else [])
        found = alarms(store)
        had_alarms = self.query_one(AlarmLines).display
        self.query_one(AlarmLines).show_alarms(found, stale=stale)
        limit = EVENT_LIMIT_WIDE if wide else EVENT_LIMIT
        events = [] if first_run else event_lines(list(store.log.values()), limit, now)
        self.query_one("#well", Lines).show(self._well(bool(found)), stale=stale)
        self.query_one("#events", Lines).show(titled("LATEST", events, low=False), stale=stale)
        for title, name, lines in (
            ("CAMERAS", "by-state", camera_lines(store, look, left)),
            ("TRAFFIC", "traffic", traffic_lines(store, self._history, look, left)),
            ("NVRS", "sources", nvr_lines(store, look, left, now)),
            ("RECORDERS", "recorders", recorder_lines(store, look, left)),
            ("SCANS", "running", scan_lines(store, look, right, now)),
        ):
            self.query_one(f"#{name}", Lines).show(titled(title, lines, low=low), stale=stale)
        if bool(found) != had_alarms and self.has_focus_within:
            self.focus_main()
        self._poll_while_something_streams()

    def _well(self, troubled: bool) -> list[Line]:
        ui = ui_of(self)
        counts = ui.store.counts()
        if troubled or not counts.cameras:
            return []
        sign = Sign("●", "*", Tone.SUCCESS, "")
        words = "All cameras run." if counts.good == counts.cameras else "All is well."
        return [line((f"  {ui.look.glyph(sign)} ", Tone.SUCCESS), (words, Tone.STRONG))]

    # what passed

    @property
    def _streams(self) -> bool:
        store = ui_of(self).store
        return store.link is Link.LIVE and any(camera.clients for camera in store.cameras.values())

    def _poll_while_something_streams(self) -> None:
        if self._poll is None:
            return
        if self._streams and self.display:
            self._poll.resume()
            if self._history is None:
                self._ask_history()
        else:
            self._poll.pause()
            self._history = None

    def on_hide(self) -> None:
        if self._poll is not None:
            self._poll.pause()

    def _ask_history(self) -> None:
        if self._asked or not (self.display and self.screen.is_current and self._streams):
            return
        self._asked = True

        def arrived(history: History) -> None:
            self._asked = False
            if is_there(self) and history != self._history:
                self._history = history
                self.reload()

        def failed(_: Exception) -> bool:
            self._asked = False
            return True  # it is asked again, and the rest of the screen says what is wrong

        ui_of(self).ask("history", {}, doing="", then=arrived, failed=failed)

    # actions

    def action_open(self) -> None:
        if not ui_of(self).store.nvrs:
            ui_of(self).open_wizard()
            return
        lines = self.query_one(AlarmLines)
        if lines.display:
            lines.action_follow()
        else:
            ui_of(self).show_view("cameras")

    def action_add_nvr(self) -> None:
        ui_of(self).edit_nvr()

    def action_discover(self) -> None:
        ui_of(self).discover()

    def action_wizard(self) -> None:
        ui_of(self).open_wizard()


def _welcome() -> list[Line]:
    def key(letter: str, what: str, why: str) -> Line:
        return line(
            ("   ", Tone.TEXT), (f"{letter:>8} ", Tone.ACCENT), (f" {what:<22}", Tone.STRONG), (why, Tone.MUTED)
        )

    return [
        line(""),
        line(("   Welcome. Every channel of your NVR becomes a camera of its own.", Tone.STRONG)),
        line(""),
        line("   Start here:"),
        line(""),
        key("Enter", "be guided", "step by step, from network to recorder"),
        key("f", "find your NVR", "searches this network"),
        key("a", "add it by hand", "when you know its address"),
        line(""),
        line(("   Then the scan reads its channels, and each one gets an address,", Tone.MUTED)),
        line(("   user and password to type into your recorder.", Tone.MUTED)),
    ]
