"""Sources: cameras that are known by their RTSP addresses alone. Add them one by one or from a list, edit, remove."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from proxyd.api.models import Source, SourceImported

from ..keys import view_bindings
from ..picture_words import ssh_command
from ..store import Changes
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import Line, line, plain, wrap
from ..widgets.rows import Row
from ..words import OFF_GLYPH, Sign, Tone, camera_sign, count
from .by_ssh import BySsh
from .dialog import Confirm
from .rows_screen import RowsScreen
from .source_form import KnownSourceForm
from .source_list import ListForm, ListPlan

IMPORT_DEADLINE_S = 60.0
_REMOVED = Sign(*OFF_GLYPH, "removed")


class SourcesScreen(RowsScreen):
    view_id = "sources"
    BINDINGS = view_bindings("sources")
    TITLE_WORDS = ("Sources", "cameras that are known by their RTSP addresses alone")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("name", "CAMERA", 16, flex=2, longest=40),
        Column("state", "STATE", 14),
        Column("main", "MAIN STREAM", 30, flex=3, longest=90),
        Column("user", "USER", 10, 2),
        Column("sub", "SUB STREAM", 30, 3, flex=2, longest=90),
    )

    ON_A_ROW = frozenset({"open", "edit", "remove", "scan", "copy"})

    def __init__(self) -> None:
        super().__init__()
        self._known: list[Source] | None = None
        self._numbers: dict[Hashable, int] = {}  # a source's row keeps its number, and with it the cursor

    def ask(self, doing: str) -> None:
        ui_of(self).ask("source.list", doing=doing, then=self._arrived)

    def _arrived(self, known: list[Source]) -> None:
        self._known = known
        for one in known:
            self._numbers.setdefault(_identity(one), len(self._numbers))
        self.show_rows()

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if changes.of("camera") or changes.of("nvr"):
            self.show_rows()

    def items(self) -> Mapping[int, Any]:
        return {self._numbers[_identity(one)]: one for one in self._known or []}

    def _sign(self, source: Source) -> Sign:
        camera = ui_of(self).store.cameras.get(source.camera or 0)
        return camera_sign(camera) if camera is not None else _REMOVED

    def _user(self, source: Source) -> str:
        nvr = ui_of(self).store.nvrs.get(source.nvr)
        return nvr.username if nvr is not None else ""

    def row(self, key: int, item: Source) -> Row:
        look, sign = ui_of(self).look, self._sign(item)
        text = Tone.TEXT if item.camera is not None else Tone.MUTED
        cells = (
            Cell(plain(item.name), text),
            Cell(sign.word, sign.tone),
            Cell(plain(item.main), text),
            Cell(plain(self._user(item)) or look.dash, Tone.MUTED),
            Cell(plain(item.sub or look.dash), Tone.MUTED),
        )
        return Row(key, look.glyph(sign), sign.tone, cells)

    def detail_lines(self, item: Source, width: int) -> list[Line]:
        store = ui_of(self).store
        camera = store.cameras.get(item.camera or 0)
        if camera is None:
            gone = "It was removed. It comes back when its address is added again: a."
            return [line((f" {plain(item.main)}", Tone.MUTED)), line((f" {gone}", Tone.MUTED))]
        first = line((f" {plain(item.main)}", Tone.TEXT))
        reason = camera.reason or camera.note
        if reason:
            words = wrap(reason.removeprefix(f"{camera.name}: "), width - 1, self._sign(item).tone, limit=2)
            return [first, *[((" ", Tone.TEXT), *one) for one in words]]
        where = f"For the recorder: {camera.address}" if camera.address else "It has no address yet."
        row = f"   in {plain(store.nvr_name(item.nvr))}, channel {item.channel}"
        sub = [line((f" {plain(item.sub)}   (sub)", Tone.MUTED))] if item.sub else []
        return [first, *sub, line((f" {where}{row}", Tone.MUTED))]

    def idle(self, item: Source | None) -> frozenset[str]:
        """One that was removed is only brought back."""
        return super().idle(item) if item is None or item.camera is not None else frozenset({"open", "edit", "remove"})

    def empty_lines(self) -> Sequence[Line]:
        if self._known is None:
            return [line("")]
        return [
            line(""),
            line(("    No camera was added by its RTSP addresses.", Tone.STRONG)),
            line(""),
            line("    Press ", ("a", Tone.ACCENT), " to add one, for a camera or doorbell that knows no ONVIF,"),
            line("    or ", ("i", Tone.ACCENT), " to add the cameras of a list: CSV, YAML, go2rtc, Frigate."),
        ]

    # what the keys do

    def action_open(self) -> None:
        source = self.current
        if source is not None and source.camera is not None:
            ui_of(self).open_camera(source.camera)

    def action_add_source(self) -> None:
        ui_of(self).add_source()

    def action_edit(self) -> None:
        source = self.current
        if source is None or source.camera is None:
            return

        def saved(changed: Source | None) -> None:
            if changed is not None:
                ui_of(self).toast(f"{changed.name} saved; its streams are being read. u takes it back.")

        self.app.push_screen(KnownSourceForm(source, self._user(source)), saved)

    def action_remove(self) -> None:
        source = self.current
        if source is None or source.camera is None:
            return
        ui = ui_of(self)

        def answered(yes: bool | None) -> None:
            if yes:
                ui.ask("camera.remove", {"ids": [source.camera]}, doing=f"Removing {source.name}…", then=removed)

        def removed(_: Any) -> None:
            ui.toast(f"{source.name} removed. u takes it back.")

        body = "The recorder loses it, and its address becomes free. u takes it back as long as proxyd runs; "
        body += "added again later it is a new camera to the recorder."
        question = Confirm(f"Remove {plain(source.name)}?", body, "Remove", typed=source.name)
        self.app.push_screen(question, answered)

    def action_scan(self) -> None:
        if self.current is not None:
            ui_of(self).scan(self.current.nvr)

    def action_copy(self) -> None:
        if self.current is not None:
            ui_of(self).copy(self.current.main, f"main stream of {self.current.name}")

    def action_import_list(self) -> None:
        if not ui_of(self).local:
            why = (
                "A list lies on your machine, where this session cannot read it. There, this shows what would be added:"
            )
            command = ssh_command("source import -", "FILE", bring=True)
            then = "With --yes before the < it adds them. Or press a for one camera."
            self.app.push_screen(BySsh("Add the cameras of a list", why, command, then))
            return

        def looked(answer: tuple[dict[str, Any], SourceImported] | None) -> None:
            if answer is not None:
                params, found = answer
                self.app.push_screen(ListPlan(found), lambda yes: self._import(params) if yes else None)

        self.app.push_screen(ListForm(), looked)

    def _import(self, params: dict[str, Any]) -> None:
        def done(result: SourceImported) -> None:
            new = sum(source.state == "new" for source in result.sources)
            ui_of(self).toast(f"{count(new, 'camera')} added; what they send is being read now.")

        ui_of(self).ask(
            "source.import",
            params | {"dry_run": False},
            doing="Adding them…",
            then=done,
            deadline_s=IMPORT_DEADLINE_S,
        )


def _identity(source: Source) -> Hashable:
    """A camera keeps its row also when another account takes it to another row of NVRs."""
    return source.camera if source.camera is not None else (source.nvr, source.channel)
