"""View 6: scans that run and those that ended, each with its own progress bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from proxyd.api.models import Job, JobState

from ..keys import view_bindings
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.job_lines import diff_summary, eta_words, progress_words
from ..widgets.line import Line, line, wrap
from ..widgets.rows import Row
from ..words import HUMAN_GLYPH, Sign, Tone, format_when, job_sign
from .view import TableView

BAR_WIDTH = 16


class JobsView(TableView):
    view_id = "jobs"
    kind = "job"
    BINDINGS = view_bindings("jobs")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("title", "JOB", 20, flex=2, longest=40),
        Column("bar", "PROGRESS", BAR_WIDTH),
        Column("count", "CHANNELS", 8, right=True),
        Column("state", "STATE", 9),
        Column("eta", "LEFT", 12, 2),
        Column("started", "STARTED", 15, 4),
        Column("result", "RESULT", 24, 3, flex=2),
    )
    first_sort = ("started", True)
    filter_names = ("state", "nvr")
    ON_A_ROW = frozenset({"open", "scan"})

    def idle(self) -> frozenset[str]:
        running = any(job.state is JobState.RUNNING for job in self.items().values())
        return super().idle() if running else super().idle() | {"cancel_job"}

    def items(self) -> Mapping[int, Any]:
        return ui_of(self).store.jobs

    def row(self, item: Job) -> Row:
        ui = ui_of(self)
        sign = Sign(*HUMAN_GLYPH, "keep it?") if item.outcome == "waiting" else job_sign(item.state)
        running = item.state is JobState.RUNNING
        ended = item.error or (diff_summary(item.diff) if item.diff else "")
        cells = (
            Cell(item.title),
            Cell(ui.look.bar(item.done, item.total, BAR_WIDTH), Tone.ACCENT if running else Tone.MUTED),
            Cell(progress_words(item)),
            Cell(sign.word, sign.tone),
            Cell(eta_words(item), Tone.MUTED),
            Cell(format_when(item.started, ui.local_now(), ui.local_now().tzinfo), Tone.MUTED),
            Cell(item.now if running else ended, Tone.ERROR if item.error else Tone.MUTED),
        )
        return Row(item.id, ui.look.glyph(sign), sign.tone, cells)

    def fields(self, item: Job) -> dict[str, str]:
        return {"state": item.state.value, "nvr": ui_of(self).store.nvr_name(item.nvr)}

    def sort_value(self, item: Job, column: str) -> Any:
        values: dict[str, Any] = {
            "title": item.title.casefold(),
            "bar": item.done / item.total if item.total else 0.0,
            "count": item.done,
            "state": item.state.value,
            "eta": item.eta_s or 0.0,
        }
        return values.get(column, (item.started, item.id))

    def empty_lines(self) -> list[Line]:
        return [
            line(""),
            line(("    No scan yet.", Tone.STRONG)),
            line("    On an NVR (", ("3", Tone.ACCENT), ") press ", ("r", Tone.ACCENT), " to scan it."),
        ]

    def detail_lines(self, item: Job, width: int, height: int) -> list[Line]:
        words: list[Line]
        if item.state is JobState.RUNNING:
            words = [line((f" now: {item.now or 'asking the NVR'}", Tone.TEXT)), line((" c cancels it", Tone.MUTED))]
        elif item.error:
            words = [((" ", Tone.TEXT), *w) for w in wrap(f"{item.error} {item.hint}", width - 2, Tone.ERROR, 2)]
        else:
            words = [line((f" {diff_summary(item.diff)}" if item.diff else " ended", Tone.TEXT))]
            if item.diff and item.diff.warnings:
                words += [((" ", Tone.TEXT), *w) for w in wrap(item.diff.warnings[0], width - 2, Tone.WARNING, 1)]
        return [line((f" {item.title}", Tone.STRONG)), *words]

    def action_open(self) -> None:
        if self.current() is not None:
            ui_of(self).open_job(self.current().id)

    def action_cancel_job(self) -> None:
        job = self.current()
        if job is None or job.state is not JobState.RUNNING:
            ui_of(self).toast("This job has already ended.")
        else:
            ui_of(self).cancel_job(job.id)

    def action_scan(self) -> None:
        if self.current() is not None:
            ui_of(self).scan(self.current().nvr)
