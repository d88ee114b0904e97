"""Backups: make one, look into it, keep it elsewhere, and become what it holds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from proxyd.api.backups import Backup, BackupContents, Restored
from proxyd.errors import ProxyError

from ..backup_files import ENDING, bring, pieces
from ..keys import view_bindings
from ..picture_words import ssh_command
from ..text_file import typed_path
from ..ui import is_there, ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import Line, line, wrap
from ..widgets.livetable import LiveTable
from ..widgets.rows import Row
from ..words import HUMAN_GLYPH, Sign, Tone, count, format_when
from .backup_forms import BackupLook, NewBackup, OpenBackup
from .by_ssh import BySsh
from .dialog import AskText, Confirm
from .rows_screen import RowsScreen

RESTORE_DEADLINE_S = 300.0
PIECE_DEADLINE_S = 30.0


class BackupsScreen(RowsScreen):
    view_id = "backups"
    BINDINGS = view_bindings("backups")
    TITLE_WORDS = ("Backups", "everything in one file, encrypted with a passphrase")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("name", "BACKUP", 32, flex=2, longest=60),
        Column("at", "MADE", 16),
        Column("size", "KB", 7, right=True),
        Column("version", "BY PROXYD", 10, 2),
    )

    ON_A_ROW = frozenset({"open", "restore", "save", "remove"})

    def __init__(self) -> None:
        super().__init__()
        self._known: list[Backup] | None = None
        self._brought = ""  # the cursor goes to it once it is in the list
        self._numbers: dict[str, int] = {}  # a backup's row keeps its number, and with it the cursor

    def ask(self, doing: str) -> None:
        ui_of(self).ask("backup.list", doing=doing, then=self._arrived)

    def _arrived(self, known: list[Backup]) -> None:
        self._known = known
        for one in reversed(known):
            self._numbers.setdefault(one.name, len(self._numbers))
        self.show_rows()
        if is_there(self) and self._brought in self._numbers:  # what is pressed next is meant for it
            self.query_one(LiveTable).move_to(self._numbers[self._brought])
            self._brought = ""

    def items(self) -> Mapping[int, Any]:
        return {self._numbers[one.name]: one for one in self._known or []}

    def row(self, key: int, item: Backup) -> Row:
        ui = ui_of(self)
        now = ui.local_now()
        sign = Sign(*HUMAN_GLYPH, "cannot be used")
        made = sign.word if item.problem else format_when(item.at, now, now.tzinfo)
        cells = (
            Cell(item.name, Tone.TEXT),
            Cell(made, sign.tone if item.problem else Tone.MUTED),
            Cell(f"{max(1, round(item.size / 1000)):,}", Tone.TEXT),
            Cell(item.version, Tone.MUTED),
        )
        return Row(key, ui.look.glyph(sign) if item.problem else " ", sign.tone, cells)

    def detail_lines(self, item: Backup, width: int) -> list[Line]:
        if item.problem:
            return [line(((f" {item.problem}"), Tone.ERROR)), line((" d removes it.", Tone.MUTED))]
        words = "Enter shows what is in it, R restores it. Keep a copy elsewhere: s writes it to a file, b brings one. "
        words += "Who may log in by SSH is not in it."
        return [((" ", Tone.TEXT), *w) for w in wrap(words, width - 1, Tone.MUTED, limit=3)]

    def empty_lines(self) -> Sequence[Line]:
        if self._known is None:
            return [line("")]
        return [
            line(""),
            line(("    No backup yet.", Tone.STRONG)),
            line(
                "    Press ", ("c", Tone.ACCENT), " to make one: a file with everything, for this or another machine."
            ),
            line("    or ", ("b", Tone.ACCENT), " to bring one that you have as a file; then R restores it."),
        ]

    # what the keys do

    def action_create(self) -> None:
        def made(backup: Backup | None) -> None:
            if backup is not None:
                ui_of(self).toast(f"Made the backup {backup.name}. s writes it to a file.")
                self.action_refresh()

        self.app.push_screen(NewBackup(), made)

    def action_open(self) -> None:
        def looked(found: tuple[str, BackupContents] | None) -> None:
            if found is not None:
                self.app.push_screen(BackupLook(found[1]))

        self._opened(looked)

    def _opened(self, then: Any) -> None:
        backup = self.current
        if backup is not None and backup.problem:
            ui_of(self).toast(f"{backup.name}: {backup.problem}", "warning")
        elif backup is not None:
            self.app.push_screen(OpenBackup(backup), then)

    def action_restore(self) -> None:
        """Passphrase, then what it means, then typed confirmation."""
        ui = ui_of(self)

        def looked(found: tuple[str, BackupContents] | None) -> None:
            if found is not None:
                self.app.push_screen(_question(found[1]), lambda yes: restore(*found) if yes else None)

        def restore(passphrase: str, found: BackupContents) -> None:
            ui.ask(
                "backup.restore",
                {"name": found.name, "passphrase": passphrase},
                doing="Restoring…",
                then=restored,
                deadline_s=RESTORE_DEADLINE_S,
            )

        def restored(done: Restored) -> None:
            words = f"Restored {done.contents.name}; proxyd starts anew. What was before: {done.safety}."
            ui.toast(" ".join([words, *done.contents.warnings]), "warning")

        self._opened(looked)

    def action_remove(self) -> None:
        backup = self.current
        if backup is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                ui_of(self).ask("backup.remove", {"name": backup.name}, doing="Removing…", then=removed)

        def removed(_: Backup) -> None:
            ui_of(self).toast(f"Removed the backup {backup.name}.")
            self.action_refresh()

        body = "It cannot be brought back, unless you have its file elsewhere."
        self.app.push_screen(Confirm(f"Remove {backup.name}?", body, "Remove"), answered)

    def action_save(self) -> None:
        backup = self.current
        if backup is None:
            return
        name = f"{backup.name}{ENDING}"
        if not ui_of(self).local:
            command = ssh_command(f"backup fetch {backup.name} -", name)
            self.app.push_screen(BySsh("Keep a copy of it", "On your own machine, this writes it to a file:", command))
            return

        def typed(text: str | None) -> None:
            if text:
                work = self._write(backup, typed_path(text))
                self.run_worker(work, name="write a backup to a file", exit_on_error=False)

        question = AskText("Save the backup as", str(Path.cwd() / name), same=True, longest=1024)
        self.app.push_screen(question, typed)

    async def _write(self, backup: Backup, target: Path) -> None:
        """Whole or not at all, readable by nobody else."""
        ui = ui_of(self)
        new = target.with_name(f".{target.name}.part")
        try:
            data = b"".join([piece async for piece in pieces(self._call, backup.name)])
            await asyncio.to_thread(_put, new, target, data)
            ui.toast(f"Wrote {target} ({len(data) / 1000:,.0f} kB).")
        except OSError as error:
            ui.toast(f"Cannot write {target}: {error.strerror or error}. Choose another file.", "error")
        except ProxyError as error:
            ui.toast(str(error), "error")

    async def _call(self, method: str, params: dict[str, Any]) -> Any:
        return await ui_of(self).live.call(method, params, PIECE_DEADLINE_S)

    def action_bring(self) -> None:
        """A file becomes one of the daemon's backups; nothing is restored by that."""
        if not ui_of(self).local:
            why = "It lies on your own machine. There, this line brings it into this list:"
            command = ssh_command("backup bring -", "FILE", bring=True)
            then = "Then R on it restores it, after its passphrase and a question."
            self.app.push_screen(BySsh("Bring the file of a backup", why, command, then))
            return

        def typed(text: str | None) -> None:
            if text:
                work = self._bring(typed_path(text))
                self.run_worker(work, name="bring a backup", exit_on_error=False, exclusive=True)

        hint = "Enter brings it into this list, Esc goes back; nothing is restored yet"
        self.app.push_screen(AskText("Which file of a backup?", f"{Path.cwd()}/", hint, longest=1024), typed)

    async def _bring(self, source: Path) -> None:
        ui = ui_of(self)
        try:
            if source.exists() and not source.is_file():
                raise ProxyError(f"{source} is no file.", "Name the file of the backup.")
            ui.toast(f"Bringing {source.name}…")
            with await asyncio.to_thread(source.open, "rb") as file:
                brought = await bring(self._call, source, file)
        except OSError as error:
            ui.toast(f"Cannot read {source}: {error.strerror or error}. Check its name and its rights.", "error")
        except ProxyError as error:
            ui.toast(str(error), "error")
        else:
            ui.toast(f"Brought the backup {brought.name}. R restores it.")
            self._brought = brought.name
            self.action_refresh()


def _put(new: Path, target: Path, data: bytes) -> None:
    if target.exists():
        raise FileExistsError(17, "it is there already")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        new.rename(target)
    finally:
        new.unlink(missing_ok=True)


def _question(found: BackupContents) -> Confirm:
    what = f"{count(len(found.nvrs), 'NVR')} and {count(len(found.cameras), 'camera')}"
    body = f"Its {what} replace all of this machine's, with the settings; proxyd starts anew, and recorders lose the "
    body += "picture for some seconds. What is now becomes a backup with the same passphrase. "
    return Confirm(f"Restore {found.name}?", body + " ".join(found.warnings), "Restore", typed="restore")
