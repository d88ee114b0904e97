"""What of a camera is copied: a short list, and Enter or y takes the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from proxyd.api.models import Camera, Credentials, Role

from ..camera_panes.fields import copyable
from ..key_order import give_focus
from ..layers import Modal
from ..roles import may
from ..ui import Ui, ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import line, plain
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone
from .dialog import CLOSE

Choice = tuple[str, str]  # what it is, the text; a secret has none here
PASSWORD = "password"  # noqa: S105 - what it is, not the password


def offer_copies(app: App[Any], camera: Camera, first: str = "") -> None:
    """Everything of this camera that its user may have; what is chosen is copied. `first` as in CopyChoice."""
    ui = cast(Ui, app)
    offered = copyable(camera)
    if may(ui.store.role, Role.OPERATOR):
        offered.insert([what for what, _ in offered].index("user") + 1, (PASSWORD, ""))

    def arrived(credentials: Credentials) -> None:
        ui.copy(credentials.password, PASSWORD)

    def chosen(choice: Choice | None) -> None:
        if choice is None:
            return
        what, text = choice
        if text:
            ui.copy(text, f"{what} of {camera.name}")
        else:
            ui.ask("camera.credentials", {"id": camera.id}, doing="Fetching…", then=arrived)

    app.push_screen(CopyChoice(offered, first, camera.name), chosen)


class CopyChoice(Modal[Choice | None]):
    """Dismissed with the choice, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *CLOSE,
        Binding("enter,y", "take", show=False),
    ]
    COLUMNS: ClassVar[tuple[Column, ...]] = (Column("what", "WHAT", 16), Column("text", "TEXT", 30, flex=1))

    def __init__(self, choices: Sequence[Choice], first: str, name: str) -> None:
        """The cursor begins at what is, or reads, `first`."""
        super().__init__()
        self._choices = list(choices)
        self._first = first
        self._camera_name = name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog copy"):
            yield Lines(id="title")
            yield LiveTable(self.COLUMNS, ui_of(self).look)
            yield Lines(id="hint")

    def on_mount(self) -> None:
        hidden = ui_of(self).look.hidden
        self.query_one("#title", Lines).show([line((f"Copy of {plain(self._camera_name)}", Tone.STRONG)), line("")])
        table = self.query_one(LiveTable)
        table.styles.height = min(len(self._choices) + 1, max(3, self.app.size.height - 8))
        rows = [
            Row(number, " ", Tone.TEXT, (Cell(what), Cell(text or hidden, Tone.MUTED)))
            for number, (what, text) in enumerate(self._choices)
        ]
        table.show(rows)
        found = next((n for n, choice in enumerate(self._choices) if self._first and self._first in choice), 0)
        table.move_to(found)
        self.query_one("#hint", Lines).show([line(""), line(("Enter or y copies it, Esc goes back", Tone.MUTED))])
        give_focus(table)

    @on(LiveTable.Opened)
    def action_take(self) -> None:
        number = self.query_one(LiveTable).cursor_key
        self.dismiss(self._choices[number] if number is not None else None)

    def action_close(self) -> None:
        self.dismiss(None)
