"""Settings: what this user likes of the UI, the account that all cameras share, and what of the configuration holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from proxyd.api.settings import DaemonSettings

from .. import preferences
from ..keys import view_bindings
from ..theme import AUTO
from ..theme import CHOICES as THEMES
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import Line, line, wrap
from ..widgets.rows import Row
from ..words import Tone, count
from .choose import Choose
from .rows_screen import RowsScreen
from .shared_account import SharedAccountForm

_SOURCES = {"default": "as it comes", "file": "the file", "command line": "command line"}
_CHOICE_WORDS = {
    "auto": "what the terminal can",
    "kitty": "kitty's graphics",
    "sixel": "sixel graphics",
    "blocks": "half blocks, in colour",
    "characters": "plain characters",
    "off": "never",
}


@dataclass(frozen=True, slots=True)
class _Item:
    """`kind` is "yours", "account" or "proxyd"."""

    kind: str
    name: str
    label: str
    value: str
    source: str
    help: str


class SettingsScreen(RowsScreen):
    view_id = "settings"
    BINDINGS = view_bindings("settings")
    TITLE_WORDS = ("Settings", "yours, those of all cameras, and how proxyd was started")
    follows_log = False
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("whose", "WHOSE", 8),
        Column("label", "SETTING", 26),
        Column("value", "VALUE", 24, flex=1),
        Column("source", "FROM", 12, 1),
    )

    def __init__(self) -> None:
        super().__init__()
        self._known: DaemonSettings | None = None

    def ask(self, doing: str) -> None:
        ui_of(self).ask("settings.get", doing=doing, then=self._arrived)

    def _arrived(self, known: DaemonSettings) -> None:
        self._known = known
        self.show_rows()

    def items(self) -> Mapping[int, Any]:
        found = [self._preference(name) for name in preferences.LABELS]
        if self._known is not None:
            known = self._known
            means = f"{count(known.sharing, 'camera')} have it, {known.adopted} of them are adopted by a recorder."
            found.append(_Item("account", "account", "Shared account", known.username, "kept here", means))
            where = known.file or "there is none: everything is as it comes"
            for one in known.configuration:
                words = f"Only read here. To change it, edit the configuration ({where}) and start proxyd anew."
                label = f"{one.section}.{one.name}"
                found.append(_Item("proxyd", label, label, one.value, _SOURCES[one.source], words))
        return dict(enumerate(found))

    def _preference(self, name: str) -> _Item:
        label, words = preferences.LABELS[name]
        value = getattr(ui_of(self).preferences, name)
        default = getattr(preferences.Preferences(), name)
        shown = ("on" if value else "off") if isinstance(value, bool) else value
        if name == "theme":
            shown = next((title for word, title, _ in THEMES if word == value), "automatic")
        source = "as it comes" if value == default else "you"
        return _Item("yours", name, label, "automatic" if shown == "auto" else shown, source, f"{words}.")

    def row(self, key: int, item: _Item) -> Row:
        whose = {"yours": "you", "account": "cameras", "proxyd": "proxyd"}[item.kind]
        tone = Tone.MUTED if item.kind == "proxyd" else Tone.TEXT
        chosen = Tone.TEXT if item.source in ("as it comes", "kept here") else Tone.ACCENT
        cells = (
            Cell(whose, Tone.MUTED),
            Cell(item.label, tone),
            Cell(item.value or ui_of(self).look.dash, chosen),
            Cell(item.source, Tone.MUTED),
        )
        return Row(key, " ", Tone.MUTED, cells)

    def detail_lines(self, item: _Item, width: int) -> list[Line]:
        words = item.help[:1].upper() + item.help[1:]
        lines: list[Line] = [line((f" {item.label}", Tone.STRONG), (f"  {item.value}", Tone.TEXT))]
        return lines + [((" ", Tone.TEXT), *w) for w in wrap(words, width - 1, Tone.MUTED, limit=2)]

    def empty_lines(self) -> Sequence[Line]:
        return [line("")]

    # what the keys do

    def action_open(self) -> None:
        item = self.current
        if item is None:
            return
        if item.kind == "account":
            self._change_account()
        elif item.kind == "proxyd":
            ui_of(self).toast(f"{item.label}: {item.help}")
        elif isinstance(getattr(preferences.Preferences(), item.name), bool):
            self._prefer(item.name, not getattr(ui_of(self).preferences, item.name))
        else:
            self._choose(item)

    def action_copy(self) -> None:
        if self.current is not None:
            ui_of(self).copy(self.current.value, self.current.label)

    def _choose(self, item: _Item) -> None:
        if item.name == "theme":
            choices = [(AUTO, "Automatic", "by what the terminal can show"), *((w, t, "") for w, t, _ in THEMES)]
        else:
            choices = [(word, word, _CHOICE_WORDS.get(word, "")) for word in preferences.CHOICES[item.name]]
        words = [word for word, _, _ in choices]

        def chosen(number: int | None) -> None:
            if number is not None:
                self._prefer(item.name, words[number])

        now = getattr(ui_of(self).preferences, item.name)
        lines = [(title, why) for _, title, why in choices]
        self.app.push_screen(Choose(item.label, lines, words.index(now) if now in words else 0), chosen)

    def _prefer(self, name: str, value: object) -> None:
        ui_of(self).prefer(**{name: value})
        self.show_rows()

    def _change_account(self) -> None:
        ui = ui_of(self)
        if self._known is None or not ui.allowed("settings.account", "Shared account"):
            return

        def saved(known: DaemonSettings | None) -> None:
            if known is not None:
                self._arrived(known)
                ui.toast(f"{count(known.sharing, 'camera')} share the account {known.username} now. u takes it back.")

        self.app.push_screen(SharedAccountForm(self._known), saved)
