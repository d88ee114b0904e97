"""The pad that moves a camera: each key press moves it for a moment, a key that is held goes on."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from proxyd.api.ptz import PtzAction

from ..keys import view_bindings
from ..words import Look, Tone
from .line import Line, line
from .paint import Lines

SPEEDS = (0.1, 0.25, 0.5, 0.75, 1.0)


class PtzPad(Lines, can_focus=True):
    """Only says what is pressed: the screen asks the daemon."""

    view_id: ClassVar[str] = "pad"
    BINDINGS: ClassVar[list[BindingType]] = view_bindings("pad")

    class Pressed(Message):
        def __init__(self, action: PtzAction, speed: float) -> None:
            super().__init__()
            self.action = action
            self.speed = speed

    def __init__(self, look: Look) -> None:
        super().__init__(id="ptz-pad")
        self._look = look
        self._speed = SPEEDS.index(0.5)
        self._now: PtzAction | None = None
        self._active = False

    def show_moving(self, action: PtzAction | None) -> None:
        """What the camera was asked to do and has not answered yet."""
        self._now = action
        self._draw()

    def on_mount(self) -> None:
        self._draw()

    def on_focus(self) -> None:
        self._active = True
        self._draw()

    def on_blur(self) -> None:
        self._active = False
        self._draw()

    def _draw(self) -> None:
        self.show(pad_lines(self._look, SPEEDS[self._speed], self._now, active=self._active))

    def action_move_camera(self, action: PtzAction) -> None:
        self.post_message(self.Pressed(action, SPEEDS[self._speed]))

    def action_speed(self, step: int) -> None:
        self._speed = max(0, min(len(SPEEDS) - 1, self._speed + step))
        self._draw()


def pad_lines(look: Look, speed: float, now: PtzAction | None, *, active: bool) -> list[Line]:
    """Seven lines; `active`: the keys go here."""
    left, right, up, down = "<>^v" if look.ascii else "◀▶▲▼"

    def tone(action: PtzAction) -> Tone:
        return Tone.SUCCESS if action == now else Tone.ACCENT if active else Tone.MUTED

    said = Tone.TEXT if active else Tone.MUTED
    first = ("Arrows or h j k l move it; hold a key to go on." if active else "Tab: the keys move the camera.", said)
    return [
        line((" ", Tone.TEXT), first),
        line(""),
        line((" " * 8, Tone.TEXT), (f"{up} k", tone("up")), (f"{'+':>16} ", tone("in")), ("zoom in", said)),
        line(
            (" " * 2, Tone.TEXT),
            (f"{left} h", tone("left")),
            (" " * 8, Tone.TEXT),
            (f"{right} l", tone("right")),
            (f"{'-':>10} ", tone("out")),
            ("zoom out", said),
        ),
        line((" " * 8, Tone.TEXT), (f"{down} j", tone("down")), (f"{'H':>16} ", tone("home")), ("home position", said)),
        line((" " * 22, Tone.TEXT), ("Space ", tone("stop")), ("stop", said)),
        line((" Speed ", said), (f"{speed * 100:>3.0f} %", Tone.STRONG), ("   < slower   > faster", said)),
    ]
