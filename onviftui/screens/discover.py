"""Search the network for NVRs; known ones are marked, Enter on a new one fills the form."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from proxyd.api.models import FoundNvr
from proxyd.errors import ProxyError

from ..key_order import give_focus
from ..layers import Modal
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.line import line, wrap
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import HUMAN_GLYPH, OFF_GLYPH, ON_GLYPH, Sign, Tone, count
from .dialog import WIDTH

SEARCH_S = 4.0
DEADLINE_S = 60.0


class Discover(Modal[FoundNvr | None]):
    """Dismissed with the device to add, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", show=False),
        Binding("enter", "open", show=False),
        Binding("r", "search", show=False),
        Binding("a", "by_hand", show=False),
        Binding("p", "probe", show=False),
        Binding("ctrl+c", "app.interrupt", show=False, priority=True),
    ]
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("name", "DEVICE", 14, flex=2, longest=30),
        Column("address", "ADDRESS", 15, flex=1, longest=24),
        Column("channels", "CH", 3, 2, right=True),
        Column("note", "", 17, flex=2),
    )

    def __init__(self) -> None:
        super().__init__()
        self._found: list[FoundNvr] = []
        self._searching = False
        self._by_hand = FoundNvr(host="", port=80, answers=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Lines(id="title")
            yield LiveTable(self.COLUMNS, ui_of(self).look)
            yield Input(placeholder="host or host:port to ask directly, Enter searches", compact=True)
            yield Lines(id="note")
            yield Lines(id="hint")

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        hint = "Enter add   r again   p ask an address   a by hand   Esc back"
        self.query_one("#hint", Lines).show([line(""), line((hint, Tone.MUTED))])
        give_focus(self.query_one(LiveTable))
        self.action_search()

    def action_search(self) -> None:
        if self._searching:
            return
        self._searching = True
        probe = self.query_one(Input).value.split()
        self._title(f"Searching the network… ({SEARCH_S:.0f} s)", Tone.ACCENT)
        ui_of(self).ask(
            "nvr.discover",
            {"timeout_s": SEARCH_S, "probe": probe[:64]},
            doing="",
            then=self._arrived,
            failed=self._failed,
            deadline_s=DEADLINE_S,
            owner=self,
        )

    def _title(self, words: str, tone: Tone) -> None:
        self.query_one("#title", Lines).show([*wrap(words, 70, tone, limit=3), line("")])

    def _failed(self, error: ProxyError) -> bool:
        self._searching = False
        if not self.is_current:
            return False
        self._title(str(error), Tone.ERROR)
        return True

    def _arrived(self, found: list[FoundNvr]) -> None:
        self._searching = False
        if not self.is_current:
            return
        self._found = found
        if found:
            self._title(f"{count(len(found), 'device')} found", Tone.STRONG)
        else:
            self._title("Nothing answered", Tone.WARNING)
        rows = [self._row(number, device) for number, device in enumerate(found)]
        empty = [
            line("  No ONVIF device answered. Is the NVR in this network, and is"),
            line("  ONVIF switched on there? Press ", ("a", Tone.ACCENT), " to type its address."),
        ]
        self.query_one(LiveTable).show(rows, empty=empty)

    def _row(self, number: int, device: FoundNvr) -> Row:
        if device.known is not None:
            sign = Sign(*ON_GLYPH, "added already")
        elif device.answers:
            sign = Sign(*OFF_GLYPH, "wants a password" if device.needs_password else "answers")
        else:
            sign = Sign(*HUMAN_GLYPH, "does not answer")
        look = ui_of(self).look
        cells = (
            Cell(device.name or device.hardware or "ONVIF device"),
            Cell(f"{device.host}:{device.port}"),
            Cell(str(device.channels) if device.channels is not None else look.dash),
            Cell(sign.word, Tone.MUTED),
        )
        return Row(number, look.glyph(sign), sign.tone, cells)

    def action_open(self) -> None:
        key = self.query_one(LiveTable).cursor_key
        if key is None:
            return
        device = self._found[key]
        if device.known is not None:
            ui_of(self).toast(f"{device.name or device.host} is added already; press r on it to scan again.")
            return
        self.dismiss(device)

    @on(LiveTable.Moved)
    def _moved(self, message: LiveTable.Moved) -> None:
        device = self._found[message.key] if message.key is not None else None
        note = " ".join(filter(None, (device.hardware, device.note))) if device else ""
        self.query_one("#note", Lines).show(wrap(note, WIDTH, Tone.MUTED, limit=2))

    @on(LiveTable.Opened)
    def _double_clicked(self) -> None:
        self.action_open()

    def action_by_hand(self) -> None:
        self.dismiss(self._by_hand)

    def action_probe(self) -> None:
        self.query_one(Input).display = True
        give_focus(self.query_one(Input))

    @on(Input.Submitted)
    def _ask_address(self) -> None:
        give_focus(self.query_one(LiveTable))
        self.action_search()

    def action_close(self) -> None:
        self.dismiss(None)
