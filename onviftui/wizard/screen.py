"""The guide's screen: the line of steps, what the step says, its table, and a field to type in place."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Input

from ..key_order import give_focus
from ..keys import view_bindings
from ..screens.live_screen import LiveScreen
from ..store import Changes
from ..ui import is_there, ui_of
from ..widgets.frame import KeyFooter
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from .pane import Pane
from .panes import PANES
from .places import Place, after, before, begin_at
from .rows import FOUND, NAMES
from .words import step_line


class WizardScreen(LiveScreen):
    """Begins where something is left to do. Leaving it loses nothing: what is done is in the daemon, and what is only
    marked stays with the application."""

    view_id = "wizard"
    BINDINGS = view_bindings("wizard")

    def __init__(self) -> None:
        super().__init__()
        self.chosen_nvr = 0
        self.editing = False
        self._panes: dict[Place, Pane] = {kind.place: kind(self) for kind in PANES}
        self.pane = self._panes[Place.NETWORK]

    def compose(self) -> ComposeResult:
        look = ui_of(self).look
        yield Lines(id="header")
        yield Lines(id="wizard-steps")
        with ScrollPane(id="wizard-body"):
            yield Lines(id="wizard-story")
        with Container(id="wizard-list"):
            yield LiveTable(FOUND, look, id="found")
            yield LiveTable(NAMES, look, id="names")
            yield Input(compact=True, max_length=64, id="wizard-entry")
        yield KeyFooter("wizard")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#wizard-entry").display = False
        self.show_place(begin_at(ui_of(self).store))

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if changes:
            self.show_step()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self.show_step)

    # what panes use

    @property
    def left_out(self) -> set[int]:
        """Cameras that shall not run; the application remembers them while this screen is away."""
        return ui_of(self).left_out

    @property
    def table(self) -> LiveTable:
        return self.query_one(f"#{self.pane.table or 'found'}", LiveTable)

    @property
    def cursor(self) -> int | None:
        return self.table.cursor_key if self.pane.table else None

    def show_place(self, place: Place) -> None:
        if not self.is_attached:  # an answer has come after the guide was left
            return
        self._end_editing()
        self.pane = self._panes[place]
        self.pane.arrive()
        self.show_step()
        if self.pane.table:
            give_focus(self.table)
        else:
            give_focus(self.query_one("#wizard-body"))

    def go_on(self) -> None:
        self.show_place(after(self.pane.place, ui_of(self).store))

    def show_step(self) -> None:
        if not is_there(self):
            return
        ui = ui_of(self)
        width = self.app.size.width
        self.query_one("#wizard-steps", Lines).show([step_line(self.pane.place, ui.store, ui.look)], stale=self.stale)
        self.query_one("#wizard-story", Lines).show(self.pane.lines(width), stale=self.stale)
        self.query_one(KeyFooter).show_idle(self.pane.idle())
        self.set_class(bool(self.pane.table), "-with-list")
        for name in ("found", "names"):
            table = self.query_one(f"#{name}", LiveTable)
            table.display = name == self.pane.table
            if table.display:
                table.show(self.pane.rows(), stale=self.stale)

    # typing in place

    def _end_editing(self) -> None:
        self.editing = False
        box = self.query_one("#wizard-entry", Input)
        if box.display:
            box.display = False
            give_focus(self.table if self.pane.table else self.query_one("#wizard-body"))

    def action_edit(self) -> None:
        text = self.pane.entry()
        if text is None:
            return
        box = self.query_one("#wizard-entry", Input)
        self.editing = True
        box.value = text
        box.display = True
        box.cursor_position = len(text)
        self.show_step()
        self.call_after_refresh(self._place_entry)
        give_focus(box)

    def _place_entry(self) -> None:
        """Over the name that is changed."""
        box = self.query_one("#wizard-entry", Input)
        where = self.table.cell_at_cursor("name") if self.pane.table else None
        if where is not None:
            box.styles.offset = (where.x, where.y)
            box.styles.width = max(20, where.width)
        else:
            box.styles.offset = (2, 0)
            box.styles.width = 40

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if self.pane.entered(event.value):
            self.show_step()
            self.action_edit()
        else:
            self._end_editing()
            self.show_step()

    @on(LiveTable.Opened)
    def _double_clicked(self) -> None:
        self.action_go()

    # keys

    def action_go(self) -> None:
        self.pane.go()
        self.show_step()

    def action_next_step(self) -> None:
        if self.pane.place is Place.ADOPT:
            self.dismiss(None)
        else:
            self.go_on()

    def action_back_step(self) -> None:
        if self.pane.back():
            self.show_step()
        else:
            self.show_place(before(self.pane.place, ui_of(self).store))

    def action_again(self) -> None:
        self.pane.again()
        self.show_step()

    def action_by_hand(self) -> None:
        self.pane.by_hand()

    def action_leave_out(self) -> None:
        self.pane.mark()
        self.show_step()

    def action_count_by(self, step: int) -> None:
        self.pane.count_by(step)
        self.show_step()

    def action_more(self) -> None:
        self.action_count_by(1)

    def action_fewer(self) -> None:
        self.action_count_by(-1)

    def action_cancel_scan(self) -> None:
        self.pane.cancel()

    def action_interfaces(self) -> None:
        self.pane.interfaces()

    def action_leave_wizard(self) -> None:
        """Escape: ends typing first; what is done stays done."""
        if self.editing:
            self._end_editing()
            self.show_step()
        else:
            self.dismiss(None)
