"""The screen behind everything: tabs and the views of the digit keys. Only the visible view is kept fresh."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import ContentSwitcher

from ..keys import VIEWS
from ..store import Changes
from ..ui import ui_of
from ..widgets.frame import AlarmLines, KeyFooter, Tabs
from ..widgets.paint import PAINT_CLASSES, Lines
from .adopt import AdoptView
from .cameras import CamerasView
from .interfaces import InterfacesView
from .jobs import JobsView
from .live_screen import LiveScreen
from .logs import LogsView
from .nvrs import NvrsView
from .overview import OverviewView
from .system import SystemView
from .view import TableView, View

FIRST_VIEW = VIEWS[0][0]


class MainScreen(LiveScreen):
    COMPONENT_CLASSES: ClassVar[set[str]] = PAINT_CLASSES  # for all painted widgets, in dialogs too: see Palette

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Tabs(id="tabs")
        with ContentSwitcher(initial=FIRST_VIEW):
            yield OverviewView()
            yield CamerasView()
            yield NvrsView()
            yield InterfacesView()
            yield AdoptView()
            yield JobsView()
            yield LogsView()
            yield SystemView()
        yield KeyFooter(FIRST_VIEW)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Tabs).show_active(FIRST_VIEW)
        self.call_after_refresh(lambda: self.view.focus_main())  # by then a digit may have been pressed

    @property
    def view(self) -> View:
        switcher = self.query_one(ContentSwitcher)
        return switcher.query_one(f"#{switcher.current}", View)  # type: ignore[type-abstract]  # only compared

    def show_view(self, view_id: str, filter_text: str = "") -> None:
        with self.app.batch_update():
            self.query_one(ContentSwitcher).current = view_id
            view = self.view
            if isinstance(view, TableView) and filter_text:
                view.set_filter(filter_text)
            view.reload()
            view.focus_main()
            self.query_one(Tabs).show_active(view_id)
            self._show_keys()

    def select(self, key: int) -> None:
        """Put the cursor of the shown table on this row."""
        if isinstance(self.view, TableView):
            self.view.table.move_to(key)

    @property
    def marked_cameras(self) -> list[int]:
        view = self.view
        return [key for key in view.table.keys if key in view.table.marked] if isinstance(view, CamerasView) else []

    def _show_keys(self) -> None:
        """Without any camera, the keys that lead to one."""
        view_id = str(self.view.id)
        bare = view_id == "cameras" and not ui_of(self).store.cameras
        self.query_one(KeyFooter).show_view("overview" if bare else view_id)

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        self.view.apply(changes)
        if changes.everything or changes.of("camera"):
            self._show_keys()

    @on(Tabs.Chosen)
    def _tab_clicked(self, message: Tabs.Chosen) -> None:
        self.show_view(message.view)

    @on(AlarmLines.Followed)
    def _alarm_followed(self, message: AlarmLines.Followed) -> None:
        ui_of(self).follow(message.alarm)
