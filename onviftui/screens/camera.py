"""One camera: everything to type into a recorder, why it stands as it does, and what recorders asked last."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from proxyd.api.models import Camera, CameraEvent, Credentials, Exchange, TraceEntry
from proxyd.api.streams import StreamStatus
from proxyd.errors import ProxyError

from ..keys import view_bindings
from ..refusals import newest_refusal, refusal_words
from ..store import Changes
from ..stream_words import flow_words, trouble_words
from ..ui import ui_of
from ..widgets.camera_lines import (
    SWITCHES,
    discovery_words,
    request_cells,
    rights_words,
    stream_words,
    switch_words,
)
from ..widgets.columns import Cell, Column
from ..widgets.event_pane import EventPane
from ..widgets.frame import KeyFooter
from ..widgets.line import Line, line, plain, wrap
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone, camera_sign, count, format_mbit, format_time
from .exchange import ExchangeText
from .live_screen import LiveScreen

TRACE_LIMIT = 100


class CameraScreen(LiveScreen):
    """The cursor stands on a field; `y` copies it, Enter switches those that are on or off."""

    view_id = "camera"
    BINDINGS = view_bindings("camera")
    FIELDS: ClassVar[tuple[Column, ...]] = (Column("field", "FIELD", 10), Column("value", "VALUE", 30, flex=1))
    REQUESTS: ClassVar[tuple[Column, ...]] = (
        Column("time", "TIME", 8),
        Column("client", "CLIENT", 13, 1, flex=1, longest=15),
        Column("protocol", "BY", 9, 2),
        Column("operation", "ASKED FOR", 18, flex=1, longest=30),
        Column("result", "RESULT", 14, flex=2),
        Column("auth", "SIGNED BY", 13, 3),
    )

    def __init__(self, camera: int, *, requests: bool = False) -> None:
        super().__init__()
        self._camera = camera
        self._to_requests = requests
        self._password = ""
        self._flows: dict[str, StreamStatus] = {}
        self._asking = self._ask_again = False  # for them
        self._watched: tuple[str | None, int] = (None, 0)
        self._last_event: str | None = None

    def compose(self) -> ComposeResult:
        look = ui_of(self).look
        yield Lines(id="header")
        yield Lines(id="camera-title")
        with Container(id="camera-body"):
            with Vertical(id="fields-side"):
                yield LiveTable(self.FIELDS, look, id="fields")
            with Vertical(id="requests-side"):
                yield Lines(id="requests-title")
                yield LiveTable(self.REQUESTS, look, id="requests")
            yield EventPane(look)
        yield KeyFooter("camera")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(EventPane).display = False
        self._show_refusal([])
        self._show()
        self.query_one("#requests" if self._to_requests else "#fields").focus()
        self.action_trace()
        self._read_flows()

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if changes.everything or changes.link or self._camera in changes.of("camera"):
            camera = ui_of(self).store.cameras.get(self._camera)
            if camera is None:
                ui_of(self).toast("This camera has been removed.")
                self.app.pop_screen()
                return
            self._show()
            self._read_flows()
            watchers = (camera.recorder, camera.clients)
            if watchers != self._watched:
                self._watched = watchers
                self.action_trace()
            if camera.last_event_at != self._last_event and self.query_one(EventPane).display:
                self._read_events()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._show)

    @property
    def camera(self) -> Camera | None:
        return ui_of(self).store.cameras.get(self._camera)

    def _show(self) -> None:
        camera = self.camera
        if camera is None:
            return
        look = ui_of(self).look
        sign = camera_sign(camera)
        title: list[Line] = [
            line(
                (f" {look.glyph(sign)} ", sign.tone),
                (plain(camera.name), Tone.STRONG),
                (f"   {sign.word}", sign.tone),
                (f"   {self._watchers(camera)}", Tone.MUTED),
            )
        ]
        without = f"Snapshot: {camera.picture}" if camera.picture.startswith("none") else ""
        if camera.reason or camera.note or without:
            tone = Tone.TEXT if camera.reason else Tone.WARNING
            words = wrap(camera.reason or camera.note or without, max(20, self.app.size.width - 5), tone, limit=3)
            title += [(("   ", Tone.TEXT), *w) for w in words]
        self.query_one("#camera-title", Lines).show(title, stale=self.stale)
        rows = [
            Row(number, " ", Tone.MUTED, (Cell(label, Tone.MUTED), Cell(value, tone)))
            for number, (label, value, tone) in enumerate(self._fields(camera))
        ]
        self.query_one("#fields", LiveTable).show(rows, stale=self.stale)

    def _watchers(self, camera: Camera) -> str:
        if camera.clients:
            return f"{count(camera.clients, 'stream')} to {camera.recorder or 'a recorder'}"
        return f"last asked by {camera.recorder}" if camera.recorder else "no recorder has asked yet"

    def _fields(self, camera: Camera) -> list[tuple[str, str, Tone]]:
        ui = ui_of(self)
        password = self._password or f"{ui.look.hidden}   p shows it"
        fields = [
            ("Address", camera.address or "none yet", Tone.STRONG if camera.address else Tone.WARNING),
            ("User", camera.username, Tone.STRONG),
            ("Password", password, Tone.STRONG if self._password else Tone.MUTED),
            ("ONVIF", camera.onvif_url or "", Tone.TEXT),
            ("Snapshot", camera.snapshot_url or "", Tone.TEXT),
            ("Picture", camera.picture or "no snapshot so far: o fetches one", Tone.MUTED),
            (
                "Adopted by",
                camera.adopted_by or "nobody yet: x says why",
                Tone.TEXT if camera.adopted_by else Tone.MUTED,
            ),
        ]
        for stream in camera.streams:
            live = f"   {format_mbit(stream.bps)} Mbit/s" if stream.bps else ""
            fields += [
                (stream.name.capitalize(), stream.url, Tone.TEXT),
                ("", f"{stream_words(stream, ui.look)}{live}", Tone.MUTED),
                ("", *self._flow_words(stream.name)),
            ]
        fields += [
            ("NVR", f"{ui.store.nvr_name(camera.nvr)}, channel {camera.channel}", Tone.TEXT),
            ("MAC", camera.mac or "none yet", Tone.TEXT),
            ("Interface", camera.interface or "none yet", Tone.TEXT),
            ("Discovery", *discovery_words(camera)),
            *switch_words(camera),  # the rows that come and go stand below: the cursor keeps its number
            *[("RTSPS", stream.rtsps_url, Tone.TEXT) for stream in camera.streams if stream.rtsps_url],
            *rights_words(camera),
            ("Event", self._last_event_words(camera), Tone.TEXT if camera.last_event else Tone.MUTED),
            ("UUID", camera.uuid, Tone.MUTED),
            ("Serial", camera.serial, Tone.MUTED),
        ]
        return fields

    def _flow_words(self, name: str) -> tuple[str, Tone]:
        """What comes from the NVR in this stream, and what was lost."""
        stream = self._flows.get(name)
        if stream is None:
            return "", Tone.MUTED
        if stream.state != "running":
            return flow_words(stream), Tone.WARNING if stream.state == "interrupted" else Tone.MUTED
        skipped = any(client.skips for client in stream.clients)
        tone = Tone.WARNING if stream.lost or stream.reconnects or skipped else Tone.MUTED
        return f"{trouble_words(stream)}  {flow_words(stream)}", tone

    def _read_flows(self) -> None:
        """One question at a time: the camera changes with each second in which something passes."""
        if self._asking:
            self._ask_again = True
            return
        self._asking, self._ask_again = True, False

        def arrived(streams: list[StreamStatus]) -> None:
            self._asking = False
            if not self.is_mounted:
                return
            flows: dict[str, StreamStatus] = {stream.name: stream for stream in streams}
            if flows != self._flows:
                self._flows = flows
                self._show()
            if self._ask_again:
                self._read_flows()

        def failed(_: ProxyError) -> bool:
            self._asking = False
            return True  # the figures of the camera itself are still there

        ui_of(self).ask("camera.streams", {"id": self._camera}, doing="", then=arrived, failed=failed)

    def _last_event_words(self, camera: Camera) -> str:
        if not camera.last_event or not camera.last_event_at:
            return "none yet"
        return f"{camera.last_event}, {format_time(camera.last_event_at, ui_of(self).local_now().tzinfo)}"

    # actions

    def action_requests(self) -> None:
        """The requests, read anew, also in the place of the events."""
        if self.query_one(EventPane).display:
            self.action_events()
        self.action_trace()

    def action_trace(self) -> None:
        """Read the exchanges again."""

        def arrived(trace: list[TraceEntry]) -> None:
            if not self.is_mounted:
                return
            look, zone = ui_of(self).look, ui_of(self).local_now().tzinfo
            rows = []
            for entry in reversed(trace):
                glyph, tone, cells = request_cells(entry, look, zone)
                rows.append(Row(entry.number, glyph, tone, cells))
            empty = [
                line(""),
                line(("    Nobody has asked yet.", Tone.STRONG)),
                line("    Add an ONVIF camera in the recorder, with the"),
                line("    address, user and password of this camera."),
                line(("    t reads again.", Tone.MUTED)),
            ]
            self.query_one("#requests", LiveTable).show(rows, empty=empty)
            self._show_refusal(trace)

        params = {"id": self._camera, "limit": TRACE_LIMIT}
        ui_of(self).ask("camera.trace", params, doing="Reading requests…", then=arrived, failed=lambda _: self.stale)

    def action_events(self) -> None:
        """Events in the place of the requests, and back."""
        pane, requests = self.query_one(EventPane), self.query_one("#requests-side")
        pane.display, requests.display = not pane.display, pane.display
        if pane.display:
            self._read_events()
        self.query_one("#events" if pane.display else "#requests").focus()

    def _read_events(self) -> None:
        camera = self.camera
        self._last_event = camera.last_event_at if camera else None

        def arrived(events: list[CameraEvent]) -> None:
            if self.is_mounted:
                self.query_one(EventPane).show(events, ui_of(self).local_now().tzinfo)

        ui_of(self).ask("camera.events", {"id": self._camera}, doing="", then=arrived, failed=lambda _: self.stale)

    def _show_refusal(self, trace: list[TraceEntry]) -> None:
        """Above the requests: who is refused now, and what to do."""
        shown = [line((" What recorders asked, newest first", Tone.MUTED))]
        refusal = newest_refusal(trace)
        if refusal is not None:
            pane = self.query_one("#requests-side")
            words = wrap(refusal_words(refusal, "p shows it"), max(20, pane.size.width - 4), Tone.WARNING, limit=3)
            shown += [((" ", Tone.TEXT), *w) for w in words]
        self.query_one("#requests-title", Lines).show(shown)

    def action_reveal(self) -> None:
        if self._password:
            self._password = ""
            self._show()
            return

        def arrived(credentials: Credentials) -> None:
            if self.is_mounted:
                self._password = credentials.password
                self._show()

        ui_of(self).ask("camera.credentials", {"id": self._camera}, doing="Fetching…", then=arrived)

    def action_copy(self) -> None:
        camera = self.camera
        key = self.query_one("#fields", LiveTable).cursor_key
        if camera is None or key is None:
            return
        label, value, _ = self._fields(camera)[key]
        if label == "Password":
            ui_of(self).ask(
                "camera.credentials",
                {"id": camera.id},
                doing="Fetching…",
                then=lambda credentials: ui_of(self).copy(credentials.password, "password"),
            )
        elif value:
            ui_of(self).copy(value, label if label.isupper() else label.lower() or "line")

    @on(LiveTable.Opened, "#fields")
    def action_switch(self) -> None:
        """Also for a double click: switches what can be switched, copies the rest."""
        if self.query_one("#requests").has_focus:
            self.show_exchange()
            return
        if not self.query_one("#fields").has_focus:
            return
        camera = self.camera
        key = self.query_one("#fields", LiveTable).cursor_key
        if camera is None or key is None:
            return
        label = self._fields(camera)[key][0]
        if label in SWITCHES:
            ui_of(self).switch_setting(camera.id, SWITCHES[label][0])
        else:
            self.action_copy()

    @on(LiveTable.Opened, "#requests")
    def show_exchange(self) -> None:
        """What went over the wire in the request under the cursor."""
        number = self.query_one("#requests", LiveTable).cursor_key
        if number is not None:

            def arrived(exchange: Exchange) -> None:
                self.app.push_screen(ExchangeText(exchange))

            params = {"id": self._camera, "number": number}
            ui_of(self).ask("camera.exchange", params, doing="Reading it…", then=arrived)

    def action_start_stop(self) -> None:
        ui_of(self).toggle_cameras([self._camera])

    def action_restart(self) -> None:
        ui_of(self).restart_cameras([self._camera])

    def action_edit(self) -> None:
        ui_of(self).rename_camera(self._camera)

    def action_remove(self) -> None:
        ui_of(self).remove_cameras([self._camera])

    def action_discovery(self) -> None:
        ui_of(self).toggle_discovery(self._camera)

    def action_diagnose(self) -> None:
        ui_of(self).diagnose(self._camera)

    def action_snapshot(self) -> None:
        ui_of(self).snapshot(self._camera)

    def action_scan(self) -> None:
        if self.camera is not None:
            ui_of(self).scan(self.camera.nvr)
