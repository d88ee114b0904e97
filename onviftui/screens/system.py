"""View 8: what belongs to the whole box: settings, backups, people, versions. Each entry opens a screen.

To add an entry, add one line to `ENTRIES`; its screen is imported when it is opened, so that nobody else waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from textual.screen import Screen

from proxyd.api.states import Role

from ..keys import view_bindings
from ..roles import may, refusal
from ..store import Changes
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import Line, line, wrap
from ..widgets.rows import Row
from ..words import Tone
from .view import TableView


@dataclass(frozen=True, slots=True)
class Entry:
    """`what` is one line of explanation; `screen` makes what Enter opens; who has not `role` is told so."""

    label: str
    what: str
    screen: Callable[[], Screen[Any]]
    role: Role = Role.VIEWER


def _about() -> Screen[Any]:
    from .about import About

    return About()


def _users() -> Screen[Any]:
    from .users import UsersScreen

    return UsersScreen()


def _guide() -> Screen[Any]:
    from ..wizard.screen import WizardScreen

    return WizardScreen()


def _settings() -> Screen[Any]:
    from .settings import SettingsScreen

    return SettingsScreen()


def _backups() -> Screen[Any]:
    from .backups import BackupsScreen

    return BackupsScreen()


def _undo() -> Screen[Any]:
    from .undo import UndoScreen

    return UndoScreen()


ENTRIES: tuple[Entry, ...] = (
    Entry("Guide", "From the network to the recorder, step by step", _guide, Role.ADMIN),
    Entry("Users", "Who may log in by SSH, and what each may do", _users, Role.ADMIN),
    Entry("Settings", "Looks, the shared account, what is configured", _settings),
    Entry("Backups", "Everything in one encrypted file; restoring it", _backups, Role.ADMIN),
    Entry("Undo", "What was changed, and taking it back", _undo),
    Entry("About", "Versions, where the data lies, the licence", _about),
)


class _Item(NamedTuple):
    id: int
    entry: Entry


class SystemView(TableView):
    view_id = "system"
    kind = "system"
    BINDINGS = view_bindings("system")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("label", "SYSTEM", 16),
        Column("what", "WHAT IT IS", 40, flex=1),
        Column("role", "FOR", 9, 1),
    )

    def items(self) -> Mapping[int, Any]:
        return {number: _Item(number, entry) for number, entry in enumerate(ENTRIES)}

    def touched(self, changes: Changes) -> set[int] | None:
        return set()

    def _allowed(self, entry: Entry) -> bool:
        status = ui_of(self).store.status
        return status is None or may(status.role, entry.role)

    def row(self, item: _Item) -> Row:
        entry = item.entry
        tone = Tone.TEXT if self._allowed(entry) else Tone.MUTED
        whom = "everybody" if entry.role is Role.VIEWER else f"{entry.role.value}s"
        cells = (Cell(entry.label, tone), Cell(entry.what, tone), Cell(whom, Tone.MUTED))
        return Row(item.id, " ", Tone.MUTED, cells)

    def sort_value(self, item: _Item, column: str) -> Any:
        values: dict[str, Any] = {"label": item.entry.label, "what": item.entry.what, "role": item.entry.role}
        return values.get(column, item.id)

    def detail_lines(self, item: _Item, width: int, height: int) -> list[Line]:
        entry = item.entry
        words = [((" ", Tone.TEXT), *w) for w in wrap(f"{entry.what}.", max(20, width - 2), limit=2)]
        can = self._allowed(entry)
        hint = " Enter opens it." if can else f" Only {entry.role.value}s may open it."
        return [line((f" {entry.label}", Tone.STRONG)), *words, line((hint, Tone.MUTED if can else Tone.WARNING))]

    def action_open(self) -> None:
        item = self.current()
        if item is None:
            return
        status = ui_of(self).store.status
        if status is None or self._allowed(item.entry):
            self.app.push_screen(item.entry.screen())
        else:
            ui_of(self).toast(refusal(status.role, item.entry.role, item.entry.label), "warning")
