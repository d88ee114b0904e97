"""What each step shows and what its keys do. A pane is no widget: the screen asks it for lines and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxyd.api.models import Camera, Finding, FoundNvr, InterfaceChange, Job, JobState, Nvr
from proxyd.errors import ProxyError

from ..screens.nvr_form import KnownNvrForm, NvrForm
from ..store import Store
from ..ui import Ui, ui_of
from ..widgets.line import Line
from ..widgets.rows import Row
from ..words import count
from . import words
from .places import (
    Place,
    cameras_of,
    free_interfaces,
    interfaces_to_offer,
    missing_interfaces,
    nvr_in_hand,
)
from .rows import camera_row, found_row, known_row

if TYPE_CHECKING:
    from .screen import WizardScreen

EXAMINE_S = 90.0
SEARCH_S, SEARCH_DEADLINE_S = 4.0, 60.0
CHANGE_DEADLINE_S = 90.0
MOST_INTERFACES = 512


class Pane:
    """One step. `table`: which of the screen's tables it shows, if any."""

    place: Place
    table = ""

    def __init__(self, screen: WizardScreen) -> None:
        self.screen = screen
        self.waiting = False  # for an answer of the daemon; keys that ask it do nothing then
        self.trouble = ""

    @property
    def ui(self) -> Ui:
        return ui_of(self.screen)

    @property
    def store(self) -> Store:
        return self.ui.store

    @property
    def nvr(self) -> Nvr | None:
        return self.store.nvrs.get(self.screen.chosen_nvr) or nvr_in_hand(self.store)

    @property
    def cameras(self) -> list[Camera]:
        return cameras_of(self.nvr, self.store)

    def ask(self, method: str, params: dict[str, Any], doing: str, then: Any, deadline_s: float = 30.0) -> None:
        """One call at a time; what goes wrong stands on the step."""
        if self.waiting:
            return
        self.waiting, self.trouble = True, ""

        def arrived(result: Any) -> None:
            self.waiting = False
            then(result)
            self.screen.show_step()

        def failed(error: ProxyError) -> bool:
            self.waiting, self.trouble = False, str(error)
            if self.screen.pane is self and self.screen.is_current:
                self.screen.show_step()
                self.ui.toast(self.trouble, "error")
            return True

        asked = self.ui.ask(method, params, doing=doing, then=arrived, failed=failed, deadline_s=deadline_s)
        self.waiting = asked is not None  # None: refused, or asked already from elsewhere
        self.screen.show_step()

    # what steps say and do

    def arrive(self) -> None:
        """It is shown now."""

    def lines(self, width: int) -> list[Line]:
        raise NotImplementedError

    def rows(self) -> list[Row]:
        return []

    def go(self) -> None:
        """Enter."""
        self.screen.go_on()

    def again(self) -> None:
        """r"""

    def by_hand(self) -> None:
        """a"""

    def back(self) -> bool:
        """b; True when it was about something within this step."""
        return False

    def count_by(self, step: int) -> None:
        """+ and -"""

    def mark(self) -> None:
        """Space"""

    def cancel(self) -> None:
        """c"""

    def interfaces(self) -> None:
        """i"""

    def entry(self) -> str | None:
        """e: what stands in the field to begin with; None where nothing can be typed."""
        return None

    def entered(self, text: str) -> bool:
        """The field was left with Enter; True when it shall stay open."""
        return False


class NetworkPane(Pane):
    place = Place.NETWORK
    findings: list[Finding] | None = None

    def arrive(self) -> None:
        if self.findings is None:
            self.again()

    def again(self) -> None:
        def found(findings: list[Finding]) -> None:
            self.findings = findings
            self.store.examined(findings)

        self.ask("interface.doctor", {}, "Examining the network…", found, EXAMINE_S)

    def lines(self, width: int) -> list[Line]:
        return words.network_lines(self.store, self.findings, self.trouble, width)


class InterfacesPane(Pane):
    place = Place.INTERFACES
    wanted = 0
    parent = ""
    change: InterfaceChange | None = None

    def arrive(self) -> None:
        self.wanted, self.change = interfaces_to_offer(self.store), None

    def lines(self, width: int) -> list[Line]:
        return words.interface_lines(self.store, self.wanted, self.change, self.ui.look, width)

    @property
    def _params(self) -> dict[str, Any]:
        return {"count": self.wanted} | ({"parent": self.parent} if self.parent else {})

    def go(self) -> None:
        if self.change is None:
            self.ask("interface.add", self._params | {"dry_run": True}, "Looking…", self._shown, CHANGE_DEADLINE_S)
            return
        params = self._params | {"digest": self.change.digest}
        self.ask("interface.add", params, "Making interfaces…", self._made, CHANGE_DEADLINE_S)

    def _shown(self, change: InterfaceChange) -> None:
        self.change = change

    def _made(self, change: InterfaceChange) -> None:
        self.change = None
        self.ui.toast(f"{count(len(change.added), 'interface')} added.")
        if self.screen.pane is self:
            self.screen.go_on()

    def back(self) -> bool:
        had, self.change = self.change is not None, None
        return had

    def count_by(self, step: int) -> None:
        self.wanted, self.change = max(1, min(MOST_INTERFACES, self.wanted + step)), None

    def entry(self) -> str:
        return f"{self.wanted} {self.parent}".strip()

    def entered(self, text: str) -> bool:
        number, _, parent = text.strip().partition(" ")
        if not number.isdecimal() or not 1 <= int(number) <= MOST_INTERFACES:
            self.ui.toast(f"Type a number from 1 to {MOST_INTERFACES}; after it the parent, where there are several.")
            return True
        self.wanted, self.parent, self.change = int(number), parent.strip(), None
        return False


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
        return words.scan_lines(self.nvr, self.job, self.ui.look, width)

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


class NamesPane(Pane):
    place = Place.NAMES
    table = "names"

    def lines(self, width: int) -> list[Line]:
        return words.name_lines(self.cameras, self._left_out, self.screen.editing, width)

    @property
    def _left_out(self) -> set[int]:
        return self.screen.left_out & {camera.id for camera in self.cameras}

    def rows(self) -> list[Row]:
        return [camera_row(camera, self.ui.look, left_out=camera.id in self._left_out) for camera in self.cameras]

    def mark(self) -> None:
        if self.screen.cursor is not None:
            self.screen.left_out.symmetric_difference_update({self.screen.cursor})
            self.screen.table.action_move(1)

    def entry(self) -> str | None:
        camera = self.store.cameras.get(self.screen.cursor or 0)
        return camera.name if camera else None

    def entered(self, text: str) -> bool:
        camera = self.store.cameras.get(self.screen.cursor or 0)
        if camera is None:
            return False
        name = text.strip()
        if name and name != camera.name:

            def renamed(changed: Camera) -> None:
                self.store.put("camera", changed)

            # Not through `ask`: the next name is typed while this one is on its way.
            self.ui.ask("camera.update", {"id": camera.id, "name": name}, doing="Renaming…", then=renamed)
        at_end = self.screen.cursor == self.cameras[-1].id
        self.screen.table.action_move(1)
        return not at_end


class StartPane(Pane):
    place = Place.START

    def lines(self, width: int) -> list[Line]:
        return words.start_lines(self.cameras, self._left_out, self.ui.look, width)

    @property
    def _left_out(self) -> set[int]:
        return self.screen.left_out & {camera.id for camera in self.cameras}

    def go(self) -> None:
        gone = sorted(self._left_out)
        asleep = [camera.id for camera in self.cameras if not camera.enabled and camera.id not in gone]
        if gone:
            self.ask("camera.remove", {"ids": gone}, "Leaving some out…", lambda _: self._removed(gone, asleep))
        elif asleep:
            self._start(asleep)
        else:
            self.screen.go_on()

    def _removed(self, gone: list[int], asleep: list[int]) -> None:
        self.screen.left_out.difference_update(gone)
        if asleep:
            self._start(asleep)

    def _start(self, asleep: list[int]) -> None:
        def started(cameras: list[Camera]) -> None:
            for camera in cameras:
                self.store.put("camera", camera)

        self.ask("camera.start", {"ids": asleep}, "Starting the cameras…", started)

    def interfaces(self) -> None:
        if missing_interfaces(self.store) or not free_interfaces(self.store):
            self.screen.show_place(Place.INTERFACES)


class AdoptPane(Pane):
    place = Place.ADOPT

    def lines(self, width: int) -> list[Line]:
        return words.adopt_lines(self.cameras, width, under_way=self._under_way)

    def go(self) -> None:
        running = [camera for camera in self.cameras if camera.enabled]
        if running and all(camera.adopted_by for camera in running):
            self.ui.show_view("cameras")
        elif self._under_way:
            self.ui.show_view("adopt")
        else:
            self.ask("adoption.start", {}, "Beginning…", self._begun)

    @property
    def _under_way(self) -> bool:
        return self.store.adoption.state in ("running", "paused")

    def _begun(self, adoption: Any) -> None:
        self.store.put("adoption", adoption)
        self.ui.show_view("adopt")


PANES: tuple[type[Pane], ...] = (NetworkPane, InterfacesPane, NvrPane, ScanPane, NamesPane, StartPane, AdoptPane)
