"""Base of the panes of a camera's screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.containers import Vertical
from textual.timer import Timer
from textual.widget import Widget

from proxyd.api.models import Camera
from proxyd.errors import ProxyError

from ..store import Changes, Link
from ..ui import is_there, ui_of
from ..widgets.line import Line, line
from ..widgets.paint import Lines
from ..words import Tone


class Pane(Vertical):
    """Works only while it is shown: `shown` and `hidden` come in turns, `follow` between them."""

    pane_id: ClassVar[str]
    title: ClassVar[str]  # in the line of panes
    heading: str  # above the pane itself

    def __init__(self, camera: int) -> None:
        super().__init__(id=f"pane-{self.pane_id}", classes="pane")
        self.camera_id = camera
        self.is_shown = False
        self._asking: set[str] = set()
        self._timer: Timer | None = None

    @property
    def camera(self) -> Camera | None:
        return ui_of(self).store.cameras.get(self.camera_id)

    @property
    def stale(self) -> bool:
        return ui_of(self).store.link is Link.AWAY

    # what panes say

    def stops(self) -> list[Widget]:
        """What Tab goes through in this pane."""
        raise NotImplementedError

    def shown(self) -> None:
        """It has come to the screen: read what it shows."""

    def hidden(self) -> None:
        """It has left the screen: ask for nothing any more."""
        self.stop_timer()

    def follow(self, changes: Changes) -> None:
        """The camera, or the connection, is not as it was."""

    def redraw(self) -> None:
        """Its size may be another."""

    # what they use

    def show_heading(self, more: Sequence[Line] = ()) -> None:
        tone = Tone.ACCENT if self.has_focus_within else Tone.MUTED
        self.query_one(".pane-heading", Lines).show([line((f" {self.heading}", tone)), *more])

    def on_descendant_focus(self) -> None:
        self.show_heading()

    def on_descendant_blur(self) -> None:
        self.show_heading()

    def ask(
        self, method: str, then: Callable[[Any], None], params: dict[str, Any] | None = None, *, doing: str = ""
    ) -> None:
        """Of this camera, or with other `params`; one question of a kind at a time. What comes when the pane has gone
        is dropped; failures leave what is shown: the next change or second asks again."""
        if method in self._asking or self.stale:
            return
        self._asking.add(method)

        def arrived(result: Any) -> None:
            self._asking.discard(method)
            if is_there(self) and self.is_shown:
                then(result)

        def failed(error: ProxyError) -> bool:
            self._asking.discard(method)
            return not doing or self.stale

        asked = {"id": self.camera_id} if params is None else params
        ui_of(self).ask(method, asked, doing=doing, then=arrived, failed=failed)

    def start_timer(self, seconds: float, do: Callable[[], None]) -> None:
        """Until `stop_timer`; rests while another screen covers this one."""

        def due() -> None:
            if self.screen.is_current and not self.stale:
                do()

        if self._timer is None:
            self._timer = self.set_interval(seconds, due, name=f"pane {self.pane_id}")

    def stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
