"""The screen behind everything: tabs and the views of the digit keys. Only the visible view is kept fresh; each is made
when it is first shown, since many sessions never look at most of them."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
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
_VIEWS: dict[str, type[View]] = {
    view.view_id: view
    for view in (
        OverviewView,
        CamerasView,
        NvrsView,
        InterfacesView,
        AdoptView,
        JobsView,
        LogsView,
        SystemView,
    )
}


class MainScreen(LiveScreen):
    COMPONENT_CLASSES: ClassVar[set[str]] = PAINT_CLASSES  # for all painted widgets, in dialogs too: see Palette

    def __init__(self) -> None:
        super().__init__(id="main")
        self._coming: dict[str, AwaitComplete] = {}  # views that are being made
        self._wanted = FIRST_VIEW

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Tabs(id="tabs")
        with ContentSwitcher(initial=FIRST_VIEW):
            yield OverviewView()
        yield KeyFooter(FIRST_VIEW)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Tabs).show_active(FIRST_VIEW)
        self.call_after_refresh(lambda: self.view.focus_main())  # by then a digit may have been pressed

    @property
    def view(self) -> View:
        switcher = self.query_one(ContentSwitcher)
        return switcher.query_one(f"#{switcher.current}", View)  # type: ignore[type-abstract]  # only compared

    def show_view(self, view_id: str, filter_text: str = "", row: int | None = None) -> AwaitComplete:
        """Shown at once, or when it has been made, if nothing else is wanted by then. `row` gets the cursor."""
        self._wanted = view_id
        if view_id not in self._coming and self.query(f"#{view_id}"):
            self._switch(view_id, filter_text, row)
            return AwaitComplete()  # done
        return AwaitComplete(self._make(view_id, filter_text, row)).call_next(self)

    async def _make(self, view_id: str, filter_text: str, row: int | None) -> None:
        if view_id not in self._coming:
            self._coming[view_id] = self.query_one(ContentSwitcher).add_content(_VIEWS[view_id]())
        await self._coming[view_id]
        self._coming.pop(view_id, None)
        if self._wanted == view_id and self.is_attached:
            self._switch(view_id, filter_text, row)

    def _switch(self, view_id: str, filter_text: str, row: int | None) -> None:
        with self.app.batch_update():
            self.query_one(ContentSwitcher).current = view_id
            view = self.view
            if isinstance(view, TableView) and filter_text:
                view.set_filter(filter_text)
            view.reload()
            if isinstance(view, TableView) and row is not None:
                view.table.move_to(row)
            view.focus_main()
            self.query_one(Tabs).show_active(view_id)
            self._show_keys()

    @property
    def marked_cameras(self) -> list[int]:
        view = self.view
        return [key for key in view.table.keys if key in view.table.marked] if isinstance(view, CamerasView) else []

    def _show_keys(self) -> None:
        view = self.view
        self.query_one(KeyFooter).show_view(str(view.id), view.idle())

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
