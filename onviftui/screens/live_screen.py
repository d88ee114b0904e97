"""Base of the full screens: header line on top, key footer at the bottom, told about changes."""

from __future__ import annotations

from typing import ClassVar

from textual.screen import Screen

from ..layers import shine_through
from ..store import Changes, Link
from ..ui import ui_of
from ..widgets.frame import KeyFooter, header_line
from ..widgets.paint import Lines
from ..widgets.partial import CellCompositor


class LiveScreen(Screen[None]):
    """Subclasses yield `Lines(id="header")` first and a KeyFooter last."""

    view_id: ClassVar[str] = ""  # which rows of the key table apply; "" on the screen of the views

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it on the instance
        (0, "-narrow"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - likewise
        (0, "-low"),
        (40, "-tall"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._compositor = CellCompositor()

    def _compositor_refresh(self) -> None:
        if not shine_through(self):
            super()._compositor_refresh()

    @property
    def part_id(self) -> str:
        """The rows that apply now: of a part with keys of its own that has the focus, else of the screen."""
        return self.view_id

    def on_mount(self) -> None:
        self.show_header()

    def apply(self, changes: Changes) -> None:
        if changes.everything or changes.link or changes.of("camera"):
            self.show_header()
        if changes.everything:
            self.query_one(KeyFooter).reload()

    def show_header(self) -> None:
        ui = ui_of(self)
        width = self.app.size.width
        self.query_one("#header", Lines).show([header_line(ui.store, ui.look, ui.host, width)])

    def show_doing(self, doing: str) -> None:
        self.query_one(KeyFooter).show_doing(doing)

    def on_resize(self) -> None:
        if self.is_mounted:
            self.show_header()

    @property
    def stale(self) -> bool:
        return ui_of(self).store.link is Link.AWAY
