"""One camera in panes: one at a time on the smallest screen, two side by side on a larger one, all on a large one."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from proxyd.api.models import Camera, Role

from ..camera_panes.arrangement import MODES, Arrangement, mode_of
from ..camera_panes.events import EventsPane
from ..camera_panes.identity import IdentityPane
from ..camera_panes.logs import LogsPane
from ..camera_panes.pane import Pane
from ..camera_panes.pane_line import PaneLine
from ..camera_panes.ptz import PtzPane
from ..camera_panes.requests import RequestsPane
from ..camera_panes.streams import StreamsPane
from ..key_order import give_focus
from ..keys import view_bindings
from ..roles import may
from ..store import Changes
from ..ui import ui_of
from ..widgets.frame import KeyFooter
from ..widgets.line import Line, line, plain, wrap
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.ptz_pad import PtzPad
from ..words import Tone, camera_sign, count
from .camera_actions import CameraActions

PANES: tuple[type[Pane], ...] = (IdentityPane, StreamsPane, EventsPane, RequestsPane, PtzPane, LogsPane)
FIRST, BESIDE = IdentityPane.pane_id, RequestsPane.pane_id  # what stands beside the first one
_COLUMNS: tuple[tuple[type[Pane], ...], ...] = (
    (IdentityPane,),
    (StreamsPane, PtzPane, RequestsPane),
    (EventsPane, LogsPane),
)


class CameraScreen(CameraActions):
    """The cursor stands on a field, a request or a log entry; what the keys do goes through `ui.Ui`."""

    view_id = "camera"
    AUTO_FOCUS = ""  # the pane that was asked for, not the first one
    BINDINGS = view_bindings("camera")

    def __init__(self, camera: int, *, requests: bool = False) -> None:
        super().__init__(camera)
        self._arrangement = Arrangement(FIRST, BESIDE, RequestsPane.pane_id if requests else FIRST)
        self._unfocused = True  # until there is something that can take the keys

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Lines(id="camera-title")
        yield PaneLine()
        with Horizontal(id="camera-body"):
            for number, column in enumerate(_COLUMNS, 1):
                with Vertical(id=f"column-{number}", classes="column"):
                    for pane in column:
                        yield pane(self._camera)
        yield KeyFooter("camera")

    def on_mount(self) -> None:
        super().on_mount()
        self._show_title()
        self.call_after_refresh(self._arrange)

    @property
    def part_id(self) -> str:
        return PtzPad.view_id if isinstance(self.focused, PtzPad) else self.view_id

    def pane(self, pane_id: str) -> Pane:
        return self.query_one(f"#pane-{pane_id}", Pane)

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if self.closes():
            return
        about_it = self.is_about_it(changes)
        if about_it:
            self._show_title()
            self._arrange()
        for pane in self.query(Pane):
            if pane.is_shown and (about_it or (changes.log and isinstance(pane, LogsPane))):
                pane.follow(changes)

    def on_resize(self) -> None:
        super().on_resize()
        self._show_title()
        self._arrange()

    # what is shown

    def _available(self) -> list[type[Pane]]:
        """The pad only where there is a motor, for those who may move it."""
        movable = self.camera is not None and self.camera.ptz and may(ui_of(self).store.role, Role.OPERATOR)
        return [pane for pane in PANES if movable or pane is not PtzPane]

    def _arrange(self, *, focus: bool = False) -> None:
        """Show what fits and what is chosen; tell the panes that come and go."""
        if not self.is_mounted:
            return
        mode = mode_of(*self.app.size)
        available = self._available()
        before = self._arrangement.current
        shown = self._arrangement.fit([pane.pane_id for pane in available], mode)
        for each in MODES:
            self.set_class(each == mode, f"-panes-{each}")
        self.query_one(PaneLine).show_panes(available, self._arrangement.current, ui_of(self).look)
        with self.app.batch_update():
            self._display(shown)
        if focus or self._unfocused or self._arrangement.current != before:
            self._unfocused = False
            self._focus(self._arrangement.current, 0)

    def _display(self, shown: list[str]) -> None:
        for number in range(1, len(_COLUMNS) + 1):
            column = self.query_one(f"#column-{number}")
            panes = list(column.query(Pane))
            column.display = any(pane.pane_id in shown for pane in panes)
            for pane in panes:
                wanted = pane.display = pane.pane_id in shown
                if wanted != pane.is_shown:
                    pane.is_shown = wanted
                    if wanted:
                        pane.call_after_refresh(pane.shown)
                    else:
                        pane.hidden()

    def _focus(self, pane_id: str, stop: int) -> None:
        give_focus(self.pane(pane_id).stops()[stop])

    def show_pane(self, pane_id: str) -> None:
        if pane_id in [pane.pane_id for pane in self._available()]:
            self._arrangement.current = pane_id
            self._arrange(focus=True)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Also by a click into a pane."""
        pane = next((one for one in event.widget.ancestors_with_self if isinstance(one, Pane)), None)
        if pane is not None and pane.pane_id != self._arrangement.current:
            self._arrangement.current = pane.pane_id
            self._arrange()
        self.query_one(KeyFooter).show_view(self.part_id)

    @on(PaneLine.Chosen)
    def _chosen(self, message: PaneLine.Chosen) -> None:
        self.show_pane(message.pane)

    def _step(self, by: int) -> None:
        """Through everything in the panes that takes keys, in the order of the line of panes."""
        current = self._arrangement.current
        stops = self.pane(current).stops()
        inside = next((n for n, stop in enumerate(stops) if stop.has_focus), 0)
        counts = {pane.pane_id: len(self.pane(pane.pane_id).stops()) for pane in self._available()}
        pane_id, stop = self._arrangement.stepped(counts, inside, by)
        if pane_id != current:
            self._arrangement.current = pane_id
            self._arrange()
        self._focus(pane_id, stop)

    def action_next_pane(self) -> None:
        self._step(1)

    def action_previous_pane(self) -> None:
        self._step(-1)

    def action_pane(self, pane_id: str) -> None:
        self.show_pane(pane_id)

    def _show_title(self) -> None:
        camera = self.camera
        if camera is None:
            return
        look = ui_of(self).look
        sign = camera_sign(camera)
        title: list[Line] = [
            line(
                (f" {look.glyph(sign)} ", sign.tone),
                (plain(camera.name), Tone.STRONG),
                (f"   {sign.word}", sign.tone),
                (f"   {_watchers(camera)}", Tone.MUTED),
            )
        ]
        without = f"Snapshot: {camera.picture}" if camera.picture.startswith("none") else ""
        if camera.reason or camera.note or without:
            tone = Tone.TEXT if camera.reason else Tone.WARNING
            words = wrap(camera.reason or camera.note or without, max(20, self.app.size.width - 5), tone, limit=3)
            title += [(("   ", Tone.TEXT), *w) for w in words]
        self.query_one("#camera-title", Lines).show(title, stale=self.stale)

    # actions

    def action_requests(self) -> None:
        """The requests, read anew."""
        requests = self.query_one(RequestsPane)
        if requests.is_shown:
            requests.read(doing="Reading requests…")
        self.show_pane(RequestsPane.pane_id)

    def action_reveal(self) -> None:
        if not self.identity.is_shown:
            self.show_pane(FIRST)
        self.identity.reveal()

    @on(LiveTable.Opened)
    def action_switch(self) -> None:
        """Enter, also as a double click: on a field, a request, a preset."""
        focused = self.focused.id if self.focused is not None else ""
        if focused == "fields" and (field := self.identity.current()) is not None:
            self.do(field)
        elif focused == "requests":
            self.query_one(RequestsPane).open()
        elif focused == "presets":
            self.query_one(PtzPane).go_to_preset()


def _watchers(camera: Camera) -> str:
    if camera.clients:
        return f"{count(camera.clients, 'stream')} to {camera.recorder or 'a recorder'}"
    return f"last asked by {camera.recorder}" if camera.recorder else "no recorder has asked yet"
