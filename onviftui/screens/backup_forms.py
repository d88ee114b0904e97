"""The small forms of Backups: a passphrase for a new backup, the passphrase of one, and a look into it."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll

from proxyd.api.backups import SHORTEST_PASSPHRASE, Backup, BackupContents

from ..key_order import give_focus
from ..layers import Modal
from ..ui import ui_of
from ..widgets.line import Line, line, plain, wrap
from ..widgets.paint import Lines
from ..words import Tone, count, format_when
from .dialog import CLOSE, WIDTH
from .field_form import FieldForm


class NewBackup(FieldForm[Backup]):
    """Dismissed with the backup that was made, or None."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("password", "Passphrase", f"at least {SHORTEST_PASSPHRASE} characters"),
        ("again", "Again", "the same once more"),
    )

    def __init__(self) -> None:
        super().__init__({}, "Make it")

    def on_mount(self) -> None:
        self.query_one("#test").display = False
        self.query_one("#again").password = True  # type: ignore[attr-defined]  # an Input
        body = "One file with everything: NVRs with accounts, cameras with identities and credentials. "
        body += "Without the passphrase nobody can restore it, and nobody can tell it again."
        self.say([line(("Make a backup", Tone.STRONG)), *wrap(body, WIDTH)], "Enter next field   Esc back", "password")

    def params(self) -> dict[str, Any] | None:
        typed = self.typed()
        wrong = {}
        if len(typed["password"]) < SHORTEST_PASSPHRASE:
            wrong["password"] = f"needs at least {SHORTEST_PASSPHRASE} characters; several words are easy to type"
        elif typed["password"] != typed["again"]:
            wrong["again"] = "is not the same"
        self.show_wrong(wrong)
        return None if wrong else {"passphrase": typed["password"]}

    def test(self, params: dict[str, Any]) -> None:
        """There is nothing to test."""

    def save(self, params: dict[str, Any]) -> None:
        self.start("backup.create", params, "Making the backup…", self.dismiss)


class OpenBackup(FieldForm[tuple[str, BackupContents]]):
    """Dismissed with the passphrase that opened it and what is in it, or None."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (("password", "Passphrase", "that it was made with"),)

    def __init__(self, backup: Backup) -> None:
        super().__init__({}, "Look")
        self._backup = backup

    def on_mount(self) -> None:
        self.query_one("#test").display = False
        self.say([line((f"Backup {self._backup.name}", Tone.STRONG))], "Enter looks into it   Esc back", "password")

    def params(self) -> dict[str, Any] | None:
        passphrase = self.typed()["password"]
        self.show_wrong({} if passphrase else {"password": "is needed to look into it"})
        return {"name": self._backup.name, "passphrase": passphrase} if passphrase else None

    def test(self, params: dict[str, Any]) -> None:
        """There is nothing to test."""

    def save(self, params: dict[str, Any]) -> None:
        passphrase = params["passphrase"]
        self.start("backup.check", params, "Looking into it…", lambda found: self.dismiss((passphrase, found)))


class BackupLook(Modal[None]):
    """What is in a backup; closes like the help."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    def __init__(self, found: BackupContents) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"), VerticalScroll():
            yield Lines()

    def on_mount(self) -> None:
        now = ui_of(self).local_now()
        made = format_when(self._found.at, now, now.tzinfo)
        lines: list[Line] = [line((f"Backup {self._found.name}", Tone.STRONG)), line("")]
        lines += wrap(f"Made {made} by proxyd {self._found.version}. It can be restored here.", WIDTH)
        lines += [line(""), line((count(len(self._found.nvrs), "NVR"), Tone.ACCENT))]
        lines += wrap(", ".join(map(plain, self._found.nvrs)) or "none", WIDTH)
        lines += [line(""), line((count(len(self._found.cameras), "camera"), Tone.ACCENT))]
        lines += wrap(", ".join(map(plain, self._found.cameras)) or "none", WIDTH, limit=60)
        for warning in self._found.warnings:
            lines += [line(""), *wrap(warning, WIDTH, Tone.WARNING)]
        lines += [line(""), line(("Esc closes this", Tone.MUTED))]
        self.query_one(Lines).show(lines)
        give_focus(self.query_one(VerticalScroll))

    def action_close(self) -> None:
        self.dismiss(None)
