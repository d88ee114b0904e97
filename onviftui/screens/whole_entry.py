"""One entry of a log in full."""

from __future__ import annotations

from ..ui import ui_of
from ..widgets.line import Line
from ..widgets.log_lines import AnyEntry, whole_lines
from .read_text import ReadText


class WholeEntry(ReadText):
    def __init__(self, entry: AnyEntry, about: str) -> None:
        super().__init__()
        self._entry = entry
        self._about = about

    def text_lines(self, width: int) -> list[Line]:
        return whole_lines(self._entry, self._about, ui_of(self).local_now(), max(30, width))
