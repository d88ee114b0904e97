"""What passes in a camera's streams: read once a second while somebody plays and somebody looks."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widget import Widget

from proxyd.api.history import CameraHistory
from proxyd.api.streams import StreamStatus

from ..store import Changes
from ..ui import ui_of
from ..widgets.line import Line, line
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from ..words import Tone, format_when
from .pane import Pane
from .stream_lines import stream_block

EVERY_S = 1.0
HISTORY_EVERY = 5  # looks
HEADING = "What passes; drawn: the last 5 minutes"


class StreamsPane(Pane):
    pane_id = "streams"
    title = "Streams"
    heading = HEADING

    def __init__(self, camera: int) -> None:
        super().__init__(camera)
        self._flows: dict[str, StreamStatus] = {}
        self._history: CameraHistory | None = None
        self._looks = 0

    def compose(self) -> ComposeResult:
        yield Lines(classes="pane-heading")
        with ScrollPane(id="streams"):
            yield Lines(id="stream-lines")

    def stops(self) -> list[Widget]:
        return [self.query_one("#streams")]

    def shown(self) -> None:
        self.redraw()
        self._read(history=True)
        self._tend()

    def follow(self, changes: Changes) -> None:
        self.redraw()
        if changes.everything or changes.link or self._timer is None:
            self._read(history=True)
        self._tend()

    @property
    def _live(self) -> bool:
        camera = self.camera
        return bool(camera and camera.clients) or any(flow.state != "idle" for flow in self._flows.values())

    def _tend(self) -> None:
        if self._live:
            self.start_timer(EVERY_S, self._look)
        else:
            self.stop_timer()

    def _look(self) -> None:
        self._looks += 1
        self._read(history=self._looks % HISTORY_EVERY == 0)

    def _read(self, *, history: bool) -> None:
        self.ask("camera.streams", self._arrived)
        if history:
            self.ask("camera.history", self._passed)

    def _arrived(self, streams: list[StreamStatus]) -> None:
        was_live = self._live
        self._flows = {stream.name: stream for stream in streams}
        self.redraw()
        self._tend()
        if was_live and not self._live:
            self.ask("camera.history", self._passed)

    def _passed(self, history: CameraHistory) -> None:
        self._history = history
        self.redraw()

    def redraw(self) -> None:
        camera = self.camera
        if camera is None:
            return
        ui = ui_of(self)
        width = max(40, self.query_one("#streams").size.width - 1)
        told = {one.name: one for one in self._history.streams} if self._history else {}
        lines: list[Line] = []
        for stream in camera.streams:
            flow, history = self._flows.get(stream.name), told.get(stream.name)
            lines += [*stream_block(stream, flow, history, ui.look, width, ui.local_now().tzinfo), line("")]
        if not lines:
            lines = [line((" The NVR has not told of any stream yet.", Tone.MUTED))]
        self.query_one("#stream-lines", Lines).show(lines, stale=self.stale)
        self.show_heading()

    def show_heading(self, more: Sequence[Line] = ()) -> None:
        """Of which minutes the drawings are: they stand still while nobody plays."""
        until = self._history.until if self._history else None
        if self._live or until is None:
            self.heading = HEADING
        else:
            now = ui_of(self).local_now()
            self.heading = f"{HEADING} (until {format_when(until, now, now.tzinfo)})"
        super().show_heading(more)

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)
