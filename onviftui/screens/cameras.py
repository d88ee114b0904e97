"""View 2: all virtual cameras, with a detail pane for the one under the cursor."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult

from proxyd.api.models import Camera, CameraState, TraceEntry

from ..alarms import alarms
from ..key_order import give_focus
from ..keys import view_bindings
from ..store import Changes, camera_bps
from ..ui import is_there, ui_of
from ..widgets.camera_lines import request_lines, short_detail, tall_detail
from ..widgets.columns import Cell, Column
from ..widgets.frame import AlarmLines
from ..widgets.line import Line, line
from ..widgets.livetable import LiveTable
from ..widgets.rows import Row
from ..words import Tone, camera_sign, codec_name, format_mbit
from .copy_choice import offer_copies
from .view import TableView

_URGENCY = {Tone.ERROR: 0, Tone.WARNING: 1}


_ON_A_CAMERA = frozenset({"open", "start_stop", "restart", "mark", "copy", "snapshot"})
_ON_A_CAMERA |= {"trace", "edit", "change_all", "diagnose", "remove"}


class CamerasView(TableView):
    view_id = "cameras"
    kind = "camera"
    BINDINGS = view_bindings("cameras")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("name", "CAMERA", 16, flex=6, longest=64),
        Column("address", "ADDRESS", 14, flex=1, longest=39, least=9),
        Column("state", "STATE", 9, flex=1, longest=21),
        Column("recorder", "RECORDER", 13, 3, flex=1, longest=39, least=10),
        Column("mbit", "MBIT/S", 6, 4, right=True),
        Column("fps", "FPS", 3, 5, right=True),
        Column("picture", "MAIN", 16, 6),
        Column("nvr", "NVR", 12, 7, flex=1, longest=40, least=6),
        Column("mac", "MAC", 17, 8),
    )
    first_sort = ("name", False)
    filter_names = ("state", "nvr", "recorder", "address", "name", "mac", "ch")
    ON_A_ROW = _ON_A_CAMERA

    def idle(self) -> frozenset[str]:
        """Where there are cameras, the keys that lead to one give room to theirs."""
        return super().idle() | {"add_nvr", "discover"} if self.items() else super().idle()

    def compose(self) -> ComposeResult:
        yield AlarmLines(ui_of(self).look, limit=2)
        yield from super().compose()

    def on_mount(self) -> None:
        self._namesakes: frozenset[int] = frozenset()
        self._trace: tuple[int, list[TraceEntry]] = (0, [])
        self._trace_of: tuple[int, str | None, int] = (0, None, 0)  # whose, and who watched then
        super().on_mount()

    def items(self) -> Mapping[int, Any]:
        return ui_of(self).store.cameras

    def touched(self, changes: Changes) -> set[int] | None:
        return None if changes.of("nvr") else changes.of("camera")

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if changes.of("job") or changes.of("adoption"):
            self._show_alarms()

    def row(self, item: Camera) -> Row:
        ui = ui_of(self)
        sign = camera_sign(item)
        main = next((s for s in item.streams if s.name == "main"), None)
        picture = f"{codec_name(main.codec)} {main.width}{ui.look.times}{main.height}" if main else ""
        troubled = item.state is not CameraState.RUNNING
        recorder = "" if troubled else item.adopted_by or item.recorder or ui.look.dash
        name = ui.store.camera_label(item) if item.id in self._namesakes else item.name
        tone = sign.tone if sign.tone in _URGENCY else Tone.MUTED if troubled else Tone.TEXT
        cells = (
            Cell(name, Tone.MUTED if item.state is CameraState.STOPPED else Tone.TEXT),
            Cell(ui.store.camera_place(item), Tone.TEXT),
            Cell(sign.word, tone, spill=troubled),
            Cell(recorder, Tone.TEXT if item.adopted_by else Tone.MUTED),
            Cell(format_mbit(camera_bps(item)) or ui.look.dash, Tone.TEXT if camera_bps(item) else Tone.MUTED),
            Cell(str(main.fps) if main and main.bps else ui.look.dash, Tone.TEXT if main and main.bps else Tone.MUTED),
            Cell(picture, Tone.MUTED),
            Cell(ui.store.nvr_name(item.nvr), Tone.MUTED),
            Cell(item.mac or "", Tone.MUTED),
        )
        return Row(item.id, ui.look.glyph(sign), sign.tone, cells)

    def fields(self, item: Camera) -> dict[str, str]:
        return {
            "state": f"{item.state.value} {camera_sign(item).word}",
            "nvr": ui_of(self).store.nvr_name(item.nvr),
            "name": item.name,
            "address": item.address or "",
            "mac": item.mac or "",
            "recorder": item.adopted_by or item.recorder or "",
            "ch": str(item.channel),
        }

    def sort_value(self, item: Camera, column: str) -> Any:
        order: dict[str, Any] = {
            "address": _address_order(item.address),
            "state": (_URGENCY.get(camera_sign(item).tone, 2), camera_sign(item).word, item.channel),
            "recorder": item.adopted_by or item.recorder or "~",
            "mbit": camera_bps(item),
            "fps": max((s.fps for s in item.streams), default=0),
            "picture": max((s.width * s.height for s in item.streams), default=0),
            "nvr": (ui_of(self).store.nvr_name(item.nvr), item.channel),
            "mac": item.mac or "~",
        }
        return order.get(column, (item.nvr, item.channel)) if column != "name" else (_natural(item.name), item.nvr)

    def empty_lines(self) -> list[Line]:
        if ui_of(self).store.nvrs:
            return [
                line(""),
                line(("    No camera yet.", Tone.STRONG)),
                line("    Scan your NVR: press ", ("3", Tone.ACCENT), ", stand on it, press ", ("r", Tone.ACCENT), "."),
            ]
        return [
            line(""),
            line(("    No camera yet: every channel of your NVR becomes one.", Tone.STRONG)),
            line("    Press ", ("a", Tone.ACCENT), " to add the NVR, ", ("f", Tone.ACCENT), " to search the network."),
        ]

    def detail_lines(self, item: Camera, width: int, height: int) -> list[Line]:
        ui = ui_of(self)
        nvr = ui.store.nvrs.get(item.nvr)
        if not self.screen.has_class("-wide"):
            return short_detail(item, nvr, ui.look, width)
        lines = tall_detail(item, nvr, ui.look, width, height)
        spare = height - len(lines) - 2
        if spare >= 3 and self._trace[0] == item.id and self._trace[1]:
            shown = request_lines(self._trace[1], ui.look, spare, ui.local_now().tzinfo)
            lines += [line(""), line(("LAST REQUESTS OF RECORDERS", Tone.MUTED)), *shown]
        return lines

    def show_detail(self) -> None:
        super().show_detail()
        camera = self.current()
        if camera is None or not (self.screen.has_class("-tall") and self.screen.has_class("-wide")):
            return
        trace_of = (camera.id, camera.recorder, camera.clients)
        if trace_of != self._trace_of:
            self._trace_of = trace_of
            self._ask_trace(camera.id)

    def _ask_trace(self, camera: int) -> None:
        def arrived(trace: list[TraceEntry]) -> None:
            if self._trace_of[0] == camera:
                self._trace = (camera, trace)
                if is_there(self):
                    self.show_detail()

        ui_of(self).ask("camera.trace", {"id": camera, "limit": 20}, doing="", then=arrived, failed=lambda error: True)

    def _show(self) -> None:
        namesakes = ui_of(self).store.namesakes()
        if namesakes != self._namesakes:  # a new name changes the rows of others
            self._namesakes = namesakes
            self._rows.clear()
        super()._show()
        self._show_alarms()

    def _show_alarms(self) -> None:
        self.query_one(AlarmLines).show_alarms(alarms(ui_of(self).store), stale=self.stale)

    def on_live_table_left(self, message: LiveTable.Left) -> None:
        lines = self.query_one(AlarmLines)
        if lines.display:
            give_focus(lines)

    def on_alarm_lines_left(self) -> None:
        give_focus(self.table)

    # actions

    def action_open(self) -> None:
        camera = self.current()
        if camera is None:
            return
        if camera.state is CameraState.WRONG_PASSWORD and camera.nvr in ui_of(self).store.nvrs:
            ui_of(self).edit_nvr(ui_of(self).store.nvrs[camera.nvr])
        else:
            ui_of(self).open_camera(camera.id)

    def action_trace(self) -> None:
        if self.current() is not None:
            ui_of(self).open_camera(self.current().id, requests=True)

    def action_start_stop(self) -> None:
        ui_of(self).toggle_cameras(self.table.chosen())

    def action_restart(self) -> None:
        ui_of(self).restart_cameras(self.table.chosen())

    def action_remove(self) -> None:
        ui_of(self).remove_cameras(self.table.chosen())

    def action_edit(self) -> None:
        if self.current() is not None:
            ui_of(self).rename_camera(self.current().id)

    def action_scan(self) -> None:
        if self.current() is not None:
            ui_of(self).scan(self.current().nvr)

    def action_diagnose(self) -> None:
        if self.current() is not None:
            ui_of(self).diagnose(self.current().id)

    def action_change_all(self) -> None:
        ui_of(self).change_cameras(self.table.chosen())

    def action_snapshot(self) -> None:
        if self.current() is not None:
            ui_of(self).snapshot(self.current().id)

    def action_contact_sheet(self) -> None:
        chosen = self.table.chosen() if self.table.marked else self.table.keys
        ui_of(self).contact_sheet(chosen, "Marked cameras" if self.table.marked else "Cameras")

    def action_copy(self) -> None:
        camera = self.current()
        if camera is not None:
            offer_copies(self.app, camera)

    def action_mark(self) -> None:
        self.table.toggle_mark()

    def action_mark_range(self) -> None:
        self.table.mark_range()

    def action_add_nvr(self) -> None:
        ui_of(self).edit_nvr()

    def action_discover(self) -> None:
        ui_of(self).discover()


def _address_order(address: str | None) -> tuple[int, int]:
    """Numeric order; those without an address last."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return (9, 0)
    return (ip.version, int(ip))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """ "cam 2" before "cam 10"."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for char in [*name.casefold(), ""]:
        if char.isdecimal():
            digits += char
            continue
        if digits:
            parts.append((0, int(digits[:18]), ""))
            digits = ""
        if char:
            parts.append((1, 0, char))
    return parts
