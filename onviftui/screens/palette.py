"""The palette: everything that can be done here, and every place to go to, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from ..layers import Modal
from ..palette import Command, search
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import line, wrap
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone


class Palette(Modal[Command | None]):
    """Dismissed with the command to run. The letters go into the line on top, the arrows move below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("down,ctrl+n,ctrl+j", "to_table('move(1)')", show=False),
        Binding("up,ctrl+p,ctrl+k", "to_table('move(-1)')", show=False),
        Binding("pagedown", "to_table('page(1)')", show=False),
        Binding("pageup", "to_table('page(-1)')", show=False),
        Binding("ctrl+d", "to_table('half_page(1)')", show=False, priority=True),
        Binding("ctrl+u", "to_table('half_page(-1)')", show=False, priority=True),
    ]
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("label", "DO", 26, flex=1),
        Column("what", "WHAT IT DOES", 20, 1, flex=6),
        Column("key", "KEY", 6),
    )

    def __init__(self, commands: Sequence[Command], undo_preview: Callable[[], None]) -> None:
        """`undo_preview` takes back what a command's preview has changed."""
        super().__init__()
        self._commands = commands
        self._undo_preview = undo_preview
        self._found: list[Command] = []
        self._previewed = False
        self._shown: str | None = None  # the letters that the list is about

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide palette"):
            yield Input(placeholder="what to do, or where to go", compact=True, id="typed")
            yield LiveTable(self.COLUMNS, ui_of(self).look)
            yield Lines(id="hint")

    def on_mount(self) -> None:
        self.query_one(LiveTable).steered = True
        self._show("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, typed: str) -> None:
        if typed == self._shown:
            return
        self._shown = typed
        self._found = search(self._commands, typed)
        rows = [
            Row(place, " ", Tone.MUTED, (Cell(one.label), Cell(one.what, Tone.MUTED), Cell(one.key, Tone.ACCENT)))
            for place, one in enumerate(self._found)
        ]
        table = self.query_one(LiveTable)
        table.show(rows, empty=[line(""), line(("    Nothing of that name. Fewer letters find more.", Tone.MUTED))])
        table.action_first()
        self._preview()

    @on(LiveTable.Moved)
    def _preview(self) -> None:
        chosen = self._chosen()
        self._say(chosen)
        if chosen is not None and chosen.preview is not None:
            self._previewed = True
            chosen.preview()
        elif self._previewed:
            self._previewed = False
            self._undo_preview()

    def _say(self, chosen: Command | None) -> None:
        """In full what the cursor is on: the list may have no room for it."""
        hint = self.query_one("#hint", Lines)
        words = "" if chosen is None else chosen.what or chosen.label
        said = wrap(words, max(20, self.app.size.width - 12), limit=1) or [line("")]
        hint.show([*said, line(("Enter does it   arrows move   Esc goes back", Tone.MUTED))])

    def _chosen(self) -> Command | None:
        key = self.query_one(LiveTable).cursor_key
        return self._found[key] if key is not None and key < len(self._found) else None

    async def action_to_table(self, action: str) -> None:
        """The line on top has the focus; what moves is below it."""
        await self.app.run_action(action, default_namespace=self.query_one(LiveTable))

    @on(Input.Submitted)
    @on(LiveTable.Opened)
    def _run(self) -> None:
        """What was typed counts, also when Enter came before the list had followed the letters."""
        self._show(self.query_one("#typed", Input).value)
        if (chosen := self._chosen()) is not None:
            self.dismiss(chosen)

    def action_close(self) -> None:
        if self._previewed:
            self._undo_preview()
        self.dismiss(None)
