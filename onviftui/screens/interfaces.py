"""View 4: the interfaces that cameras stand on, and which are free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from proxyd.api.models import Interface

from ..keys import view_bindings
from ..store import Changes
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.interface_lines import doctor_word, findings_of, interface_lines, lease_words
from ..widgets.line import Line, line
from ..widgets.rows import Row
from ..words import HUMAN_GLYPH, OFF_GLYPH, ON_GLYPH, WAITING_GLYPH, Sign, Tone
from .findings import Findings
from .view import TableView


class InterfacesView(TableView):
    view_id = "interfaces"
    kind = "interface"
    BINDINGS = view_bindings("interfaces")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("name", "INTERFACE", 15, flex=3, longest=20, least=10),
        Column("address", "ADDRESS", 15, flex=1, longest=39, least=9),
        Column("state", "STATE", 15, least=8),
        Column("camera", "CAMERA", 16, flex=2, longest=64),
        Column("mac", "MAC", 17, 2),
        Column("lease", "LEASE UNTIL", 15, 3, least=12),
        Column("doctor", "DOCTOR", 10, 4, least=7),
        Column("kind", "ON", 10, 5, least=8),
    )
    first_sort = ("name", False)
    filter_names = ("state", "camera", "address", "name", "mac")
    ON_A_ROW = frozenset({"open", "copy", "remove"})

    def items(self) -> Mapping[int, Any]:
        return ui_of(self).store.interfaces

    def touched(self, changes: Changes) -> set[int] | None:
        return None if changes.names else changes.of("interface")

    def _sign(self, item: Interface) -> Sign:
        if any(finding.severity == "problem" for finding in findings_of(item, ui_of(self).store.findings)):
            return Sign(*HUMAN_GLYPH, "has a problem")
        if not item.up:
            return Sign(*WAITING_GLYPH, "down")
        if not item.address:
            return Sign(*WAITING_GLYPH, "no address yet")
        return Sign(*ON_GLYPH, "in use") if item.camera else Sign(*OFF_GLYPH, "free")

    def _camera(self, item: Interface) -> str:
        camera = ui_of(self).store.cameras.get(item.camera) if item.camera else None
        return ui_of(self).store.camera_label(camera) if camera else ""

    def row(self, item: Interface) -> Row:
        look = ui_of(self).look
        sign = self._sign(item)
        cells = (
            Cell(item.name),
            Cell(item.address or "", Tone.TEXT),
            Cell(sign.word, Tone.TEXT if sign.word == "in use" else sign.tone),
            Cell(self._camera(item) or look.dash, Tone.TEXT if item.camera else Tone.MUTED),
            Cell(item.mac, Tone.MUTED),
            Cell(lease_words(item, ui_of(self).local_now()) or look.dash, Tone.MUTED),
            Cell(doctor_word(item, ui_of(self).store.findings) or look.dash, Tone.MUTED),
            Cell(item.parent or item.kind, Tone.MUTED),
        )
        return Row(item.id, look.glyph(sign), sign.tone, cells)

    def fields(self, item: Interface) -> dict[str, str]:
        return {
            "state": self._sign(item).word,
            "name": item.name,
            "address": item.address or "",
            "mac": item.mac,
            "camera": self._camera(item),
        }

    def sort_value(self, item: Interface, column: str) -> Any:
        values: dict[str, Any] = {
            "name": (len(item.name), item.name),
            "state": (self._sign(item).word, item.id),
            "camera": (not item.camera, self._camera(item).casefold()),
            "mac": item.mac,
            "lease": item.lease_until or "",
            "doctor": doctor_word(item, ui_of(self).store.findings),
            "kind": item.parent or item.kind,
        }
        return values.get(column, item.id)

    def empty_lines(self) -> list[Line]:
        return [
            line(""),
            line(("    No interface yet.", Tone.STRONG)),
            line("    Every camera stands on an interface of its own, with a MAC of its own."),
            line("    Press ", ("a", Tone.ACCENT), " to add interfaces, one for each camera."),
        ]

    def detail_lines(self, item: Interface, width: int, height: int) -> list[Line]:
        ui = ui_of(self)
        return interface_lines(
            item,
            list(self.items().values()),
            self._camera(item),
            ui.store.findings,
            ui.local_now(),
            width,
            height,
        )

    def action_open(self) -> None:
        """What is wrong with it, else its camera."""
        interface = self.current()
        if interface is None:
            return
        found = findings_of(interface, ui_of(self).store.findings)
        if any(finding.severity == "problem" for finding in found):
            self.app.push_screen(Findings(found))
        elif interface.camera:
            ui_of(self).open_camera(interface.camera)
        else:
            ui_of(self).toast(f"{interface.name} is free: no camera stands on it.")

    def action_add_interfaces(self) -> None:
        ui_of(self).add_interfaces()

    def action_remove(self) -> None:
        interface = self.current()
        if interface is not None:
            ui_of(self).remove_interface(interface.name)

    def action_examine(self) -> None:
        ui_of(self).examine()

    def action_copy(self) -> None:
        interface = self.current()
        if interface is None:
            return
        if interface.address:
            ui_of(self).copy(interface.address, f"address of {interface.name}")
        else:
            ui_of(self).toast(f"{interface.name} has no address yet.")
