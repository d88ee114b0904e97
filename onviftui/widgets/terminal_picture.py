"""A picture of which the terminal itself has a part: in its memory (kitty), or on top of its cells (sixels)."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Region
from textual.timer import Timer

from ..pictures.drawing import Drawn
from ..ui import ui_of
from .line import Line
from .picture import PictureBox

MEND_S = 0.05  # a screen that comes back is painted twice


class TerminalPicture(PictureBox):
    """Where cells below sixels were painted these are gone, and are drawn again: the screen must tell `painted`."""

    def __init__(self) -> None:
        super().__init__()
        self.fits = False  # what was drawn is of the size that the terminal has now
        self._in_terminal: Drawn | None = None
        self._damaged = False
        self._mending: Timer | None = None

    def show(self, drawn: Drawn) -> None:
        self._forget()
        self._in_terminal = drawn
        self.fits = True
        ui_of(self).pictures.write(drawn.first)
        super().show(drawn)

    def say(self, lines: Sequence[Line]) -> None:
        self._forget()
        super().say(lines)

    def on_unmount(self) -> None:
        self._forget()

    def _forget(self) -> None:
        """The terminal needs the last picture no more."""
        if self._in_terminal is not None:
            ui_of(self).pictures.write(self._in_terminal.after)
            self._in_terminal = None

    def painted(self, spans: Sequence[tuple[int, int, int]] | None) -> None:
        """As `widgets.partial.CellCompositor` says."""
        drawn = self._in_terminal
        if drawn is None or not drawn.over:
            return
        region = self.picture_region
        if spans is None or any(region.overlaps(Region(first, y, last - first, 1)) for y, first, last in spans):
            self._damaged = True
            if self._mending is None:
                self._mending = self.set_timer(MEND_S, self._mend, name="sixels")

    def _mend(self) -> None:
        self._mending = None
        drawn = self.drawn if self.is_mounted else None
        if not self._damaged or drawn is None or not drawn.over or not self.fits or not self.screen.is_current:
            return  # what lies above is taken away by painting everything; what is too large would scroll the screen
        region = self.picture_region
        if any(region.overlaps(toast.region) for toast in self.screen.query("Toast")):
            return  # likewise
        self._damaged = False
        ui_of(self).pictures.write(f"\x1b7\x1b[{region.y + 1};{region.x + 1}H{drawn.over}\x1b8")
