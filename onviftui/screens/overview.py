"""View 1: is all well, what needs a person, what runs now. On a first run: what to do first."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from proxyd.api.models import CameraState, JobState, LogEntry, Nvr

from ..alarms import alarms
from ..keys import view_bindings
from ..store import WAITING
from ..ui import ui_of
from ..widgets.frame import AlarmLines
from ..widgets.job_lines import diff_summary, progress_line
from ..widgets.line import Line, Piece, fit, line, plain
from ..widgets.paint import Lines
from ..words import HUMAN_GLYPH, OFF_GLYPH, ON_GLYPH, WAITING_GLYPH, Sign, Tone, format_time, format_when, nvr_sign
from .view import View

ALARM_LIMIT = 8
EVENT_LIMIT = 6


class OverviewView(View):
    view_id = "overview"
    BINDINGS = view_bindings("overview")

    def __init__(self) -> None:
        super().__init__(id=self.view_id, classes="view")

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=True, id="overview-body"):
            yield Lines(id="welcome")
            yield Lines(id="well")
            yield AlarmLines(ui_of(self).look, ALARM_LIMIT)
            yield Lines(id="sources")
            yield Lines(id="running")
            yield Lines(id="events")

    def on_mount(self) -> None:
        self.reload()

    def on_resize(self) -> None:
        self.call_after_refresh(self.reload)

    def focus_main(self) -> None:
        lines = self.query_one(AlarmLines)
        (lines if lines.display else self.query_one("#overview-body")).focus()

    def reload(self) -> None:
        store, stale = ui_of(self).store, self.stale
        first_run = not store.nvrs and store.status is not None
        self.query_one("#welcome", Lines).show(self._welcome() if first_run else [])
        found = alarms(store)
        had_alarms = self.query_one(AlarmLines).display
        self.query_one(AlarmLines).show_alarms(found, stale=stale)
        self.query_one("#well", Lines).show(self._well(bool(found)), stale=stale)
        self.query_one("#sources", Lines).show(self._sources(), stale=stale)
        self.query_one("#running", Lines).show(self._scans(), stale=stale)
        self.query_one("#events", Lines).show(self._events() if not first_run else [], stale=stale)
        if bool(found) != had_alarms and self.has_focus_within:
            self.focus_main()

    def _welcome(self) -> list[Line]:
        def key(letter: str, what: str, why: str) -> Line:
            return line(
                ("      ", Tone.TEXT), (f" {letter} ", Tone.ACCENT), (f" {what:<22}", Tone.STRONG), (why, Tone.MUTED)
            )

        return [
            line(""),
            line(("   Welcome. Every channel of your NVR becomes a camera of its own.", Tone.STRONG)),
            line(""),
            line("   Start here:"),
            line(""),
            key("f", "find your NVR", "searches this network"),
            key("a", "add it by hand", "when you know its address"),
            line(""),
            line(("   Then the scan reads its channels, and each one gets an address,", Tone.MUTED)),
            line(("   user and password to type into your recorder.", Tone.MUTED)),
        ]

    def _well(self, troubled: bool) -> list[Line]:
        ui = ui_of(self)
        counts = ui.store.counts()
        if troubled or not counts.cameras:
            return []
        sign = Sign("●", "*", Tone.SUCCESS, "")
        words = "All cameras run." if counts.good == counts.cameras else "All is well."
        return [line((f"  {ui.look.glyph(sign)} ", Tone.SUCCESS), (words, Tone.STRONG))]

    def _sources(self) -> list[Line]:
        store = ui_of(self).store
        if not store.nvrs:
            return []
        return [line(""), _head("NVRS"), *(self._source(nvr) for nvr in list(store.nvrs.values())[:16])]

    def _source(self, nvr: Nvr) -> Line:
        ui = ui_of(self)
        sign = nvr_sign(ui.store.nvr_state(nvr), scan_failed=ui.store.failed_scan(nvr.id) is not None)
        cameras = [camera for camera in ui.store.cameras.values() if camera.nvr == nvr.id]
        good = sum(c.state is CameraState.RUNNING for c in cameras)
        off = sum(c.state in (CameraState.STOPPED, CameraState.NO_SIGNAL) for c in cameras)
        waiting = sum(c.state in WAITING for c in cameras)
        pieces: list[Piece] = [
            (f"  {ui.look.glyph(sign)} ", sign.tone),
            (fit(plain(nvr.name), 18, ellipsis=ui.look.ellipsis), Tone.TEXT),
            (f"  {fit(f'{nvr.host}:{nvr.port}', 19)}", Tone.MUTED),
        ]
        for number, glyph in (
            (good, ON_GLYPH),
            (waiting, WAITING_GLYPH),
            (off, OFF_GLYPH),
            (len(cameras) - good - waiting - off, HUMAN_GLYPH),
        ):
            if number:
                tone = Tone.SUCCESS if glyph is ON_GLYPH else glyph[2]
                pieces.append((f"  {ui.look.glyph(Sign(*glyph, ''))} {number}", tone))
        last = format_when(nvr.last_scan, ui.local_now(), ui.local_now().tzinfo)
        pieces.append((f"  {' ' if cameras else ''}{f'scanned {last}' if last else sign.word}", Tone.MUTED))
        return tuple(pieces)

    def _scans(self) -> list[Line]:
        ui = ui_of(self)
        running = ui.store.running_jobs()
        lines: list[Line] = []
        for job in running[:4]:
            lines.append(progress_line(job, ui.look, self.size.width))
            if job.now:
                lines.append(line((f"      {plain(job.now)}", Tone.MUTED)))
        if not running:
            ended = [job for job in ui.store.jobs.values() if job.state is JobState.DONE and job.diff]
            if ended:
                job = max(ended, key=lambda j: j.id)
                assert job.diff is not None
                when = format_when(job.ended, ui.local_now(), ui.local_now().tzinfo)
                lines = [line((f"    {plain(job.title)}: {diff_summary(job.diff)}   {when}", Tone.MUTED))]
        return [line(""), _head("SCANS"), *lines] if lines else []

    def _events(self) -> list[Line]:
        ui = ui_of(self)
        latest: list[LogEntry] = list(ui.store.log.values())[
            -(EVENT_LIMIT * 2 if self.screen.has_class("-tall") else EVENT_LIMIT) :
        ]
        zone = ui.local_now().tzinfo
        tones = {"info": Tone.TEXT, "warning": Tone.WARNING, "error": Tone.ERROR}
        lines = [
            line((f"    {format_time(entry.at, zone)}  ", Tone.MUTED), (plain(entry.message), tones[entry.level]))
            for entry in reversed(latest)
        ]
        return [line(""), _head("LATEST"), *lines] if lines else []

    def action_open(self) -> None:
        if not ui_of(self).store.nvrs:
            ui_of(self).discover()
            return
        lines = self.query_one(AlarmLines)
        if lines.display:
            lines.action_follow()
        else:
            ui_of(self).show_view("cameras")

    def action_add_nvr(self) -> None:
        ui_of(self).edit_nvr()

    def action_discover(self) -> None:
        ui_of(self).discover()


def _head(title: str) -> Line:
    return line((f"    {title}", Tone.MUTED))
