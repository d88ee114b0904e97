"""One scan: progress while it runs, then what is new, changed, missing, and the warnings."""

from __future__ import annotations

from textual.app import ComposeResult

from proxyd.api.models import Job, JobState, Role

from ..key_order import give_focus
from ..keys import view_bindings
from ..roles import may
from ..store import Changes
from ..ui import ui_of
from ..widgets.frame import KeyFooter
from ..widgets.job_lines import job_lines
from ..widgets.line import line, plain
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from ..words import Tone
from .live_screen import LiveScreen

_AS_IT_WAS = " leaves everything as it was"


class JobScreen(LiveScreen):
    view_id = "job"
    BINDINGS = view_bindings("job")

    def __init__(self, job: int) -> None:
        super().__init__()
        self.job = job

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Lines(id="camera-title")
        with ScrollPane(id="job-lines"):
            yield Lines(id="story")
        yield KeyFooter("job")

    def on_mount(self) -> None:
        super().on_mount()
        self._show()
        give_focus(self.query_one("#job-lines"))

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if changes.everything or changes.link or self.job in changes.of("job"):
            self._show()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        ui = ui_of(self)
        job = ui.store.jobs.get(self.job)
        if job is None:
            return
        nvr = ui.store.nvrs.get(job.nvr)
        where = f"   {nvr.host}:{nvr.port}" if nvr else ""
        title = line((f" {plain(job.title)}", Tone.STRONG), (where, Tone.MUTED))
        self.query_one("#camera-title", Lines).show([title], stale=self.stale)
        width = max(40, self.app.size.width - 4)
        lines = job_lines(job, ui.look, width, ui.local_now())
        if job.state is JobState.RUNNING:
            kept = "forgotten" if job.preview else "kept"
            lines += [line(""), line((f"  c cancels; what was found is {kept}. Esc leaves it running.", Tone.MUTED))]
        elif job.outcome == "waiting":
            lines += [
                line(""),
                line(
                    ("  Enter", Tone.ACCENT), (" keeps it   ", Tone.TEXT), ("Esc", Tone.ACCENT), (_AS_IT_WAS, Tone.TEXT)
                ),
            ]
        elif job.state is JobState.DONE:
            lines += [line(""), line(("  Enter", Tone.ACCENT), (" shows the cameras", Tone.TEXT))]
        elif job.state is JobState.FAILED and nvr is not None:
            lines += [line(""), line(("  Enter", Tone.ACCENT), (" corrects address or account", Tone.TEXT))]
        self.query_one("#story", Lines).show(lines, stale=self.stale)
        self.query_one(KeyFooter).show_idle(self._idle(job))

    def _idle(self, job: Job) -> frozenset[str]:
        """Actions that do nothing now."""
        if job.state is JobState.RUNNING:
            return frozenset({"done"})
        leads = job.state is JobState.DONE or (job.state is JobState.FAILED and job.nvr in ui_of(self).store.nvrs)
        return frozenset({"cancel_job"}) if leads or job.outcome == "waiting" else frozenset({"cancel_job", "done"})

    def action_done(self) -> None:
        job = ui_of(self).store.jobs.get(self.job)
        if job is not None and job.outcome == "waiting":
            ui_of(self).apply_job(self.job)
        elif job is not None and job.state is JobState.DONE:
            ui_of(self).show_view("cameras")
        elif job is not None and job.state is JobState.FAILED and job.nvr in ui_of(self).store.nvrs:
            ui_of(self).edit_nvr(ui_of(self).store.nvrs[job.nvr])

    def action_leave_job(self) -> None:
        """Escape: what a rescan found and nobody keeps is forgotten, by those who may decide that."""
        job, status = ui_of(self).store.jobs.get(self.job), ui_of(self).store.status
        if job is not None and job.outcome == "waiting" and status is not None and may(status.role, Role.OPERATOR):
            ui_of(self).discard_job(self.job)
        self.app.pop_screen()

    def action_cancel_job(self) -> None:
        job = ui_of(self).store.jobs.get(self.job)
        if job is not None and job.state is JobState.RUNNING:
            ui_of(self).cancel_job(self.job)
