"""View 3: the NVRs, with what is wrong with the one under the cursor and what to press."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.cells import cell_len

from proxyd.api.models import CameraState, Nvr, NvrState

from ..keys import view_bindings
from ..store import Changes, Store
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import Line, line, line_len, plain, wrap
from ..widgets.rows import Row
from ..words import Sign, Tone, count, format_clock_offset, format_when, nvr_sign
from .view import TableView


class NvrsView(TableView):
    view_id = "nvrs"
    kind = "nvr"
    BINDINGS = view_bindings("nvrs")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("name", "NVR", 14, flex=2, longest=64),
        Column("address", "ADDRESS", 15, flex=1, longest=45, least=9),
        Column("state", "STATE", 15, least=9),
        Column("channels", "CHANNELS", 8, 2, right=True),
        Column("cameras", "RUNNING", 7, 3, right=True),
        Column("model", "MODEL", 16, 4, flex=2, longest=40, least=6),
        Column("scan", "LAST SCAN", 15, 5, least=10),
        Column("firmware", "FIRMWARE", 14, 6, flex=1, longest=40),
    )
    first_sort = ("name", False)
    filter_names = ("state", "name", "model", "host")
    ON_A_ROW = frozenset({"open", "edit", "scan", "test", "copy", "contact_sheet", "remove"})

    def items(self) -> Mapping[int, Any]:
        return ui_of(self).store.nvrs

    def touched(self, changes: Changes) -> set[int] | None:
        return None if changes.of("camera") or changes.of("job") else changes.of("nvr")

    def row(self, item: Nvr) -> Row:
        ui = ui_of(self)
        sign = _sign(item, ui.store)
        cameras = [camera for camera in ui.store.cameras.values() if camera.nvr == item.id]
        running = sum(camera.state is CameraState.RUNNING for camera in cameras)
        scanning = ui.store.running_scan(item.id)
        dash = ui.look.dash
        last = format_when(item.last_scan, ui.local_now(), ui.local_now().tzinfo)
        cells = (
            Cell(item.name),
            Cell(f"{item.host}:{item.port}"),
            Cell("scanning…" if scanning else sign.word, Tone.ACCENT if scanning else sign.tone),
            Cell(str(item.channels) if item.last_scan else dash, Tone.TEXT if item.last_scan else Tone.MUTED),
            Cell(f"{running}/{len(cameras)}" if cameras else dash, Tone.TEXT if cameras else Tone.MUTED),
            Cell(" ".join(filter(None, (item.manufacturer, item.model))) or dash, Tone.MUTED),
            Cell(last or "never", Tone.MUTED),
            Cell(item.firmware, Tone.MUTED),
        )
        return Row(item.id, ui.look.glyph(sign), sign.tone, cells)

    def fields(self, item: Nvr) -> dict[str, str]:
        return {
            "state": _sign(item, ui_of(self).store).word,
            "name": item.name,
            "host": item.host,
            "model": f"{item.manufacturer} {item.model}",
        }

    def sort_value(self, item: Nvr, column: str) -> Any:
        values: dict[str, Any] = {
            "address": (item.host, item.port),
            "state": _sign(item, ui_of(self).store).word,
            "channels": item.channels,
            "cameras": item.online,
            "model": f"{item.manufacturer} {item.model}".casefold(),
            "scan": item.last_scan or "",
            "firmware": item.firmware,
        }
        return values.get(column, item.name.casefold())

    def empty_lines(self) -> list[Line]:
        return [
            line(""),
            line(("    No NVR yet.", Tone.STRONG)),
            line(""),
            line("    Press ", ("f", Tone.ACCENT), " to search the network, it finds most NVRs by itself,"),
            line("    or ", ("a", Tone.ACCENT), " to type the address."),
        ]

    def detail_lines(self, item: Nvr, width: int, height: int) -> list[Line]:
        sign, failed = _sign(item, ui_of(self).store), ui_of(self).store.failed_scan(item.id)
        what = " ".join(filter(None, (item.manufacturer, item.model, item.firmware)))
        first = line((f" {plain(item.name)}", Tone.STRONG), f"   {plain(what)}" if what else "")
        user = f"user {plain(item.username)}" if item.username else "no account"
        for more in (f"   {user}", f"   serial {plain(item.serial)}" if item.serial else ""):
            if line_len(first) + cell_len(more) < width:
                first = (*first, (more, Tone.MUTED))
        clock = format_clock_offset(item.clock_offset_s, ui_of(self).local_now())
        second = [f"{item.online} of {count(item.channels, 'channel')} with a picture"] if item.last_scan else []
        by_hand = item.transport != "auto"
        second += [f"clock {clock}"] if clock and not (by_hand and clock == "right") else []  # all fit into 80 cells
        second += [f"streams by {item.transport.upper()}"] if by_hand else []
        second += [f"events by {item.events}"] if item.events in ("pull point", "notification") else []
        reason = item.reason or (f"{failed.error} {failed.hint}" if failed and item.state is NvrState.NEW else "")
        if reason:
            words = wrap(reason.removeprefix(f"{item.name}: "), max(20, width - 2), sign.tone, limit=max(2, height - 1))
            return [first, *[((" ", Tone.TEXT), *w) for w in words]]
        if item.state is NvrState.NEW:
            words = [line(("Press r to scan: it reads all channels and makes a camera of each.", Tone.WARNING))]
        else:
            words = [line(("Enter shows its cameras.", Tone.MUTED))]
            if item.events.startswith("none: ") or "; " in item.events:
                said = item.events.removeprefix("none: ").removeprefix("pull point; ").removeprefix("notification; ")
                words = wrap(f"Events: {said}", max(20, width - 2), Tone.WARNING, limit=max(1, height - 2))
        facts = [line((" " + "   ".join(second), Tone.MUTED))] if second else []
        return [first, *facts, *[((" ", Tone.TEXT), *w) for w in words]]

    # actions

    def action_open(self) -> None:
        nvr = self.current()
        if nvr is None:
            ui_of(self).edit_nvr()
        elif _needs_correction(nvr, ui_of(self).store):
            ui_of(self).edit_nvr(nvr)
        elif nvr.state is NvrState.NEW and not nvr.last_scan:
            ui_of(self).scan(nvr.id)
        else:
            ui_of(self).show_view("cameras", f'nvr:"{nvr.name}"')

    def action_add_nvr(self) -> None:
        ui_of(self).edit_nvr()

    def action_discover(self) -> None:
        ui_of(self).discover()

    def action_edit(self) -> None:
        if self.current() is not None:
            ui_of(self).edit_nvr(self.current())

    def action_remove(self) -> None:
        if self.current() is not None:
            ui_of(self).remove_nvr(self.current().id)

    def action_scan(self) -> None:
        if self.current() is not None:
            ui_of(self).scan(self.current().id)

    def action_restore(self) -> None:
        if self.current() is not None:
            ui_of(self).scan(self.current().id, restore=True)

    def action_copy(self) -> None:
        if self.current() is not None:
            ui_of(self).copy(self.current().host, f"address of {self.current().name}")

    def action_contact_sheet(self) -> None:
        nvr = self.current()
        if nvr is not None:
            cameras = [camera for camera in ui_of(self).store.cameras.values() if camera.nvr == nvr.id]
            cameras.sort(key=lambda camera: (camera.channel, camera.id))
            ui_of(self).contact_sheet([camera.id for camera in cameras], nvr.name)

    def action_sources(self) -> None:
        ui_of(self).open_sources()

    def action_test(self) -> None:
        if self.current() is not None:
            ui_of(self).test_nvr(self.current())


def _needs_correction(nvr: Nvr, store: Store) -> bool:
    """Address or account are wrong, or the only scan so far failed, such as on a web page in place of ONVIF."""
    if nvr.state is NvrState.NEW:
        return store.failed_scan(nvr.id) is not None
    return store.nvr_state(nvr) in (NvrState.WRONG_PASSWORD, NvrState.UNREACHABLE)


def _sign(nvr: Nvr, store: Store) -> Sign:
    return nvr_sign(store.nvr_state(nvr), scan_failed=store.failed_scan(nvr.id) is not None)
