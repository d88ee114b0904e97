"""The steps of the NVR: which one, and reading its channels."""

from __future__ import annotations

from proxyd.api.models import FoundNvr, Job, JobState, Nvr

from ..screens.nvr_form import KnownNvrForm, NvrForm
from ..widgets.line import Line
from ..widgets.rows import Row
from . import words
from .pane import Pane
from .places import Place
from .rows import found_row, known_row

SEARCH_S, SEARCH_DEADLINE_S = 4.0, 60.0


class NvrPane(Pane):
    place = Place.NVR
    table = "found"
    found: list[FoundNvr] | None = None

    def arrive(self) -> None:
        if self.found is None:
            self.again()

    def again(self) -> None:
        def arrived(found: list[FoundNvr]) -> None:
            self.found = found

        self.ask("nvr.discover", {"timeout_s": SEARCH_S}, "Searching…", arrived, SEARCH_DEADLINE_S)

    @property
    def _new(self) -> list[FoundNvr]:
        here = {(nvr.host, nvr.port) for nvr in self.store.nvrs.values()}
        return [found for found in self.found or [] if found.known is None and (found.host, found.port) not in here]

    def lines(self, width: int) -> list[Line]:
        number = len(self._new) + len(self.store.nvrs)
        return words.nvr_lines(self.waiting and not self.store.nvrs, number, self.trouble, width)

    def rows(self) -> list[Row]:
        """Found ones have negative keys, so that they never meet the id of a known one."""
        look = self.ui.look
        known = [known_row(nvr, look) for nvr in self.store.nvrs.values()]
        return known + [found_row(-1 - number, found, look) for number, found in enumerate(self._new)]

    def go(self) -> None:
        key = self.screen.cursor
        if key is None:
            self.by_hand()
        elif key in self.store.nvrs:
            self.screen.chosen_nvr = key
            self.screen.go_on()
        elif key < 0:
            self._form(self._new[-1 - key])

    def by_hand(self) -> None:
        self._form(None)

    def _form(self, found: FoundNvr | None) -> None:
        def saved(nvr: Nvr | None) -> None:
            if nvr is not None:
                self.store.put("nvr", nvr)
                self.screen.chosen_nvr = nvr.id
                self.screen.show_place(Place.SCAN)

        self.screen.app.push_screen(NvrForm(found=found), saved)


class ScanPane(Pane):
    """A new NVR is read at once; its cameras wait until their names are chosen."""

    place = Place.SCAN

    @property
    def job(self) -> Job | None:
        nvr = self.nvr
        mine = [job for job in self.store.jobs.values() if nvr is not None and job.nvr == nvr.id]
        return max(mine, key=lambda job: job.id, default=None)

    def arrive(self) -> None:
        nvr = self.nvr
        if nvr is not None and not nvr.last_scan and self.job is None:
            self.again()

    def lines(self, width: int) -> list[Line]:
        return words.scan_lines(self.nvr, self.job, self.ui.look, width, self.ui.local_now())

    def go(self) -> None:
        nvr, job = self.nvr, self.job
        if nvr is None:
            self.screen.show_place(Place.NVR)
        elif job is not None and job.state is JobState.RUNNING:
            self.ui.toast("The scan is still running; c cancels it.")
        elif job is not None and job.state is JobState.FAILED:
            self._correct(nvr)
        elif not nvr.last_scan:
            self.again()
        else:
            self.screen.go_on()

    def again(self) -> None:
        nvr, job = self.nvr, self.job
        if nvr is None or (job is not None and job.state is JobState.RUNNING):
            return

        def started(result: Job) -> None:
            if result.id not in self.store.jobs:
                self.store.put("job", result)

        self.ask("nvr.scan", {"id": nvr.id, "start": False}, "Starting the scan…", started)

    def idle(self) -> frozenset[str]:
        running = self.job is not None and self.job.state is JobState.RUNNING
        return super().idle() | {"again"} if running else super().idle()

    def cancel(self) -> None:
        job = self.job
        if job is not None and job.state is JobState.RUNNING:
            self.ui.cancel_job(job.id)

    def _correct(self, nvr: Nvr) -> None:
        def saved(result: Nvr | None) -> None:
            if result is not None:
                self.store.put("nvr", result)
                self.again()

        self.screen.app.push_screen(KnownNvrForm(nvr), saved)
