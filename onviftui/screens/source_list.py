"""Bringing a list of cameras: which file, then what of it would be added, and why the rest cannot."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from proxyd.api.models import PlannedSource, SourceImported
from proxyd.errors import InvalidInput, ProxyError

from ..key_order import give_focus
from ..layers import Modal
from ..source_words import LIST_KB, TOO_LARGE, remark
from ..text_file import read_text, typed_path
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import Line, line, plain, wrap
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone, count
from .choose import Choose
from .dialog import CLOSE, WIDTH
from .field_form import FieldForm

_KINDS = (
    ("csv", "name,main,sub,snapshot,username,password"),
    ("yaml", "a list of addresses, or of names with addresses"),
    ("onvif-server", "its config.yaml"),
    ("rtsp-to-onvif", "its configuration"),
    ("go2rtc", "its streams:"),
    ("frigate", "its cameras:"),
)
_SIGNS = {"new": ("+", Tone.SUCCESS), "known": ("=", Tone.MUTED), "unusable": ("!", Tone.WARNING)}
_WORDS = {"new": "new", "known": "is there", "unusable": "cannot"}


class ListForm(FieldForm[tuple[dict[str, Any], SourceImported]]):
    """Dismissed with the parameters of the import and what it would do, or None."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("file", "File", "CSV or YAML, also of go2rtc, Frigate and others"),
        ("username", "User", "for cameras that have none in the list"),
        ("password", "Password", ""),
    )
    MOST_CHARS: ClassVar[int] = 1024
    TEST = ""  # nothing is added before it has been shown

    def __init__(self) -> None:
        super().__init__({}, "Look")
        self._kind = "auto"
        self._sent: dict[str, Any] = {}

    def on_mount(self) -> None:
        title = line(("Add the cameras of a list", Tone.STRONG))
        self.say([title], "Enter next field   ^s look into it   Esc back", "file")

    def params(self) -> dict[str, Any] | None:
        typed = self.typed()
        wrong = {} if typed["file"].strip() else {"file": "where is the list?"}
        if typed["password"] and not typed["username"].strip():
            wrong["username"] = "whose password is it?"
        self.show_wrong(wrong)
        if wrong:
            return None
        account = {"username": typed["username"].strip(), "password": typed["password"]}
        return {"file": typed["file"].strip(), **(account if account["username"] else {})}

    def test(self, params: dict[str, Any]) -> None:
        """Saving shows it first."""

    def action_test(self) -> None:
        """Likewise."""

    def save(self, params: dict[str, Any]) -> None:
        self.answer("Reading it…", Tone.ACCENT)
        self._busy = True
        self.run_worker(self._read(params), name="read a list of cameras", exit_on_error=False, exclusive=True)

    async def _read(self, params: dict[str, Any]) -> None:
        """In a thread: the file may lie on a disk that is far away."""
        file = typed_path(params.pop("file"))
        try:
            if file.exists() and not file.is_file():
                raise InvalidInput(f"{file} is no file.", "Name the list itself.")
            text = await asyncio.to_thread(read_text, file, LIST_KB, too_large=TOO_LARGE)
        except InvalidInput as error:
            self._busy = False
            self.show_wrong({"file": str(error)})
            self.answer("", Tone.TEXT)
            return
        self._sent = params | {"text": text, "format": self._kind}
        self.start("source.import", self._sent | {"dry_run": True}, "Looking into it…", self._looked)

    def _looked(self, found: SourceImported) -> None:
        self.dismiss((self._sent, found))

    def refused(self, error: ProxyError) -> str:
        if "cannot be told" not in error.message:
            return str(error)
        self.call_after_refresh(self._ask_kind)
        return error.message

    def _ask_kind(self) -> None:
        def chosen(number: int | None) -> None:
            if number is not None:
                self._kind = _KINDS[number][0]
                self.action_save()

        self.app.push_screen(Choose("Which kind of list is it?", _KINDS), chosen)


class ListPlan(Modal[bool]):
    """What an import would do; dismissed with True when it is to be done."""

    BINDINGS: ClassVar[list[BindingType]] = [*CLOSE, Binding("enter", "add", show=False)]
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("state", "", 8),
        Column("name", "NAME", 16, flex=2, longest=40),
        Column("main", "MAIN STREAM", 24, 1, flex=3),
        Column("sub", "SUB STREAM", 24, 2, flex=2),
    )

    def __init__(self, found: SourceImported) -> None:
        super().__init__()
        self._found = found
        self._new = sum(source.state == "new" for source in found.sources)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Lines(id="title")
            yield LiveTable(self.COLUMNS, ui_of(self).look)
            yield Lines(id="hint")

    def on_mount(self) -> None:
        others = len(self._found.sources) - self._new
        title = f"{count(self._new, 'camera')} would be added" if self._new else "Nothing of this list is to be added"
        left = f"; {count(others, 'other')} {'is' if others == 1 else 'are'} left out" if others and self._new else ""
        lines: list[Line] = [line((title, Tone.STRONG), (f"{left}   ({self._found.format})", Tone.MUTED))]
        for note in self._found.notes:
            lines += wrap(note, WIDTH, Tone.WARNING, limit=2)
        self.query_one("#title", Lines).show([*lines, line("")])
        table = self.query_one(LiveTable)
        table.show([_row(number, source) for number, source in enumerate(self._found.sources)])
        give_focus(table)
        self._say()

    @on(LiveTable.Moved)
    def _say(self) -> None:
        """In full what is said of the one under the cursor."""
        key = self.query_one(LiveTable).cursor_key
        source = self._found.sources[key] if key is not None else None
        words = remark(source) if source is not None else ""
        said = wrap(words, max(20, self.app.size.width - 16), Tone.WARNING, limit=3) if words else [line("")]
        keys = "Enter adds them   Esc adds nothing" if self._new else "Esc goes back"
        self.query_one("#hint", Lines).show([line(""), *said, line((keys, Tone.MUTED))])

    @on(LiveTable.Opened)
    def action_add(self) -> None:
        self.dismiss(self._new > 0)

    def action_close(self) -> None:
        self.dismiss(False)


def _row(number: int, source: PlannedSource) -> Row:
    glyph, tone = _SIGNS[source.state]
    text = Tone.TEXT if source.state == "new" else Tone.MUTED
    cells = (
        Cell(_WORDS[source.state], tone),
        Cell(plain(source.name), text),
        Cell(plain(source.main) or plain(remark(source)), text),
        Cell(plain(source.sub or ""), Tone.MUTED),
    )
    return Row(number, glyph, tone, cells)
