"""Moving a camera: the pad, and its presets by name."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from proxyd.api.models import Camera
from proxyd.api.ptz import PtzAction
from proxyd.errors import ProxyError

from ..store import Changes
from ..ui import is_there, ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import line, wrap
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.ptz_pad import PtzPad
from ..widgets.rows import Row
from ..words import Tone
from .pane import Pane

MOVE_S = 0.6  # longer than the pause before a held key repeats, so that the camera does not stop in between
_MOVES = frozenset({"left", "right", "up", "down", "in", "out"})
_NO_PRESETS = "No preset has a name. Name one on the NVR."
_LEAST_WORDS = 12  # cells, beside the pad where there is little room


class PtzPane(Pane):
    """One call at a time; of the keys that are pressed meanwhile the last one counts, and stop before all others."""

    pane_id = "ptz"
    title = "PTZ"
    heading = "Move the camera"
    COLUMNS: ClassVar[tuple[Column, ...]] = (Column("name", "PRESETS", 20, flex=1),)

    def __init__(self, camera: int) -> None:
        super().__init__(camera)
        self._presets: list[str] | None = None
        self._moving = False
        self._next: tuple[PtzAction, float, str] | None = None

    def compose(self) -> ComposeResult:
        look = ui_of(self).look
        yield Lines(classes="pane-heading")
        with Horizontal(id="ptz-body"):
            yield PtzPad(look)
            yield LiveTable(self.COLUMNS, look, id="presets")

    @property
    def pad(self) -> PtzPad:
        return self.query_one(PtzPad)

    def stops(self) -> list[Widget]:
        return [self.pad, self.query_one("#presets")] if self._presets else [self.pad]

    def shown(self) -> None:
        self.show_heading()
        if self._presets is None:
            self.query_one("#presets", LiveTable).show([], empty=[line(("  …", Tone.MUTED))])
            self.ask("camera.presets", self._listed)

    def follow(self, changes: Changes) -> None:
        if self._presets is None:
            self.ask("camera.presets", self._listed)

    def _listed(self, names: list[str]) -> None:
        self._presets = names
        rows = [Row(number, " ", Tone.TEXT, (Cell(name),)) for number, name in enumerate(names)]
        table = self.query_one("#presets", LiveTable)
        words = wrap(_NO_PRESETS, max(_LEAST_WORDS, table.size.width - 3), Tone.MUTED, limit=5)
        table.show(rows, empty=[(("  ", Tone.TEXT), *one) for one in words])

    @on(PtzPad.Pressed)
    def _pressed(self, message: PtzPad.Pressed) -> None:
        message.stop()
        self._wish(message.action, message.speed)

    @on(LiveTable.Opened, "#presets")
    def go_to_preset(self) -> None:
        number = self.query_one("#presets", LiveTable).cursor_key
        if number is not None and self._presets:
            self._wish("preset", 1.0, self._presets[number])

    def _wish(self, action: PtzAction, speed: float, preset: str = "") -> None:
        if self._next is None or self._next[0] != "stop":
            self._next = (action, speed, preset)
        if not self._moving:
            self._move()

    def _move(self) -> None:
        if self._next is None:
            return
        (action, speed, preset), self._next = self._next, None
        params: dict[str, object] = {"id": self.camera_id, "action": action, "speed": speed, "seconds": MOVE_S}
        params |= {"preset": preset} if preset else {}
        self._moving = True
        self.pad.show_moving(action)

        def arrived(_: Camera) -> None:
            self._ended()

        def failed(_: ProxyError) -> bool:
            self._next = None
            self._ended()
            return False

        doing = "" if action in _MOVES else "Moving…"
        ui_of(self).ask("camera.ptz", params, doing=doing, then=arrived, failed=failed)

    def _ended(self) -> None:
        self._moving = False
        if not is_there(self):
            return
        self.pad.show_moving(None)
        self._move()

    def hidden(self) -> None:
        """Nothing that was pressed before is done later. What moves stops by itself."""
        super().hidden()
        self._next = None
