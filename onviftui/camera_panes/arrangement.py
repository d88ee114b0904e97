"""Which panes of a camera's screen are shown, by the room there is, and which of them has the keyboard. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

Mode = Literal["one", "two", "all"]
MODES: tuple[Mode, ...] = get_args(Mode)
_ALL_FROM = (180, 44)  # columns, lines
_TWO_FROM = 120


def mode_of(width: int, height: int) -> Mode:
    """One pane at a time on the smallest screen, two side by side on a larger one, all on a large one."""
    if width >= _ALL_FROM[0] and height >= _ALL_FROM[1]:
        return "all"
    return "two" if width >= _TWO_FROM else "one"


class Arrangement:
    """Panes by their names. Of two, `first` is one, and `beside` the other until another was `current`."""

    def __init__(self, first: str, beside: str, current: str) -> None:
        self._first = first
        self._usual = self._beside = beside
        self.current = current

    def fit(self, available: Sequence[str], mode: Mode) -> list[str]:
        """Those to show of the available ones. The first one is current again where the current one has gone."""
        if self.current not in available:
            self.current = self._first
        if self._beside not in available:
            self._beside = self._usual
        if self.current != self._first:
            self._beside = self.current
        return {"one": [self.current], "two": [self._first, self._beside], "all": list(available)}[mode]

    def stepped(self, stops: Mapping[str, int], inside: int, by: int) -> tuple[str, int]:
        """The pane and the place in it that come `by` places after the one `inside` the current pane, around the end.
        `stops`: how many places each available pane has, in their order."""
        places = [(pane, stop) for pane, count in stops.items() for stop in range(count)]
        return places[(places.index((self.current, inside)) + by) % len(places)]
